//! ARNs of streams and of their consumers.

use nautilus_identity::partition;

/// `arn:aws:kinesis:<region>:<account>:stream/<name>`, in the partition of the region.
pub(crate) fn stream_arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:{}:kinesis:{region}:{account}:stream/{name}", partition(region))
}

/// The account of an ARN of Kinesis, whatever it names.
pub(crate) fn account_in(arn: &str) -> Option<&str> {
    parts(arn).map(|(_, account, _)| account)
}

/// `<stream ARN>/consumer/<name>:<creation second>`.
pub(crate) fn consumer_arn(
    account: &str,
    region: &str,
    stream: &str,
    name: &str,
    created_second: u64,
) -> String {
    format!("{}/consumer/{name}:{created_second}", stream_arn(account, region, stream))
}

/// The name of the stream that a resource's ARN names, or that it is in.
pub(crate) fn stream_in(arn: &str) -> Option<&str> {
    let (_, _, resource) = parts(arn)?;
    resource.strip_prefix("stream/")?.split('/').next()
}

/// The parts of a stream's ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamArn<'a> {
    pub region: &'a str,
    pub account: &'a str,
    pub name: &'a str,
}

impl<'a> StreamArn<'a> {
    /// Takes an ARN apart, or answers `None` if it does not name a stream (a consumer's ARN does not).
    pub(crate) fn parse(text: &'a str) -> Option<StreamArn<'a>> {
        let (region, account, resource) = parts(text)?;
        let name = resource.strip_prefix("stream/")?;
        is_name(name).then_some(StreamArn { region, account, name })
    }
}

/// The parts of a consumer's ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConsumerArn<'a> {
    /// Its stream.
    pub stream: StreamArn<'a>,
    pub name: &'a str,
    pub created_second: u64,
}

impl<'a> ConsumerArn<'a> {
    /// Takes an ARN apart, or answers `None` if it names no consumer of a stream.
    pub(crate) fn parse(text: &'a str) -> Option<ConsumerArn<'a>> {
        let (region, account, resource) = parts(text)?;
        let (stream, consumer) = resource.strip_prefix("stream/")?.split_once("/consumer/")?;
        let (name, second) = consumer.split_once(':')?;
        // As it was given: 7 and 07 are not one ARN.
        let created_second = second.parse::<u64>().ok().filter(|it| it.to_string() == second)?;
        let stream = StreamArn { region, account, name: stream };
        let is_right = is_name(stream.name) && is_name(name);
        is_right.then_some(ConsumerArn { stream, name, created_second })
    }
}

/// Region, account and what stands behind them in an ARN of Kinesis. The partition is that of the region: what an ARN
/// names has no other, and so no policy is missed by another spelling of it.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let mut parts = text.splitn(6, ':');
    let [arn, given, service, region, account, resource] =
        std::array::from_fn(|_| parts.next().unwrap_or_default());
    let is_kinesis = arn == "arn" && service == "kinesis" && given == partition(region);
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_kinesis && is_account).then_some((region, account, resource))
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=128).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_follows_the_region() {
        assert_eq!(
            stream_arn("123456789012", "eu-west-1", "s"),
            "arn:aws:kinesis:eu-west-1:123456789012:stream/s"
        );
        assert_eq!(
            stream_arn("123456789012", "cn-north-1", "s"),
            "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/s"
        );
    }

    proptest::proptest! {
        #[test]
        fn what_is_taken_apart_has_one_spelling(
            text in "arn:aws(-cn|-us-gov|x)?:kinesis:(cn-|us-gov-)?[a-z]{0,3}:0{11,12}1?:stream/\
                     [a-z/:0-9]{1,3}(/consumer/[a-z]{1,2}:0?[0-9]{1,2})?",
        ) {
            if let Some(StreamArn { account, region, name }) = StreamArn::parse(&text) {
                proptest::prop_assert_eq!(&stream_arn(account, region, name), &text);
                proptest::prop_assert_eq!(account_in(&text), Some(account));
            }
            if let Some(ConsumerArn { stream, name, created_second }) = ConsumerArn::parse(&text) {
                let StreamArn { account, region, name: stream } = stream;
                let spelled = consumer_arn(account, region, stream, name, created_second);
                proptest::prop_assert_eq!(&spelled, &text);
                proptest::prop_assert_eq!(account_in(&text), Some(account));
            }
        }
    }

    #[test]
    fn only_streams_are_taken_apart() {
        let arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/a.b_c-d";
        let parts = StreamArn { region: "eu-west-1", account: "123456789012", name: "a.b_c-d" };
        assert_eq!(StreamArn::parse(arn), Some(parts));

        for other in [
            "",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:1",
            "arn:aws:kinesis:eu-west-1:12345678901:stream/s",
            "arn:aws:s3:eu-west-1:123456789012:stream/s",
            "arn:aws-cn:kinesis:eu-west-1:123456789012:stream/s",
            "stream/s",
        ] {
            assert_eq!(StreamArn::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_consumers_arn_names_its_stream_and_ends_in_its_second() {
        let arn = consumer_arn("123456789012", "eu-west-1", "s", "c.1", 1_795_489_200);
        assert_eq!(arn, "arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c.1:1795489200");
        let stream = StreamArn { region: "eu-west-1", account: "123456789012", name: "s" };
        let parts = ConsumerArn { stream, name: "c.1", created_second: 1_795_489_200 };
        assert_eq!(ConsumerArn::parse(&arn), Some(parts));

        for rest in ["s", "s/consumer/c", "s/consumer/c:07", "s/consumer/c:+7", "s/consumer/:7"] {
            let arn = format!("arn:aws:kinesis:eu-west-1:123456789012:stream/{rest}");
            assert_eq!(ConsumerArn::parse(&arn), None, "{arn}");
        }
    }
}
