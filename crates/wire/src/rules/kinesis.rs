//! The constraints of Kinesis's model, one constant for each of its shapes.
//!
//! They are AWS's: change one only when AWS's model changes. Patterns are printed as AWS has been seen to print
//! them, without the anchors that the newest model writes.

use super::{IntegerRule, LengthRule, MapRule, StringRule};

/// StreamName; consumers, channels and queues are named by the same rule.
pub const STREAM_NAME: StringRule = StringRule::length(1, 128).pattern("[a-zA-Z0-9_.-]+", is_name);
/// StreamARN.
pub const STREAM_ARN: StringRule =
    StringRule::length(1, 2048).pattern(r"arn:aws.*:kinesis:.*:\d{12}:stream/\S+", is_stream_arn);
/// ResourceARN: a stream, a consumer of one, a channel or a queue.
pub const RESOURCE_ARN: StringRule = StringRule::length(1, 2048)
    .pattern(r"arn:aws.*:kinesis:.*:\d{12}:.*(stream|channel|queue)/\S+", is_resource_arn);
/// ConsumerARN, with the anchor that the model writes.
pub const CONSUMER_ARN: StringRule = StringRule::length(1, 2048).pattern(
    r"^(arn):aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+",
    is_consumer_arn,
);
/// ConsumerName.
pub const CONSUMER_NAME: StringRule = STREAM_NAME;
/// StreamId: reserved by AWS; accepted and ignored.
pub const STREAM_ID: StringRule =
    StringRule::length(1, 24).pattern("[a-z0-9]{20}-[a-z0-9]{3}", is_stream_id);
/// ShardId.
pub const SHARD_ID: StringRule = STREAM_NAME;
/// HashKey: ExplicitHashKey, NewStartingHashKey.
pub const HASH_KEY: StringRule = StringRule::ANY.pattern(r"0|([1-9]\d{0,38})", is_hash_key);
/// SequenceNumber.
pub const SEQUENCE_NUMBER: StringRule =
    StringRule::ANY.pattern(r"0|([1-9]\d{0,128})", is_sequence_number);
/// PartitionKey.
pub const PARTITION_KEY: StringRule = StringRule::length(1, 256);
/// Data of a record, in bytes. The stream's own limit, by default 1 MiB with its key, comes later.
pub const DATA: LengthRule = LengthRule::new(0, 10_485_760);
/// Records of PutRecords.
pub const RECORDS: LengthRule = LengthRule::new(1, 500);
/// ShardIterator.
pub const SHARD_ITERATOR: StringRule = StringRule::length(1, 512);
/// ShardIteratorType.
pub const SHARD_ITERATOR_TYPE: StringRule = StringRule::one_of(&[
    "AFTER_SEQUENCE_NUMBER",
    "LATEST",
    "AT_TIMESTAMP",
    "AT_SEQUENCE_NUMBER",
    "TRIM_HORIZON",
]);
/// ShardFilter's Type.
pub const SHARD_FILTER_TYPE: StringRule = StringRule::one_of(&[
    "AFTER_SHARD_ID",
    "AT_TRIM_HORIZON",
    "FROM_TRIM_HORIZON",
    "AT_LATEST",
    "AT_TIMESTAMP",
    "FROM_TIMESTAMP",
]);
/// NextToken.
pub const NEXT_TOKEN: StringRule = StringRule::length(1, 1_048_576);
/// Limit of DescribeStream, ListStreams and GetRecords, and MaxResults of the other lists.
pub const LIMIT: IntegerRule = IntegerRule::integer(1, 10_000);
/// Limit of ListTagsForStream.
pub const TAGS_LIMIT: IntegerRule = IntegerRule::integer(1, 50);
/// TagKey.
pub const TAG_KEY: StringRule = StringRule::length(1, 128);
/// TagValue.
pub const TAG_VALUE: StringRule = StringRule::length(0, 256);
/// TagMap.
pub const TAG_MAP: MapRule = LengthRule::new(1, 200).of(TAG_KEY, TAG_VALUE);
/// TagKeyList; its items are [`TAG_KEY`]s.
pub const TAG_KEY_LIST: LengthRule = LengthRule::new(1, 50);
/// ShardCount and TargetShardCount.
pub const SHARD_COUNT: IntegerRule = IntegerRule::integer(1, i32::MAX as i64);
/// RetentionPeriodHours: the service checks the range itself, with its own words.
pub const RETENTION_PERIOD_HOURS: IntegerRule =
    IntegerRule::integer(i32::MIN as i64, i32::MAX as i64);
/// StreamMode.
pub const STREAM_MODE: StringRule = StringRule::one_of(&["PROVISIONED", "ON_DEMAND"]);
/// WarmThroughputMiBps.
pub const WARM_THROUGHPUT: IntegerRule = IntegerRule::integer(0, i32::MAX as i64);
/// MaxRecordSizeInKiB.
pub const MAX_RECORD_SIZE: IntegerRule = IntegerRule::integer(1024, 10_240);
/// RecordDistributionStrategy.
pub const RECORD_DISTRIBUTION_STRATEGY: StringRule =
    StringRule::one_of(&["AUTO", "USER_PARTITION_KEY"]);
/// EncryptionType.
pub const ENCRYPTION_TYPE: StringRule = StringRule::one_of(&["NONE", "KMS"]);
/// KeyId.
pub const KEY_ID: StringRule = StringRule::length(1, 2048);
/// Policy: the service checks it itself.
pub const POLICY: StringRule = StringRule::ANY;
/// MinimumThroughputBillingCommitment's Status, as it is asked for.
pub const COMMITMENT_STATUS: StringRule = StringRule::one_of(&["ENABLED", "DISABLED"]);
/// MetricsNameList; its items are [`METRICS_NAME`]s.
pub const METRICS_NAME_LIST: LengthRule = LengthRule::new(1, 7);
/// MetricsName.
pub const METRICS_NAME: StringRule = StringRule::one_of(&[
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
    "ALL",
]);

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    !text.is_empty() && text.bytes().all(allowed)
}

fn is_stream_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.split_once('-').is_some_and(|(long, short)| {
        (long.len(), short.len()) == (20, 3) && long.bytes().chain(short.bytes()).all(allowed)
    })
}

fn is_hash_key(text: &str) -> bool {
    is_decimal(text, 39)
}

fn is_sequence_number(text: &str) -> bool {
    is_decimal(text, 129)
}

/// Decimal digits without a leading zero.
fn is_decimal(text: &str, digits_max: usize) -> bool {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain && (text == "0" || !text.starts_with('0')) && text.len() <= digits_max
}

fn is_stream_arn(text: &str) -> bool {
    let ends = Ends::of(text);
    arn_resources(text).any(|at| text[at..].starts_with("stream/") && ends.admit(at, "stream/"))
}

fn is_resource_arn(text: &str) -> bool {
    let ends = Ends::of(text);
    // The first place leaves the most to what comes behind, so no other can match where it does not.
    arn_resources(text).next().is_some_and(|start| {
        ["stream/", "channel/", "queue/"].iter().any(|kind| {
            let mut places = text[start..].match_indices(kind).map(|(at, _)| start + at);
            places.any(|at| ends.admit(at, kind))
        })
    })
}

/// What ends it is without a choice, and so is read from its end.
fn is_consumer_arn(text: &str) -> bool {
    let at = || {
        let (rest, second) = text.rsplit_once(':')?;
        let (rest, name) = rest.rsplit_once('/')?;
        let (rest, stream) = rest.strip_suffix("/consumer")?.rsplit_once('/')?;
        let is_second = !second.is_empty() && second.bytes().all(|byte| byte.is_ascii_digit());
        let is_right = is_second && is_name(name) && is_name(stream);
        rest.strip_suffix("stream").filter(|_| is_right).map(str::len)
    };
    let starts_before = |at: usize| arn_resources(text).next().is_some_and(|start| start <= at);
    at().is_some_and(|at| at <= Ends::of(text).line && starts_before(at))
}

/// Each reading of the text as `arn:aws.*:kinesis:.*:\d{12}:<resource>`: where its resource begins. The text is a
/// client's and may be a whole body, so all of this takes time in proportion to it and no more.
fn arn_resources(text: &str) -> impl Iterator<Item = usize> {
    const ARN: &str = "arn:aws";
    const SERVICE: &str = ":kinesis:";
    const ACCOUNT: usize = "123456789012:".len();
    let service = text.strip_prefix(ARN).and_then(|rest| rest.find(SERVICE));
    let behind = service.map_or(text.len(), |at| ARN.len() + at + SERVICE.len());
    text[behind..].match_indices(':').filter_map(move |(at, _)| {
        let start = behind + at + 1;
        let (account, colon) = text.as_bytes().get(start..start + ACCOUNT)?.split_at(ACCOUNT - 1);
        let is_account = colon == b":" && account.iter().all(u8::is_ascii_digit);
        is_account.then_some(start + ACCOUNT)
    })
}

/// Where a text stops being Java's `.*` from its beginning, and is Java's `\S+` to its end.
struct Ends {
    line: usize,
    path: usize,
    text: usize,
}

impl Ends {
    fn of(text: &str) -> Ends {
        let line = text.find(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        let blank = text.rfind([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
        Ends {
            line: line.unwrap_or(text.len()),
            path: blank.map_or(0, |at| at + 1),
            text: text.len(),
        }
    }

    /// Whether all before `kind` is a line, and all behind it a path.
    fn admit(&self, at: usize, kind: &str) -> bool {
        at <= self.line && (self.path..self.text).contains(&(at + kind.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ascii_letters_digits_and_three_marks() {
        assert!(STREAM_NAME.admits("nautilus-stream_1.0"));
        for bad in ["", "a b", "a/b", "é", "a\n", &"a".repeat(129)] {
            assert!(!STREAM_NAME.admits(bad), "{bad:?}");
        }
    }

    #[test]
    fn arns_of_every_partition_pass_and_others_do_not() {
        for good in [
            "arn:aws:kinesis:us-east-1:123456789012:stream/s",
            "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/s",
            "arn:aws:kinesis::123456789012:stream/s/with/more",
        ] {
            assert!(STREAM_ARN.admits(good) && RESOURCE_ARN.admits(good), "{good:?}");
        }
        for bad in [
            "",
            "arn:aws:kinesis:us-east-1:12345678901:stream/s",
            "arn:aws:kinesis:us-east-1:123456789012:stream/",
            "arn:aws:kinesis:us-east-1:123456789012:stream/a b",
            "arn:aws:sns:us-east-1:123456789012:stream/s",
            "xarn:aws:kinesis:us-east-1:123456789012:stream/s",
            "arn:aws\n:kinesis:us-east-1:123456789012:stream/s",
        ] {
            assert!(!STREAM_ARN.admits(bad) && !RESOURCE_ARN.admits(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_resource_may_be_a_consumer_a_channel_or_a_queue() {
        for good in ["stream/s/consumer/c:1", "channel/x", "queue/q1", "my-stream/s"] {
            let arn = format!("arn:aws:kinesis:eu-west-1:000000000000:{good}");
            assert!(RESOURCE_ARN.admits(&arn), "{arn}");
            assert_eq!(STREAM_ARN.admits(&arn), good.starts_with("stream/"), "{arn}");
        }
        assert!(!RESOURCE_ARN.admits("arn:aws:kinesis:eu-west-1:000000000000:topic/t"));
    }

    #[test]
    #[allow(clippy::disallowed_methods)] // how long it takes is what is asked
    fn a_hostile_arn_takes_no_longer_than_a_long_one() {
        let account = ":123456789012";
        for piece in [":", account, ":123456789012:stream/", ":kinesis:", "stream/", "queue/ "] {
            let arn = format!("arn:aws:kinesis:{}", piece.repeat(1_000_000 / piece.len()));
            for arn in [arn.clone() + "\n", arn] {
                let started = std::time::Instant::now();
                assert!(!STREAM_ARN.admits(&arn) && !RESOURCE_ARN.admits(&arn));
                assert!(!CONSUMER_ARN.admits(&(arn + "stream/s/consumer/c:7")));
                // One that looked everywhere from everywhere would take minutes.
                assert!(started.elapsed().as_secs() < 10, "{piece:?} {:?}", started.elapsed());
            }
        }
    }

    #[test]
    fn any_reading_of_an_arn_counts() {
        let arn = "arn:aws:kinesis:";
        for good in [
            ":123456789012:stream/:123456789012:stream/",
            "a b:123456789012:stream/x",
            ":kinesis::123456789012:stream/\u{85}:123456789012:stream/x",
        ] {
            let arn = format!("{arn}{good}");
            assert!(STREAM_ARN.admits(&arn) && RESOURCE_ARN.admits(&arn), "{good:?}");
        }
        for bad in ["123456789012:stream/x", "\u{85}:123456789012:stream/x", ":stream/x"] {
            let arn = format!("{arn}{bad}");
            assert!(!STREAM_ARN.admits(&arn) && !RESOURCE_ARN.admits(&arn), "{bad:?}");
        }
    }

    #[test]
    fn a_consumers_arn_ends_in_its_name_and_second() {
        let arn = "arn:aws:kinesis:eu-west-1:000000000000:";
        for good in [
            "stream/s/consumer/c:1",
            "my-stream/s.1/consumer/c_2:0017",
            "a:b stream/s/consumer/c:1",
        ] {
            assert!(CONSUMER_ARN.admits(&format!("{arn}{good}")), "{good:?}");
        }
        for bad in [
            "stream/s",
            "stream/s/consumer/c",
            "stream/s/consumer/c:",
            "stream/s/consumer/c:1a",
            "stream/s/consumer/:1",
            "stream//consumer/c:1",
            "stream/s t/consumer/c:1",
            "queue/s/consumer/c:1",
            "\nstream/s/consumer/c:1",
            "stream/s/consumer/c:1\n",
        ] {
            assert!(!CONSUMER_ARN.admits(&format!("{arn}{bad}")), "{bad:?}");
        }
        assert!(!CONSUMER_ARN.admits("stream/s/consumer/c:1"));
    }

    #[test]
    fn a_stream_id_has_two_parts_of_fixed_length() {
        assert!(STREAM_ID.admits("abcdefghij0123456789-a1b"));
        for bad in ["", "abc", "abcdefghij0123456789-A1b", "abcdefghij0123456789a-1b"] {
            assert!(!STREAM_ID.admits(bad), "{bad:?}");
        }
    }

    #[test]
    fn numbers_have_no_leading_zero_and_an_end() {
        assert!(HASH_KEY.admits("0") && HASH_KEY.admits(&"9".repeat(39)));
        for bad in ["", "01", "-1", "+1", "1 ", &"9".repeat(40)] {
            assert!(!HASH_KEY.admits(bad), "{bad:?}");
        }
        assert!(SEQUENCE_NUMBER.admits(&"9".repeat(129)));
        assert!(!SEQUENCE_NUMBER.admits(&"9".repeat(130)));
    }
}
