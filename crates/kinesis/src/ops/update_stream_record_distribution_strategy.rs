//! UpdateStreamRecordDistributionStrategy: who decides which shard of a stream on demand a record goes to.
//!
//! The change holds at once, for what is put from now on.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamRecordDistributionStrategy.html>

use nautilus_wire::{Done, Members, rules::kinesis as rules};

use crate::{
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    model::stream::Distribution,
    on_demand,
    transitions::{self, Effect},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    /// The default only for an input that was refused.
    pub distribution: Distribution,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        let rule = &rules::RECORD_DISTRIBUTION_STRATEGY;
        let strategy = members.required_string("RecordDistributionStrategy", rule);
        Input {
            stream: StreamRef::read_arn(members),
            distribution: Distribution::parse(&strategy).unwrap_or_default(),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let at = input.stream.address(ctx.caller)?;
    transitions::update_stream(ctx.inner, at, move |stream| {
        on_demand::check_is_on_demand(stream, "RecordDistributionStrategy")?;
        stream.distribution = input.distribution;
        Ok((Effect::Immediate, ()))
    })
    .await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    fn input(strategy: &str) -> String {
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
        json!({"StreamARN": arn, "RecordDistributionStrategy": strategy}).to_string()
    }

    /// How many of 100 records of one key each of the four shards got.
    fn spread(world: &World) -> Vec<usize> {
        let before: Vec<_> = (0..4).map(|shard| world.read_all("s", shard).len()).collect();
        let record = json!({"PartitionKey": "k", "ExplicitHashKey": "0", "Data": ""});
        let records = json!({"StreamName": "s", "Records": vec![record; 60]}).to_string();
        assert_eq!(world.ok("PutRecords", &records)["FailedRecordCount"], 0);
        (0..40).for_each(|_| drop(world.put("s", "k", b"")));
        let now = (0..4).map(|shard| world.read_all("s", shard).len());
        now.zip(before).map(|(now, before)| now - before).collect()
    }

    #[test]
    fn auto_spreads_one_key_over_all_shards_and_is_taken_back() {
        let world = World::new();
        world.create_on_demand("s", "");
        assert_eq!(spread(&world).iter().filter(|count| **count > 0).count(), 2);
        world.check("UpdateStreamRecordDistributionStrategy", &input("AUTO"), "");
        assert_eq!(world.status("s"), "ACTIVE");
        assert_eq!(world.summary("s")["RecordDistributionStrategy"], "AUTO");
        let even = spread(&world);
        assert!(even.iter().all(|count| (23..28).contains(count)), "{even:?}");

        world.check("UpdateStreamRecordDistributionStrategy", &input("USER_PARTITION_KEY"), "");
        assert_eq!(spread(&world).iter().filter(|count| **count > 0).count(), 2);
    }

    #[test]
    fn a_key_that_nobody_gave_is_none() {
        let world = World::new();
        world.create_on_demand("s", r#","RecordDistributionStrategy":"AUTO""#);
        world.ok("PutRecord", r#"{"StreamName":"s","Data":""}"#);
        let records = json!({"StreamName": "s", "Records": [{"Data": ""}, {"Data": "", "PartitionKey": "k"}]});
        assert_eq!(world.ok("PutRecords", &records.to_string())["FailedRecordCount"], 0);
        let mut keys = Vec::new();
        for shard in 0..4 {
            let iterator = world.iterator("s", shard, "TRIM_HORIZON");
            let page = world.ok("GetRecords", &json!({"ShardIterator": iterator}).to_string());
            for record in page["Records"].as_array().expect("a list") {
                keys.push(record.get("PartitionKey").map(ToString::to_string));
            }
        }
        keys.sort();
        assert_eq!(keys, [None, None, Some(r#""k""#.to_owned())]);
    }

    #[test]
    fn a_provisioned_stream_has_none() {
        let world = World::with_stream(1);
        world.check(
            "UpdateStreamRecordDistributionStrategy",
            &input("AUTO"),
            "InvalidArgumentException: RecordDistributionStrategy is only for streams in On-Demand \
             mode. Stream s under account 000000000000 is in Provisioned mode.",
        );
        assert!(world.summary("s").get("RecordDistributionStrategy").is_none());
        let error = world.error("UpdateStreamRecordDistributionStrategy", &input("ROUND_ROBIN"));
        assert!(error.starts_with("ValidationException: "), "{error}");
    }
}
