//! ARNs of streams and of their consumers.

/// `arn:aws:kinesis:<region>:<account>:stream/<name>`, in the partition of the region.
pub(crate) fn stream_arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:{}:kinesis:{region}:{account}:stream/{name}", partition(region))
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

fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
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

/// Region, account and what stands behind them in an ARN of Kinesis.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let mut parts = text.splitn(6, ':');
    let is_kinesis =
        parts.next()? == "arn" && parts.next()?.starts_with("aws") && parts.next()? == "kinesis";
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
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
