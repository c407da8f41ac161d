//! GetTopicAttributes: what was set on a topic, and what is so by itself.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html>

use std::{borrow::Cow, collections::BTreeMap};

use nautilus_wire::{Members, Output, Writer, rules::StringRule};

use crate::{
    delivery_policy,
    error::Error,
    policy,
    sns::{Ctx, Request, Resource},
};

pub(crate) struct Input<'a> {
    topic_arn: Cow<'a, str>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input { topic_arn: members.required_string("TopicArn", &StringRule::ANY) }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<Resource, Error> {
        request.topic(&self.topic_arn)
    }
}

/// Attributes by their names.
pub(crate) struct Attributes(pub BTreeMap<String, String>);

impl Output for Attributes {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| w.field_string_map("Attributes", &self.0));
    }

    fn bytes_hint(&self) -> usize {
        4096
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Attributes, Error> {
    let snapshot = ctx.inner.catalog.snapshot();
    let topic = snapshot.topic(&input.topic_arn).ok_or(Error::TopicNotFound)?;
    let now_ms = ctx.inner.now_ms();
    let subscriptions = || snapshot.subscriptions_of(&topic.arn);
    let confirmed = subscriptions().filter(|one| one.is_confirmed()).count();
    let pending = subscriptions().filter(|one| one.is_pending() && one.is_shown(now_ms)).count();

    let mut attributes = topic.attributes.clone();
    let own = [
        ("EffectiveDeliveryPolicy", {
            delivery_policy::shown_of_topic(topic.attribute("DeliveryPolicy"))
        }),
        ("Owner", topic.account.clone()),
        ("SubscriptionsConfirmed", confirmed.to_string()),
        ("SubscriptionsDeleted", topic.subscriptions_deleted.to_string()),
        ("SubscriptionsPending", pending.to_string()),
        ("TopicArn", topic.arn.clone()),
    ];
    attributes.extend(own.map(|(name, value)| (name.to_owned(), value)));
    attributes.entry("DisplayName".to_owned()).or_default();
    attributes.entry("Policy".to_owned()).or_insert_with(|| policy::default_of(topic));
    Ok(Attributes(attributes))
}

#[cfg(test)]
mod tests {
    use crate::testing::{TOPIC, World};

    #[test]
    fn a_new_topic_has_awss_attributes() {
        let world = World::with_topic();
        let attributes = world.attributes("GetTopicAttributes", &format!("TopicArn={TOPIC}"));
        let names: Vec<&str> = attributes.keys().map(String::as_str).collect();
        let expected = [
            "DisplayName",
            "EffectiveDeliveryPolicy",
            "Owner",
            "Policy",
            "SubscriptionsConfirmed",
            "SubscriptionsDeleted",
            "SubscriptionsPending",
            "TopicArn",
        ];
        assert_eq!(names, expected);
        assert_eq!(attributes["Owner"], "000000000000");
        let policy: serde_json::Value =
            serde_json::from_str(&attributes["Policy"]).expect("a policy is JSON");
        assert_eq!(policy["Statement"][0]["Resource"], TOPIC);
    }

    #[test]
    fn subscriptions_are_counted() {
        let world = World::with_topic();
        world.confirmed("http://example.com/a");
        world.subscribe("http", "http://example.com/b");
        let gone = world.confirmed("http://example.com/c");
        world.ok("Unsubscribe", &format!("SubscriptionArn={gone}"));
        let attributes = world.attributes("GetTopicAttributes", &format!("TopicArn={TOPIC}"));
        let count = |name: &str| attributes[&format!("Subscriptions{name}")].clone();
        assert_eq!([count("Confirmed"), count("Pending"), count("Deleted")], ["1", "1", "1"]);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let world = World::new();
        let told = "404 NotFound: Topic does not exist";
        world.check("GetTopicAttributes", &format!("TopicArn={TOPIC}"), told);
        let told = "400 InvalidParameter: Invalid parameter: TopicArn Reason: An ARN must have at \
                    least 6 elements, not 1";
        world.check("GetTopicAttributes", "TopicArn=topic", told);
    }
}
