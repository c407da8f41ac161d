//! PutRecord: stores one record in the shard that owns its hash key.
//!
//! An answered record is durable. Dropping the future (the client hung up) does not take the record back.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html>
//! Not as AWS: `SequenceNumberForOrdering` is checked and otherwise ignored; order is always strict.

use std::{borrow::Cow, fmt::Display};

use nautilus_wire::{Members, Output as WireOutput, Writer, rules::kinesis as rules};

use super::Operation;
use crate::{
    append::{self, Entry, Failure},
    catalog::Address,
    error::Error,
    faults,
    input::StreamRef,
    kinesis::{Ctx, Request},
    metrics::{Call, PutRecord},
    model::{
        ids::ShardId,
        sequence_number::{Decoded, SequenceNumber},
        stream::{Distribution, Stream},
    },
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub explicit_hash_key: Option<Cow<'a, str>>,
    pub sequence_number_for_ordering: Option<Cow<'a, str>>,
    pub dry_run: bool,
    /// The explicit hash key comes later: as text it may be out of range.
    pub entry: Entry<'a>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read(members),
            explicit_hash_key: members.string("ExplicitHashKey", &rules::HASH_KEY),
            sequence_number_for_ordering: members
                .string("SequenceNumberForOrdering", &rules::SEQUENCE_NUMBER),
            dry_run: members.boolean("DryRun").unwrap_or(false),
            entry: Entry {
                partition_key: members
                    .string("PartitionKey", &rules::PARTITION_KEY)
                    .unwrap_or_default(),
                explicit_hash_key: None,
                data: members.required_blob("Data", &rules::DATA),
            },
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    shard_id: ShardId,
    sequence_number: SequenceNumber,
}

pub(crate) async fn act(ctx: &Ctx<'_>, mut input: Input<'_>) -> Result<Output, Error> {
    let at = input.stream.address(ctx.caller)?;
    let stream = ctx.inner.stream(at)?;
    if stream.open_shard_count() == 0 {
        return Err(Error::stream_not_found(at));
    }
    check_entry(&input.entry, "", &stream)?;
    input.entry.explicit_hash_key = append::explicit_hash_key(input.explicit_hash_key.as_deref())?;
    if let Some(number) = &input.sequence_number_for_ordering {
        check_ordering(number, ctx, &stream)?;
    }
    if input.dry_run {
        return Err(Error::DryRun);
    }

    let mut call = Call::<PutRecord>::begin(ctx.inner, &stream, None);
    let (operation, entries) = (Operation::PutRecord, [input.entry]);
    let appended =
        append::append(ctx.inner, operation, at, &stream, &entries, call.began_ms()).await;
    // Nothing was stored: the stream went away meanwhile.
    let appended = appended.inspect_err(|_| call.forget())?;
    call.put(&stream, &appended);
    let placed = appended.placed[0];
    match placed.result {
        Ok(sequence_number) => Ok(Output { shard_id: placed.shard, sequence_number }),
        Err(Failure::Throttled) => Err(Error::throughput_exceeded(at, placed.shard)),
        Err(Failure::Full) => Err(Error::NoSpace),
        Err(Failure::Injected(action)) => Err(faults::error(action, Some(at), Some(placed.shard))),
        Err(Failure::Internal) => {
            Err(Error::Log("a record was not stored, or nobody knows".to_owned()))
        }
    }
}

/// What a stream asks of a record, in AWS's words for what the model asks of all; `path` leads to the record's members.
pub(super) fn check_entry(
    entry: &Entry<'_>,
    path: impl Display,
    stream: &Stream,
) -> Result<(), Error> {
    if entry.partition_key.is_empty() && stream.distribution == Distribution::UserPartitionKey {
        return Err(Error::Validation(format!(
            "1 validation error detected: Value null at '{path}partitionKey' failed to satisfy \
             constraint: Member must not be null"
        )));
    }
    if entry.bytes() > stream.record_bytes_max() {
        return Err(Error::Validation(format!(
            "1 validation error detected: Value at '{path}data' failed to satisfy constraint: \
             Member must have length less than or equal to {}",
            stream.record_bytes_max()
        )));
    }
    Ok(())
}

/// The new record's number is greater than any that a shard has given, so only numbers from the future are wrong. For the
/// shard's own the position says that: the clock may have been set back since.
fn check_ordering(text: &str, ctx: &Ctx<'_>, stream: &Stream) -> Result<(), Error> {
    let now_second = ctx.inner.now_ms() / 1000;
    let possible = match SequenceNumber::parse(text) {
        Some(Decoded::Current(number)) => {
            let own = stream.shard(ShardId(number.shard_index)).filter(|shard| shard.gave(&number));
            let tail = own.and_then(|shard| ctx.inner.journal.tail(shard.log_id()));
            tail.map_or(number.arrived_second <= now_second, |tail| {
                number.counter < tail.visible_end
            })
        }
        Some(Decoded::Foreign { .. } | Decoded::Old { .. }) => true,
        None => false,
    };
    if possible {
        return Ok(());
    }
    let at = Address::of(stream);
    Err(Error::InvalidArgument(format!(
        "ExclusiveMinimumSequenceNumber {text} used in PutRecord on stream {} under account {} is \
         invalid.",
        at.name, at.account
    )))
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_str("ShardId", self.shard_id.text().as_str());
            w.field_str("SequenceNumber", self.sequence_number.text().as_str());
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{NOW_MS, World};

    #[test]
    fn a_record_is_answered_with_its_shard_and_number() {
        let world = World::with_stream(1);
        let (start, second) = (world.shard_start("s", 0), NOW_MS / 1000);
        let answer =
            world.ok("PutRecord", r#"{"StreamName":"s","PartitionKey":"k","Data":"aGVsbG8="}"#);

        assert_eq!(answer["ShardId"], "shardId-000000000000");
        let number = answer["SequenceNumber"].as_str().expect("text");
        assert!(number.starts_with("49") && number.len() == 56, "{number} at {second}");
        assert!(number > start.as_str());
        assert_eq!(answer.as_object().expect("an object").len(), 2, "no EncryptionType");
        assert_eq!(world.read_all("s", 0), [b"hello"]);
    }

    #[test]
    fn numbers_only_grow() {
        let world = World::with_stream(1);
        let numbers: Vec<String> = (0..20).map(|_| world.put("s", "k", b"x")).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }

    #[test]
    fn the_explicit_hash_key_outranks_the_partition_key() {
        let world = World::with_stream(2);
        for (key, shard) in [
            ("0", "shardId-000000000000"),
            ("170141183460469231731687303715884105728", "shardId-000000000001"),
            ("340282366920938463463374607431768211455", "shardId-000000000001"),
        ] {
            let input = format!(
                r#"{{"StreamName":"s","PartitionKey":"a","ExplicitHashKey":"{key}","Data":""}}"#
            );
            assert_eq!(world.ok("PutRecord", &input)["ShardId"], shard);
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_awss_words() {
        let world = World::with_stream(1);
        let check = |rest: &str, expected: &str| {
            world.check("PutRecord", &format!(r#"{{"StreamName":"s",{rest}}}"#), expected);
        };
        check(
            r#""PartitionKey":"k","Data":"","ExplicitHashKey":"340282366920938463463374607431768211456""#,
            "InvalidArgumentException: Invalid ExplicitHashKey. ExplicitHashKey must be in the \
             range: [0, 2^128-1]. Specified value was 340282366920938463463374607431768211456",
        );
        check(
            r#""Data":"""#,
            "ValidationException: 1 validation error detected: Value null at 'partitionKey' \
             failed to satisfy constraint: Member must not be null",
        );
        check(
            r#""PartitionKey":"k","Data":"ab==""#,
            "SerializationException: 'ab==' can not be converted to a Blob: Invalid last non-pad \
             Base64 character dectected",
        );
        check(
            r#""PartitionKey":"k","Data":"","SequenceNumberForOrdering":"59999999999999999999999999999999999999999999999999999999""#,
            "InvalidArgumentException: ExclusiveMinimumSequenceNumber \
             59999999999999999999999999999999999999999999999999999999 used in PutRecord on stream \
             s under account 000000000000 is invalid.",
        );
        check(
            r#""PartitionKey":"k","Data":"","DryRun":true"#,
            "DryRunOperationException: The request would have succeeded, but the DryRun \
             parameter is set.",
        );
        assert_eq!(world.read_all("s", 0), Vec::<Vec<u8>>::new(), "none was stored");
    }

    #[test]
    fn a_record_may_have_a_mebibyte_with_its_key() {
        let world = World::with_stream(1);
        let data = |bytes: usize| base64_simd::STANDARD.encode_to_string(vec![0; bytes]);
        let input =
            |bytes| format!(r#"{{"StreamName":"s","PartitionKey":"k","Data":"{}"}}"#, data(bytes));
        world.ok("PutRecord", &input(1024 * 1024 - 1));
        world.check(
            "PutRecord",
            &input(1024 * 1024),
            "ValidationException: 1 validation error detected: Value at 'data' failed to satisfy \
             constraint: Member must have length less than or equal to 1048576",
        );
    }

    #[test]
    fn the_last_number_may_be_given_for_ordering_and_the_next_may_not() {
        let world = World::with_stream(1);
        let number = world.put("s", "k", b"x");
        let input = |number: &str| {
            format!(
                r#"{{"StreamName":"s","PartitionKey":"k","Data":"","SequenceNumberForOrdering":"{number}"}}"#
            )
        };
        world.ok("PutRecord", &input(&number));
        let ahead = crate::testing::plus_positions(&number, 5);
        let expected = format!(
            "InvalidArgumentException: ExclusiveMinimumSequenceNumber {ahead} used in PutRecord \
             on stream s under account 000000000000 is invalid."
        );
        world.check("PutRecord", &input(&ahead), &expected);
    }

    #[test]
    fn a_stream_that_is_being_created_is_not_found() {
        let world = World::new();
        world.check("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#, "");
        world.check(
            "PutRecord",
            r#"{"StreamName":"s","PartitionKey":"k","Data":""}"#,
            "ResourceNotFoundException: Stream s under account 000000000000 not found.",
        );
    }
}
