//! ARNs of streams.

/// `arn:aws:kinesis:<region>:<account>:stream/<name>`, in the partition of the region.
pub(crate) fn stream_arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:{}:kinesis:{region}:{account}:stream/{name}", partition(region))
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
        let mut parts = text.splitn(6, ':');
        let is_kinesis = parts.next()? == "arn"
            && parts.next()?.starts_with("aws")
            && parts.next()? == "kinesis";
        let (region, account) = (parts.next()?, parts.next()?);
        let name = parts.next()?.strip_prefix("stream/")?;
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        (is_kinesis && is_account && is_stream_name(name)).then_some(StreamArn {
            region,
            account,
            name,
        })
    }
}

fn is_stream_name(name: &str) -> bool {
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
}
