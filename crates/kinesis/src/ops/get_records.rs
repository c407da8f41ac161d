//! GetRecords: a page of a shard's records from where an iterator stands, and the iterator behind it.
//!
//! Records go from the log's buffers straight into the answer. A page without records is a normal answer. What has
//! expired is never given: an iterator that stands there slides to the horizon. The page that reaches the end of a closed
//! shard, and any page from there, has no iterator and the shards that follow: both at once, since both come from one
//! state of the catalog.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html>

use std::{borrow::Cow, sync::Arc};

use nautilus_wire::{Members, Output as WireOutput, Writer, rules::kinesis as rules};

use super::Operation;
use crate::{
    catalog::Address,
    error::Error,
    faults::{self, FaultAction},
    input::arn_address,
    kinesis::{Ctx, Request},
    limits,
    metrics::{Call, GetRecords},
    model::{
        iterator::{OpenedIterator, ShardIterator},
        shard::Shard,
        stream::Stream,
    },
    page::{self, Page, Room},
    utc::utc_text,
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub shard_iterator: Cow<'a, str>,
    pub limit: Option<i64>,
    pub stream_arn: Option<Cow<'a, str>>,
    pub dry_run: bool,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        members.string("StreamId", &rules::STREAM_ID);
        Input {
            shard_iterator: members.required_string("ShardIterator", &rules::SHARD_ITERATOR),
            limit: members.integer("Limit", &rules::LIMIT),
            stream_arn: members.string("StreamARN", &rules::STREAM_ARN),
            dry_run: members.boolean("DryRun").unwrap_or(false),
        }
    }

    /// The stream that the iterator was made for.
    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        let opened = self.open(request)?;
        Ok(self.address(request, &opened)?.arn())
    }

    fn open(&self, request: &Request<'_>) -> Result<OpenedIterator, Error> {
        OpenedIterator::open(&request.inner.seal, &self.shard_iterator)
            .ok_or_else(|| Error::InvalidArgument("Invalid ShardIterator.".to_owned()))
    }

    fn address<'s>(
        &'s self,
        request: &'s Request<'_>,
        opened: &'s OpenedIterator,
    ) -> Result<Address<'s>, Error> {
        let (caller, name) = (request.caller, opened.iterator().stream_name);
        let Some(arn) = &self.stream_arn else {
            return Ok(Address { account: &caller.account, region: &caller.region, name });
        };
        let at = arn_address(arn, caller)?;
        match at.name == name {
            true => Ok(at),
            false => Err(Error::InvalidArgument(format!(
                "The ShardIterator does not belong to the stream {arn}."
            ))),
        }
    }
}

/// A page, and where the reader goes on.
pub(crate) struct Output {
    page: Page,
    shard: Shard,
    next: Next,
    millis_behind_latest: u64,
}

/// Where the reader goes on.
enum Next {
    Iterator(String),
    /// The shard is read to its end, and these follow it.
    Children(Vec<Shard>),
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let request = Request { inner: ctx.inner, caller: ctx.caller };
    let opened = input.open(&request)?;
    let iterator = opened.iterator();
    let now = ctx.inner.now_ms();
    let is_too_old = now.saturating_sub(iterator.issued_ms) > limits::ITERATOR_LIFE_MS;
    let found = input.address(&request, &opened).and_then(|at| {
        let (stream, shard) = its_shard(ctx, at, &iterator)?;
        Ok((at, stream, shard))
    });
    if is_too_old {
        if let (Ok((_, stream, shard)), false) = (&found, input.dry_run) {
            Call::<GetRecords>::begin(ctx.inner, stream, Some(now)).failed(stream, shard);
        }
        return Err(expired(&iterator, now));
    }
    let (at, stream, shard) = found?;
    if input.dry_run {
        return Err(Error::DryRun);
    }
    let call = Call::<GetRecords>::begin(ctx.inner, &stream, Some(now));
    if let Some(action) = ctx.inner.faults.of_shard(Operation::GetRecords, at.name, shard.id()) {
        match action.throttles() {
            true => call.throttled(&stream, &shard),
            false => call.failed(&stream, &shard),
        }
        return Err(match action {
            FaultAction::ExpiredIterator => expired(&iterator, now),
            other => faults::error(other, Some(at), Some(shard.id())),
        });
    }
    let rates = ctx.inner.rates.reads.as_ref();
    if rates.is_some_and(|rates| !shard.live.reads.begin(rates, now)) {
        call.throttled(&stream, &shard);
        return Err(Error::throughput_exceeded(at, shard.id()));
    }

    let limit = input.limit.and_then(|limit| usize::try_from(limit).ok());
    let records = limit.unwrap_or(limits::GET_RECORDS_MAX);
    let room = Room { records, bytes: limits::GET_RECORDS_BYTES_MAX };
    let page = Page::read(ctx.inner, &stream, &shard, iterator.next, room).await;
    let page = page.and_then(|page| {
        let children = page.children(&stream, &shard)?;
        Ok((page, children))
    });
    let (page, children) = match page {
        Ok(page) => page,
        Err(error) => {
            call.failed(&stream, &shard);
            return Err(error);
        }
    };
    if let Some(rates) = rates {
        shard.live.reads.end(rates, page.bytes(), now);
    }
    let next = match children {
        Some(children) => Next::Children(children),
        None => {
            let next = ShardIterator { next: page.next(), issued_ms: now, ..iterator };
            Next::Iterator(next.seal(&ctx.inner.seal))
        }
    };
    let millis_behind_latest = page.millis_behind_latest(now);
    call.read(&stream, &shard, &page, page.age_ms(now));
    Ok(Output { page, shard, next, millis_behind_latest })
}

fn expired(iterator: &ShardIterator<'_>, now: u64) -> Error {
    Error::ExpiredIterator(format!(
        "Iterator expired. The iterator was created at time {} while right now it is {} which is \
         further in the future than the tolerated delay of {} milliseconds.",
        utc_text(iterator.issued_ms),
        utc_text(now),
        limits::ITERATOR_LIFE_MS
    ))
}

/// The stream in the life that the iterator was made in, and the shard.
fn its_shard(
    ctx: &Ctx<'_>,
    at: Address<'_>,
    iterator: &ShardIterator<'_>,
) -> Result<(Arc<Stream>, Shard), Error> {
    let stream = ctx.inner.stream(at).ok().filter(|stream| stream.id == iterator.stream_id);
    let stream = stream.ok_or_else(|| Error::shard_not_found(at, iterator.shard))?;
    let shard = stream.shard(iterator.shard).cloned();
    let shard = shard.ok_or_else(|| Error::shard_not_found(at, iterator.shard))?;
    Ok((stream, shard))
}

impl WireOutput for Output {
    fn bytes_hint(&self) -> usize {
        512 + self.page.bytes_hint()
    }

    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            self.page.write_records(w, &self.shard);
            if let Next::Iterator(iterator) = &self.next {
                w.field_str("NextShardIterator", iterator);
            }
            w.field_i64("MillisBehindLatest", self.millis_behind_latest as i64);
            if let Next::Children(children) = &self.next {
                page::write_children(w, children);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{NOW_MS, World};

    #[test]
    fn what_stands_before_damage_is_given_and_the_damage_is_an_error() {
        let mut world = World::with_stream(1);
        for data in ["first-record", "second-record", "third-record", "fourth-record"] {
            world.put("s", "k", data.as_bytes());
        }
        for path in world.disk.paths().iter().filter(|path| path.ends_with(".seg")) {
            world.disk.edit(path, |bytes| {
                let found = bytes.windows(12).position(|window| window == b"third-record");
                if let Some(at) = found {
                    bytes[at] ^= 1;
                }
            });
        }
        world.restart();
        let iterator = world.iterator("s", 0, "TRIM_HORIZON");
        let page = world.ok("GetRecords", &input(&iterator, ""));
        assert_eq!(page["Records"].as_array().map(Vec::len), Some(2));
        let next = page["NextShardIterator"].as_str().expect("an iterator").to_owned();
        assert!(world.error("GetRecords", &input(&next, "")).starts_with("InternalFailure"));
    }

    fn input(iterator: &str, rest: &str) -> String {
        format!(r#"{{"ShardIterator":"{iterator}"{rest}}}"#)
    }

    #[test]
    fn a_record_comes_back_as_it_was_put() {
        let world = World::with_stream(1);
        world.set_now(NOW_MS + 10_123);
        let number = world.put("s", "ключ", b"\0\xff data");
        let answer = world.ok("GetRecords", &input(&world.iterator("s", 0, "TRIM_HORIZON"), ""));

        let record = &answer["Records"][0];
        assert_eq!(record["SequenceNumber"], number);
        assert_eq!(record["PartitionKey"], "ключ");
        assert_eq!(record["Data"], base64_simd::STANDARD.encode_to_string(b"\0\xff data"));
        let arrived = record["ApproximateArrivalTimestamp"].as_f64().expect("a number");
        assert_eq!((arrived * 1000.0).round() as u64, NOW_MS + 10_123);
        assert_eq!(answer["MillisBehindLatest"], 0);
        assert_eq!(record.as_object().expect("an object").len(), 4, "no EncryptionType");
        assert!(answer.get("ChildShards").is_none());
    }

    #[test]
    fn pages_follow_each_other_and_an_iterator_may_be_used_again() {
        let world = World::with_stream(1);
        for n in 0..5u8 {
            world.put("s", "k", &[n]);
        }
        let first = world.iterator("s", 0, "TRIM_HORIZON");
        let mut iterator = first.clone();
        for expected in [vec!["AA==", "AQ=="], vec!["Ag==", "Aw=="], vec!["BA=="], vec![]] {
            let answer = world.ok("GetRecords", &input(&iterator, r#","Limit":2"#));
            let records = answer["Records"].as_array().expect("a list");
            let data: Vec<_> = records.iter().map(|record| record["Data"].clone()).collect();
            assert_eq!(data, expected);
            iterator = answer["NextShardIterator"].as_str().expect("text").to_owned();
        }
        assert_eq!(world.read_from(&first).len(), 5);
        assert_eq!(world.read_from(&format!("\\\"{first}\\\"")).len(), 5, "quotes are taken off");
    }

    #[test]
    fn a_page_ends_inside_a_batch_when_the_limit_says_so() {
        let world = World::with_stream(1);
        let record = |data: &str| format!(r#"{{"PartitionKey":"k","Data":"{data}"}}"#);
        let records = [record("AAAA"), record("BBBB"), record("CCCC")].join(",");
        world.ok("PutRecords", &format!(r#"{{"StreamName":"s","Records":[{records}]}}"#));

        let mut iterator = world.iterator("s", 0, "TRIM_HORIZON");
        for expected in ["AAAA", "BBBB", "CCCC"] {
            let answer = world.ok("GetRecords", &input(&iterator, r#","Limit":1"#));
            assert_eq!(answer["Records"][0]["Data"], expected);
            assert_eq!(answer["Records"].as_array().expect("a list").len(), 1);
            iterator = answer["NextShardIterator"].as_str().expect("text").to_owned();
        }
    }

    #[test]
    fn a_page_has_ten_mebibytes_at_most() {
        let world = World::with_stream(1);
        for n in 0..11 {
            world.put("s", "k", &vec![n; 1024 * 1024 - 1]);
        }
        let answer = world.ok("GetRecords", &input(&world.iterator("s", 0, "TRIM_HORIZON"), ""));
        assert_eq!(answer["Records"].as_array().expect("a list").len(), 10);
        assert_ne!(answer["MillisBehindLatest"], 0);
        let next = answer["NextShardIterator"].as_str().expect("text");
        assert_eq!(world.read_from(next).len(), 1);
    }

    #[test]
    fn the_reader_learns_how_far_behind_it_is() {
        let world = World::with_stream(1);
        world.put("s", "k", b"a");
        world.advance(1500);
        world.put("s", "k", b"b");
        world.advance(500);

        let iterator = world.iterator("s", 0, "TRIM_HORIZON");
        let answer = world.ok("GetRecords", &input(&iterator, r#","Limit":1"#));
        assert_eq!(answer["MillisBehindLatest"], 2000);
        let next = answer["NextShardIterator"].as_str().expect("text");
        let answer = world.ok("GetRecords", &input(next, r#","Limit":1"#));
        assert_eq!(answer["MillisBehindLatest"], 0);
    }

    #[test]
    fn an_iterator_lives_five_minutes() {
        let world = World::with_stream(1);
        world.set_now(1_421_889_722_000);
        let iterator = world.iterator("s", 0, "TRIM_HORIZON");
        world.advance(300_000);
        world.ok("GetRecords", &input(&iterator, ""));
        world.advance(1_000);
        world.check(
            "GetRecords",
            &input(&iterator, ""),
            "ExpiredIteratorException: Iterator expired. The iterator was created at time Thu Jan \
             22 01:22:02 UTC 2015 while right now it is Thu Jan 22 01:27:03 UTC 2015 which is \
             further in the future than the tolerated delay of 300000 milliseconds.",
        );
    }

    #[test]
    fn garbage_is_no_iterator() {
        let world = World::with_stream(1);
        let mut forged = world.iterator("s", 0, "TRIM_HORIZON").into_bytes();
        forged[20] ^= 1;
        let forged = String::from_utf8(forged).expect("still ASCII");
        for iterator in ["x", "AAAA", &forged] {
            world.check(
                "GetRecords",
                &input(iterator, ""),
                "InvalidArgumentException: Invalid ShardIterator.",
            );
        }
    }

    #[test]
    fn an_iterator_does_not_outlive_its_stream() {
        let world = World::with_stream(1);
        let iterator = world.iterator("s", 0, "TRIM_HORIZON");
        world.check("DeleteStream", r#"{"StreamName":"s"}"#, "");
        world.settle();
        let gone = "ResourceNotFoundException: Shard shardId-000000000000 in stream s under \
                    account 000000000000 does not exist";
        world.check("GetRecords", &input(&iterator, ""), gone);

        world.create("s", 1);
        world.check("GetRecords", &input(&iterator, ""), gone);
    }

    #[test]
    fn expired_records_are_not_given_and_the_page_slides_to_the_horizon() {
        let world = World::with_stream(1);
        world.put("s", "k", b"old");
        world.advance(12 * 3_600_000);
        world.put("s", "k", b"young");
        world.advance(12 * 3_600_000 + 1);

        assert_eq!(world.read_all("s", 0), [b"young"]);
        world.advance(12 * 3_600_000);
        assert_eq!(world.read_all("s", 0), Vec::<Vec<u8>>::new());
        world.put("s", "k", b"new");
        assert_eq!(world.read_all("s", 0), [b"new"]);
    }

    #[test]
    fn longer_retention_does_not_bring_back_what_had_expired() {
        let world = World::with_stream(1);
        world.put("s", "k", b"old");
        world.advance(24 * 3_600_000 + 1);
        let input = r#"{"StreamName":"s","RetentionPeriodHours":48}"#;
        world.check("IncreaseStreamRetentionPeriod", input, "");
        world.put("s", "k", b"new");

        assert_eq!(world.read_all("s", 0), [b"new"]);
    }

    #[test]
    fn what_was_written_and_where_a_reader_stood_survive_a_restart() {
        let mut world = World::with_stream(1);
        world.put("s", "k", b"a");
        let iterator = world.iterator("s", 0, "TRIM_HORIZON");
        world.restart();

        assert_eq!(world.read_from(&iterator), [b"a"]);
        world.put("s", "k", b"b");
        assert_eq!(world.read_from(&iterator), [b"a", b"b"]);
    }

    /// From the beginning of shard 0 on: the data, and the last answer without its records.
    fn drain(world: &World, shard: usize) -> (Vec<Vec<u8>>, serde_json::Value) {
        let iterator = world.iterator("s", shard, "TRIM_HORIZON");
        let data = world.read_from(&iterator);
        let last = world.last_answer(&iterator);
        (data, last)
    }

    #[test]
    fn the_end_of_a_split_shard_names_both_children_and_no_iterator() {
        let world = World::with_stream(1);
        for n in 0..3u8 {
            world.put("s", "k", &[n]);
        }
        let (before, latest) =
            (world.iterator("s", 0, "TRIM_HORIZON"), world.iterator("s", 0, "LATEST"));
        let open = world.ok("GetRecords", &input(&before, ""));
        assert!(open.get("NextShardIterator").is_some() && open.get("ChildShards").is_none());
        world.split("s", "0", "170141183460469231731687303715884105728");

        let end = json!({
            "Records": [],
            "MillisBehindLatest": 0,
            "ChildShards": [
                {
                    "ShardId": "shardId-000000000001",
                    "ParentShards": ["shardId-000000000000"],
                    "HashKeyRange": {
                        "StartingHashKey": "0",
                        "EndingHashKey": "170141183460469231731687303715884105727"
                    }
                },
                {
                    "ShardId": "shardId-000000000002",
                    "ParentShards": ["shardId-000000000000"],
                    "HashKeyRange": {
                        "StartingHashKey": "170141183460469231731687303715884105728",
                        "EndingHashKey": "340282366920938463463374607431768211455"
                    }
                }
            ]
        });
        // The page that takes the last record is the end; one that leaves some is not.
        let page = world.ok("GetRecords", &input(&before, r#","Limit":2"#));
        assert!(page.get("ChildShards").is_none());
        let next = page["NextShardIterator"].as_str().expect("text");
        let page = world.ok("GetRecords", &input(next, r#","Limit":1"#));
        assert_eq!(page["Records"].as_array().expect("a list").len(), 1);
        assert_eq!(page["ChildShards"], end["ChildShards"]);
        assert!(page.get("NextShardIterator").is_none());

        let stood = open["NextShardIterator"].as_str().expect("text");
        for iterator in [stood, &latest, &world.iterator("s", 0, "LATEST")] {
            assert_eq!(world.ok("GetRecords", &input(iterator, "")), end, "already at the end");
        }
    }

    #[test]
    fn a_merged_shard_names_both_parents_from_either_end() {
        let world = World::with_stream(2);
        world.put_at("s", "0", b"lower");
        world.merge("s", "0", "1");
        for (shard, expected) in [(0, vec![b"lower".to_vec()]), (1, vec![])] {
            let (data, last) = drain(&world, shard);
            assert_eq!(data, expected);
            assert!(last.get("NextShardIterator").is_none());
            assert_eq!(
                last["ChildShards"][0]["ParentShards"],
                json!(["shardId-000000000000", "shardId-000000000001"])
            );
        }
    }

    #[test]
    fn where_a_reader_stood_in_a_closed_shard_survives_a_restart() {
        let mut world = World::with_stream(1);
        world.put("s", "k", b"a");
        world.put("s", "k", b"b");
        let iterator = world.iterator("s", 0, "TRIM_HORIZON");
        world.split("s", "0", "9");
        let answer = world.ok("GetRecords", &input(&iterator, r#","Limit":1"#));
        world.restart();
        let next = answer["NextShardIterator"].as_str().expect("text");
        assert_eq!(world.read_from(next), [b"b"]);
        assert_eq!(world.last_answer(next)["ChildShards"].as_array().expect("a list").len(), 2);
        world.put_at("s", "9", b"c");
        assert_eq!(world.read_all("s", 2), [b"c"]);
    }

    #[test]
    fn a_closed_shard_is_drained_also_when_its_records_have_expired() {
        let world = World::with_stream(1);
        world.put("s", "k", b"old");
        world.advance(12 * 3_600_000);
        world.split("s", "0", "9");
        world.advance(12 * 3_600_000);
        let (data, last) = drain(&world, 0);
        assert_eq!(data, Vec::<Vec<u8>>::new());
        assert_eq!(last["ChildShards"].as_array().expect("a list").len(), 2);
    }
}
