//! PutRecords: stores up to 500 records, each in the shard that owns its hash key, and tells of each what became of it.
//!
//! Within a shard the request's order is kept. Anything wrong with one record fails the whole call before any is
//! stored; what fails in storing fails for the records of that shard alone.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>

use std::borrow::Cow;

use nautilus_wire::{Members, Output as WireOutput, Writer, rules::kinesis as rules};
use smallvec::SmallVec;

use super::{Operation, put_record::check_entry};
use crate::{
    append::{self, Entry, Failure, Placed},
    catalog::Address,
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    limits,
    metrics::{Call, PutRecords},
    model::stream::Stream,
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub dry_run: bool,
    pub records: Vec<RequestEntry<'a>>,
}

#[derive(Debug)]
pub(crate) struct RequestEntry<'a> {
    explicit_hash_key: Option<Cow<'a, str>>,
    entry: Entry<'a>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read(members),
            dry_run: members.boolean("DryRun").unwrap_or(false),
            records: members.required_list("Records", &rules::RECORDS, |record| RequestEntry {
                explicit_hash_key: record.string("ExplicitHashKey", &rules::HASH_KEY),
                entry: Entry {
                    partition_key: record
                        .string("PartitionKey", &rules::PARTITION_KEY)
                        .unwrap_or_default(),
                    explicit_hash_key: None,
                    data: record.required_blob("Data", &rules::DATA),
                },
            }),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    stream_name: String,
    account: String,
    placed: SmallVec<[Placed; 1]>,
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let at = input.stream.address(ctx.caller)?;
    let stream = ctx.inner.stream(at)?;
    if stream.open_shard_count() == 0 {
        return Err(Error::stream_not_found(at));
    }
    let entries = checked_entries(&stream, input.records)?;
    if input.dry_run {
        return Err(Error::DryRun);
    }

    let mut call = Call::<PutRecords>::begin(ctx.inner, &stream, None);
    let operation = Operation::PutRecords;
    let appended =
        append::append(ctx.inner, operation, at, &stream, &entries, call.began_ms()).await;
    // Nothing was stored: the stream went away meanwhile.
    let appended = appended.inspect_err(|_| call.forget())?;
    call.put(&stream, &appended);
    let (stream_name, account) = (at.name.to_owned(), at.account.to_owned());
    Ok(Output { stream_name, account, placed: appended.placed })
}

fn checked_entries<'a>(
    stream: &Stream,
    records: Vec<RequestEntry<'a>>,
) -> Result<Vec<Entry<'a>>, Error> {
    let (mut entries, mut bytes) = (Vec::with_capacity(records.len()), 0);
    for (record, number) in records.into_iter().zip(1..) {
        let RequestEntry { explicit_hash_key, mut entry } = record;
        check_entry(&entry, format_args!("records.{number}.member."), stream)?;
        entry.explicit_hash_key = append::explicit_hash_key(explicit_hash_key.as_deref())?;
        bytes += entry.bytes();
        entries.push(entry);
    }
    if bytes > limits::PUT_RECORDS_BYTES_MAX {
        return Err(Error::InvalidArgument("Records size exceeds 10 MB limit".to_owned()));
    }
    Ok(entries)
}

impl WireOutput for Output {
    fn bytes_hint(&self) -> usize {
        64 + 128 * self.placed.len()
    }

    fn write<W: Writer>(&self, w: &mut W) {
        let failed = self.placed.iter().filter(|placed| placed.result.is_err()).count();
        w.map(|w| {
            w.field_i64("FailedRecordCount", failed as i64);
            w.field_list("Records", &self.placed, |w, placed| {
                w.map(|w| self.write_entry(w, placed))
            });
        });
    }
}

impl Output {
    fn write_entry<W: Writer>(&self, w: &mut W, placed: &Placed) {
        match placed.result {
            Ok(number) => {
                w.field_str("SequenceNumber", number.text().as_str());
                w.field_str("ShardId", placed.shard.text().as_str());
            }
            Err(failure) if failure.is_throttled() => {
                let at = Address { account: &self.account, region: "", name: &self.stream_name };
                let error = Error::throughput_exceeded(at, placed.shard);
                w.field_str("ErrorCode", "ProvisionedThroughputExceededException");
                w.field_str("ErrorMessage", &error.to_string());
            }
            Err(Failure::Full) => {
                w.field_str("ErrorCode", "InternalFailure");
                let text = "Internal Service Failure: no space left on the disk";
                w.field_str("ErrorMessage", text);
            }
            Err(_) => {
                w.field_str("ErrorCode", "InternalFailure");
                w.field_str("ErrorMessage", "Internal Service Failure");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ids::ShardId, sequence_number::SequenceNumber},
        testing::World,
    };

    #[test]
    fn records_are_answered_in_the_order_of_the_request_and_kept_in_it() {
        let world = World::with_stream(3);
        let keys: Vec<String> = (0..60).map(|n| format!("key-{n}")).collect();
        let records: Vec<String> = keys
            .iter()
            .map(|key| {
                let data = base64_simd::STANDARD.encode_to_string(key);
                format!(r#"{{"PartitionKey":"{key}","Data":"{data}"}}"#)
            })
            .collect();
        let input = format!(r#"{{"StreamName":"s","Records":[{}]}}"#, records.join(","));
        let answer = world.ok("PutRecords", &input);

        assert_eq!(answer["FailedRecordCount"], 0);
        let mut expected = vec![Vec::new(); 3];
        for (key, record) in keys.iter().zip(answer["Records"].as_array().expect("a list")) {
            let shard = record["ShardId"].as_str().expect("a shard id");
            let index = ShardId::parse(shard).expect("ours").0 as usize;
            expected[index].push((
                record["SequenceNumber"].as_str().expect("a number").to_owned(),
                key.as_bytes().to_vec(),
            ));
        }
        for (index, expected) in expected.into_iter().enumerate() {
            assert!(!expected.is_empty() && expected.is_sorted(), "shard {index}");
            let data: Vec<_> = expected.into_iter().map(|(_, data)| data).collect();
            assert_eq!(world.read_all("s", index), data);
        }
    }

    #[test]
    fn one_bad_record_fails_the_whole_call() {
        let world = World::with_stream(1);
        let good = r#"{"PartitionKey":"k","Data":"AAAA"}"#;
        for (bad, expected) in [
            (
                r#"{"PartitionKey":"k","Data":"A$=="}"#,
                "SerializationException: 'A$==' can not be converted to a Blob: Invalid Base64 \
                 character: '$'",
            ),
            (
                r#"{"PartitionKey":"","Data":""}"#,
                "ValidationException: 1 validation error detected: Value '' at \
                 'records.2.member.partitionKey' failed to satisfy constraint: Member must have \
                 length greater than or equal to 1",
            ),
            (
                r#"{"PartitionKey":"k","Data":"","ExplicitHashKey":"340282366920938463463374607431768211456"}"#,
                "InvalidArgumentException: Invalid ExplicitHashKey. ExplicitHashKey must be in \
                 the range: [0, 2^128-1]. Specified value was \
                 340282366920938463463374607431768211456",
            ),
        ] {
            let input = format!(r#"{{"StreamName":"s","Records":[{good},{bad}]}}"#);
            world.check("PutRecords", &input, expected);
        }
        assert_eq!(world.read_all("s", 0), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_request_may_have_ten_mebibytes() {
        let world = World::with_stream(1);
        let record = |bytes: usize| {
            let data = base64_simd::STANDARD.encode_to_string(vec![7; bytes]);
            format!(r#"{{"PartitionKey":"k","Data":"{data}"}}"#)
        };
        let full = vec![record(1024 * 1024 - 1); 10];
        let input = |records: &[String]| {
            format!(r#"{{"StreamName":"s","Records":[{}]}}"#, records.join(","))
        };
        assert_eq!(world.ok("PutRecords", &input(&full))["FailedRecordCount"], 0);

        let more: Vec<String> = full.into_iter().chain([record(0)]).collect();
        world.check(
            "PutRecords",
            &input(&more),
            "InvalidArgumentException: Records size exceeds 10 MB limit",
        );
    }

    #[test]
    fn what_a_shard_refuses_is_told_record_by_record() {
        let shard = ShardId(1);
        let output = Output {
            stream_name: "s".into(),
            account: "000000000000".into(),
            placed: SmallVec::from_vec(vec![
                Placed { shard: ShardId(0), result: Ok(SequenceNumber::new(1, 0, 1, 1)) },
                Placed { shard, result: Err(Failure::Throttled) },
                Placed { shard, result: Err(Failure::Internal) },
                Placed { shard, result: Err(Failure::Full) },
            ]),
        };
        let body = nautilus_wire::json::to_vec(&output);
        let answer: serde_json::Value = serde_json::from_slice(&body).expect("JSON");

        assert_eq!(answer["FailedRecordCount"], 3);
        assert_eq!(answer["Records"][1]["ErrorCode"], "ProvisionedThroughputExceededException");
        assert_eq!(
            answer["Records"][1]["ErrorMessage"],
            "Rate exceeded for shard shardId-000000000001 in stream s under account 000000000000."
        );
        assert_eq!(answer["Records"][2]["ErrorCode"], "InternalFailure");
        assert_eq!(answer["Records"][2]["ErrorMessage"], "Internal Service Failure");
        assert_eq!(answer["Records"][3]["ErrorCode"], "InternalFailure");
        let full = "Internal Service Failure: no space left on the disk";
        assert_eq!(answer["Records"][3]["ErrorMessage"], full);
        assert!(answer["Records"][2].get("SequenceNumber").is_none());
    }
}
