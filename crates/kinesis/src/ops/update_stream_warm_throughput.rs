//! UpdateStreamWarmThroughput: what a stream on demand shall be ready for at once; 0 takes the wish back.
//!
//! Only in an account whose MinimumThroughputBillingCommitment holds.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamWarmThroughput.html>
//! Not as AWS: the wish is kept and shown, and the shards that are there do not follow it. CurrentMiBps is what those
//! take.

use nautilus_wire::{Members, Output as WireOutput, Writer, rules::kinesis as rules};

use crate::{
    catalog::Address,
    description,
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    model::stream::Stream,
    on_demand,
    transitions::{self, Effect},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub warm_throughput: i64,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read(members),
            warm_throughput: members
                .required_integer("WarmThroughputMiBps", &rules::WARM_THROUGHPUT),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

#[derive(Debug)]
pub(crate) struct Output(Stream);

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let at = input.stream.address(ctx.caller)?;
    let (now_ms, wanted) = (ctx.inner.now_ms(), input.warm_throughput);
    let snapshot = ctx.inner.catalog.snapshot();
    let stream = transitions::update_stream(ctx.inner, at, move |stream| {
        on_demand::check_is_on_demand(stream, "WarmThroughputMiBps")?;
        let at = Address::of(stream);
        stream.warm_mibps = on_demand::warm_throughput(&snapshot, at, now_ms, wanted)?;
        Ok((Effect::Passing, stream.clone()))
    });
    let stream = stream.await?;
    ctx.inner.looks.soon();
    Ok(Output(stream))
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_str("StreamARN", &self.0.arn());
            w.field_str("StreamName", &self.0.name);
            description::write_warm_throughput(w, &self.0);
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    const ENABLE: &str = r#"{"MinimumThroughputBillingCommitment":{"Status":"ENABLED"}}"#;
    const DISABLE: &str = r#"{"MinimumThroughputBillingCommitment":{"Status":"DISABLED"}}"#;

    fn input(name: &str, mibps: u32) -> String {
        format!(r#"{{"StreamName":"{name}","WarmThroughputMiBps":{mibps}}}"#)
    }

    #[test]
    fn the_wish_is_kept_and_shown_as_long_as_the_commitment_holds() {
        let world = World::new();
        world.create_on_demand("s", "");
        world.check(
            "UpdateStreamWarmThroughput",
            &input("s", 8),
            "InvalidArgumentException: WarmThroughputMiBps needs the account setting \
             MinimumThroughputBillingCommitment.",
        );
        assert!(world.summary("s").get("WarmThroughput").is_none());

        world.ok("UpdateAccountSettings", ENABLE);
        let shown = |target: u32, now: u32| json!({"TargetMiBps": target, "CurrentMiBps": now});
        assert_eq!(world.summary("s")["WarmThroughput"], shown(4, 4));
        world.check(
            "UpdateStreamWarmThroughput",
            &input("s", 8),
            r#"{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s","StreamName":"s","WarmThroughput":{"TargetMiBps":8,"CurrentMiBps":4}}"#,
        );
        assert_eq!(world.status("s"), "UPDATING");
        (0..4).for_each(|_| world.settle()); // it gets its shards, too
        assert_eq!(world.summary("s")["WarmThroughput"], shown(8, 8));
        world.ok("UpdateStreamWarmThroughput", &input("s", 0));
        (0..4).for_each(|_| world.settle());
        assert_eq!(world.summary("s")["WarmThroughput"], shown(4, 4));

        world.ok("UpdateAccountSettings", DISABLE);
        world.advance(24 * 3_600_000);
        assert!(world.summary("s").get("WarmThroughput").is_none());
    }

    #[test]
    fn too_much_and_a_provisioned_stream_are_refused() {
        let world = World::with_stream(1);
        world.ok("UpdateAccountSettings", ENABLE);
        world.create_on_demand("t", "");
        world.check(
            "UpdateStreamWarmThroughput",
            &input("t", 10_241),
            "LimitExceededException: WarmThroughputMiBps cannot be greater than 10240 for the \
             stream t under account 000000000000. Requested: 10241.",
        );
        world.check(
            "UpdateStreamWarmThroughput",
            &input("s", 8),
            "InvalidArgumentException: WarmThroughputMiBps is only for streams in On-Demand mode. \
             Stream s under account 000000000000 is in Provisioned mode.",
        );
    }
}
