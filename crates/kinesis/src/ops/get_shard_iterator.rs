//! GetShardIterator: a place in a shard from which GetRecords reads; in a closed shard too, also at its end.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html>

use std::borrow::Cow;

use nautilus_wire::{Members, Output as WireOutput, Writer, rules::kinesis as rules};

use super::Operation;
use crate::{
    error::Error,
    faults,
    input::{self, StreamRef},
    kinesis::{Ctx, Request},
    model::iterator::ShardIterator,
    start::Start,
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub shard_id: Cow<'a, str>,
    pub start: Start<'a>,
    pub dry_run: bool,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read(members),
            shard_id: members.required_string("ShardId", &rules::SHARD_ID),
            start: Start {
                kind: members.required_string("ShardIteratorType", &rules::SHARD_ITERATOR_TYPE),
                sequence_number: members.string("StartingSequenceNumber", &rules::SEQUENCE_NUMBER),
                timestamp_ms: members.timestamp_ms("Timestamp"),
            },
            dry_run: members.boolean("DryRun").unwrap_or(false),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    shard_iterator: String,
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let at = input.stream.address(ctx.caller)?;
    let id = input::shard_id(at, &input.shard_id)?;
    let stream = ctx.inner.stream(at).map_err(|_| Error::shard_not_found(at, id))?;
    let shard = stream.shard(id).ok_or_else(|| Error::shard_not_found(at, id))?;
    let place = input.start.resolve(ctx.inner, Operation::GetShardIterator, &stream, shard).await?;
    if input.dry_run {
        return Err(Error::DryRun);
    }
    if let Some(action) = ctx.inner.faults.of_shard(Operation::GetShardIterator, at.name, id) {
        return Err(faults::error(action, Some(at), Some(id)));
    }
    let (rates, now_ms) = (ctx.inner.rates.reads.as_ref(), ctx.inner.now_ms());
    if rates.is_some_and(|rates| !shard.live.reads.iterator(rates, now_ms)) {
        return Err(Error::throughput_exceeded(at, id));
    }

    let iterator = ShardIterator {
        stream_id: stream.id,
        stream_name: &stream.name,
        shard: id,
        next: place.next,
        issued_ms: now_ms,
    };
    Ok(Output { shard_iterator: iterator.seal(&ctx.inner.seal) })
}

impl WireOutput for Output {
    fn bytes_hint(&self) -> usize {
        32 + self.shard_iterator.len()
    }

    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| w.field_str("ShardIterator", &self.shard_iterator));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{NOW_MS, World, plus_positions};

    fn input(rest: &str) -> String {
        format!(r#"{{"StreamName":"s","ShardId":"shardId-000000000000",{rest}}}"#)
    }

    fn read_from(world: &World, kind: &str, number: &str) -> Vec<Vec<u8>> {
        let rest = format!(r#""ShardIteratorType":"{kind}","StartingSequenceNumber":"{number}""#);
        let answer = world.ok("GetShardIterator", &input(&rest));
        let iterator = answer["ShardIterator"].as_str().expect("text");
        world.read_from(iterator)
    }

    #[test]
    fn at_and_after_start_where_they_say() {
        let world = World::with_stream(1);
        let start = world.shard_start("s", 0);
        let numbers: Vec<_> =
            [b"a", b"b", b"c"].iter().map(|data| world.put("s", "k", *data)).collect();

        assert_eq!(read_from(&world, "AT_SEQUENCE_NUMBER", &numbers[1]), [b"b", b"c"]);
        assert_eq!(read_from(&world, "AFTER_SEQUENCE_NUMBER", &numbers[1]), [b"c"]);
        assert_eq!(read_from(&world, "AT_SEQUENCE_NUMBER", &start), [b"a", b"b", b"c"]);
        assert_eq!(read_from(&world, "AFTER_SEQUENCE_NUMBER", &start), [b"a", b"b", b"c"]);
        assert!(read_from(&world, "AFTER_SEQUENCE_NUMBER", &numbers[2]).is_empty());
        let never_stored = plus_positions(&numbers[2], 9);
        assert!(read_from(&world, "AT_SEQUENCE_NUMBER", &never_stored).is_empty());
    }

    #[test]
    fn latest_starts_after_the_newest() {
        let world = World::with_stream(1);
        world.put("s", "k", b"before");
        let answer = world.ok("GetShardIterator", &input(r#""ShardIteratorType":"LATEST""#));
        world.put("s", "k", b"behind");
        let iterator = answer["ShardIterator"].as_str().expect("text");
        assert_eq!(world.read_from(iterator), [b"behind"]);
    }

    #[test]
    fn numbers_that_do_not_belong_here_are_refused_in_awss_words() {
        let world = World::with_stream(2);
        let other = world.shard_start("s", 1);
        let own = world.shard_start("s", 0);
        let check = |number: &str, expected: &str| {
            let rest = format!(
                r#""ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"{number}""#
            );
            world.check("GetShardIterator", &input(&rest), expected);
        };
        let used = "InvalidArgumentException: StartingSequenceNumber";
        let on = "used in GetShardIterator on shard shardId-000000000000 in stream s under account \
                  000000000000 is invalid";
        let undecodable = "9".repeat(56);
        check(&undecodable, &format!("{used} {undecodable} {on}."));
        for (number, index) in [(&*other, 1), ("5", 5)] {
            let expected = format!(
                "InvalidArgumentException: Invalid StartingSequenceNumber. It encodes \
                 shardId-{index:012}, while it was used in a call to a shard with \
                 shardId-000000000000"
            );
            check(number, &expected);
        }
        for old in ["0", "65536"] {
            check(old, &format!("{used} {old} {on} because it did not come from this stream."));
        }
        let foreign = crate::model::sequence_number::SequenceNumber::new(5, 0, 1, 5).to_string();
        assert!(foreign < own);
        check(
            &foreign,
            &format!("{used} {foreign} {on} because it did not come from this stream."),
        );
        let negative =
            crate::model::sequence_number::SequenceNumber::new(5, 0x8000_0000, 1, 5).to_string();
        check(
            &negative,
            "InvalidArgumentException: Invalid StartingSequenceNumber. It encodes \
             shardId--02147483648, while it was used in a call to a shard with \
             shardId-000000000000",
        );
    }

    #[test]
    fn type_and_number_must_fit() {
        let world = World::with_stream(1);
        let must = "InvalidArgumentException: Must either specify (1) AT_SEQUENCE_NUMBER or \
                    AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or \
                    LATEST and no StartingSequenceNumber. Request specified";
        world.check(
            "GetShardIterator",
            &input(r#""ShardIteratorType":"AT_SEQUENCE_NUMBER""#),
            &format!("{must} AT_SEQUENCE_NUMBER and no StartingSequenceNumber."),
        );
        world.check(
            "GetShardIterator",
            &input(r#""ShardIteratorType":"LATEST","StartingSequenceNumber":"5""#),
            &format!("{must} LATEST and also a StartingSequenceNumber."),
        );
        world.check(
            "GetShardIterator",
            &input(r#""ShardIteratorType":"latest""#),
            "ValidationException: 1 validation error detected: Value 'latest' at \
             'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value \
             set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
        );
    }

    #[test]
    fn a_timestamp_must_be_there_and_not_ahead() {
        let world = World::with_stream(1);
        world.check(
            "GetShardIterator",
            &input(r#""ShardIteratorType":"AT_TIMESTAMP""#),
            "InvalidArgumentException: Must specify timestampInMillis parameter for iterator of \
             type AT_TIMESTAMP. Current request has no timestamp parameter.",
        );
        let (now, ahead) = (world.now_ms(), NOW_MS + 900_000);
        let rest = format!(r#""ShardIteratorType":"AT_TIMESTAMP","Timestamp":{}"#, ahead / 1000);
        let expected = format!(
            "InvalidArgumentException: The timestampInMillis parameter cannot be greater than the \
             currentTimestampInMillis. timestampInMillis: {ahead}, currentTimestampInMillis: {now}"
        );
        world.check("GetShardIterator", &input(&rest), &expected);
        world.ok("GetShardIterator", &input(r#""ShardIteratorType":"AT_TIMESTAMP","Timestamp":1"#));
    }

    #[test]
    fn shards_that_are_not_there_are_not_found() {
        let world = World::with_stream(1);
        let check = |stream: &str, shard: &str, expected: &str| {
            let input = format!(
                r#"{{"StreamName":"{stream}","ShardId":"{shard}","ShardIteratorType":"LATEST"}}"#
            );
            world.check("GetShardIterator", &input, expected);
        };
        check(
            "s",
            "shardId-000000000005",
            "ResourceNotFoundException: Shard shardId-000000000005 in stream s under account \
             000000000000 does not exist",
        );
        check(
            "t",
            "0",
            "ResourceNotFoundException: Shard shardId-000000000000 in stream t under account \
             000000000000 does not exist",
        );
        check(
            "s",
            "what",
            "ResourceNotFoundException: Could not find shard what in stream s under account \
             000000000000.",
        );
    }

    #[test]
    fn a_timestamp_finds_the_first_record_that_arrived_then_or_later() {
        let world = World::with_stream(1);
        let mut arrived = Vec::new();
        for n in 0..3u8 {
            world.advance(1500);
            arrived.push(world.now_ms());
            world.put("s", "k", &[n]);
        }
        world.advance(1000);
        let read_at = |ms: u64| {
            let time = format!("{}.{:03}", ms / 1000, ms % 1000);
            let rest = format!(r#""ShardIteratorType":"AT_TIMESTAMP","Timestamp":{time}"#);
            let answer = world.ok("GetShardIterator", &input(&rest));
            let data = world.read_from(answer["ShardIterator"].as_str().expect("text"));
            data.into_iter().flatten().collect::<Vec<u8>>()
        };
        for (ms, expected) in [
            (arrived[0] - 1, &[0, 1, 2][..]),
            (arrived[0], &[0, 1, 2]),
            (arrived[0] + 1, &[1, 2]),
            (arrived[2], &[2]),
            (arrived[2] + 1, &[]),
        ] {
            assert_eq!(read_at(ms), expected);
        }
        world.split("s", "0", "9");
        assert_eq!(read_at(arrived[1]), [1, 2], "in a closed shard too");
        assert!(read_at(world.now_ms()).is_empty());
    }

    #[test]
    fn the_ending_number_of_a_closed_shard_is_its_end() {
        let world = World::with_stream(1);
        let number = world.put("s", "k", b"a");
        world.split("s", "0", "9");
        let end = world.shards("s")[0]["SequenceNumberRange"]["EndingSequenceNumber"].clone();
        let end = end.as_str().expect("text");
        let past = plus_positions(&number, 5);
        for (kind, number) in [
            ("AT_SEQUENCE_NUMBER", end),
            ("AFTER_SEQUENCE_NUMBER", end),
            ("AFTER_SEQUENCE_NUMBER", &number),
            ("AT_SEQUENCE_NUMBER", &past),
        ] {
            let rest =
                format!(r#""ShardIteratorType":"{kind}","StartingSequenceNumber":"{number}""#);
            let answer = world.ok("GetShardIterator", &input(&rest));
            let iterator = answer["ShardIterator"].as_str().expect("text");
            let answer = world.ok("GetRecords", &format!(r#"{{"ShardIterator":"{iterator}"}}"#));
            assert!(answer.get("NextShardIterator").is_none(), "{kind} {number}");
            assert_eq!(answer["ChildShards"].as_array().expect("a list").len(), 2);
            assert_eq!(answer["MillisBehindLatest"], 0);
        }
        assert_eq!(read_from(&world, "AT_SEQUENCE_NUMBER", &number), [b"a"]);
    }
}
