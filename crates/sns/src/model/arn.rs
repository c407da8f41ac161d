//! Names of topics and subscriptions: `arn:<partition>:sns:<region>:<account>:<topic>[:<subscription>]`.

use crate::error::Error;

/// A topic's ARN, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TopicArn<'a> {
    pub region: &'a str,
    pub account: &'a str,
    pub name: &'a str,
}

/// A subscription's ARN, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SubscriptionArn<'a> {
    pub topic: TopicArn<'a>,
    /// A UUID.
    pub id: &'a str,
}

/// Takes a topic's ARN apart, which came as the member `member` of an input.
pub(crate) fn topic<'a>(text: &'a str, member: &str) -> Result<TopicArn<'a>, Error> {
    let (topic, id) = parts(text, member)?;
    match id {
        None => Ok(topic),
        Some(_) => Err(Error::invalid("Topic Name")),
    }
}

/// Takes a subscription's ARN apart.
pub(crate) fn subscription(text: &str) -> Result<SubscriptionArn<'_>, Error> {
    match parts(text, "SubscriptionArn")? {
        (topic, Some(id)) => Ok(SubscriptionArn { topic, id }),
        (_, None) => Err(Error::invalid("SubscriptionId")),
    }
}

fn parts<'a>(text: &'a str, member: &str) -> Result<(TopicArn<'a>, Option<&'a str>), Error> {
    let elements: Vec<&str> = text.splitn(8, ':').collect();
    if elements.len() < 6 {
        return Err(Error::invalid(format!(
            "{member} Reason: An ARN must have at least 6 elements, not {}",
            elements.len()
        )));
    }
    let (topic, id) = match elements[..] {
        ["arn", _, "sns", region, account, name] => (TopicArn { region, account, name }, None),
        ["arn", _, "sns", region, account, name, id] => {
            (TopicArn { region, account, name }, Some(id))
        }
        _ => return Err(Error::invalid(member)),
    };
    match is_topic_name(topic.name) {
        true => Ok((topic, id)),
        false => Err(Error::invalid("Topic Name")),
    }
}

/// Whether a text may be the name of a standard topic.
pub(crate) fn is_topic_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=256).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:t";

    #[test]
    fn a_topics_arn_has_six_parts_and_a_subscriptions_seven() {
        let expected = TopicArn { region: "us-east-1", account: "000000000000", name: "t" };
        assert_eq!(topic(TOPIC, "TopicArn").expect("an ARN"), expected);
        let text = format!("{TOPIC}:1-2");
        let expected = SubscriptionArn { topic: expected, id: "1-2" };
        assert_eq!(subscription(&text).expect("an ARN"), expected);
    }

    #[test]
    fn what_is_no_arn_is_told_in_awss_words() {
        let told = |text: &str| topic(text, "TopicArn").expect_err("no ARN").to_string();
        let short = "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not";
        assert_eq!(told(""), format!("{short} 1"));
        assert_eq!(told("randomstring:1"), format!("{short} 2"));
        assert_eq!(told("arn:aws:sqs:us-east-1:000000000000:t"), "Invalid parameter: TopicArn");
        assert_eq!(told(&format!("{TOPIC}:id")), "Invalid parameter: Topic Name");
        assert_eq!(told(&format!("{TOPIC} ")), "Invalid parameter: Topic Name");
        assert_eq!(told(&format!("{TOPIC}:1:2")), "Invalid parameter: TopicArn");
        let told = subscription(TOPIC).expect_err("a topic").to_string();
        assert_eq!(told, "Invalid parameter: SubscriptionId");
    }
}
