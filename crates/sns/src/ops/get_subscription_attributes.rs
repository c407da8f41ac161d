//! GetSubscriptionAttributes: what was set on a subscription, and what is so by itself.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_GetSubscriptionAttributes.html>

use std::borrow::Cow;

use nautilus_wire::{Members, rules::StringRule};

use super::get_topic_attributes::Attributes;
use crate::{
    delivery_policy,
    error::Error,
    model::subscription::State,
    sns::{Ctx, Request, Resource},
};

pub(crate) struct Input<'a> {
    subscription_arn: Cow<'a, str>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input { subscription_arn: members.required_string("SubscriptionArn", &StringRule::ANY) }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<Resource, Error> {
        request.subscription(&self.subscription_arn)
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Attributes, Error> {
    let snapshot = ctx.inner.catalog.snapshot();
    let now_ms = ctx.inner.now_ms();
    let found = snapshot.subscription(&input.subscription_arn);
    let subscription =
        found.filter(|one| one.is_shown(now_ms)).ok_or(Error::SubscriptionNotFound)?;

    let was_authenticated =
        matches!(subscription.state, State::Confirmed { authenticated: true, .. });
    let mut attributes = subscription.attributes.clone();
    let own = [
        ("ConfirmationWasAuthenticated", was_authenticated.to_string()),
        ("Endpoint", subscription.endpoint.clone()),
        ("Owner", subscription.owner.clone()),
        ("PendingConfirmation", subscription.is_pending().to_string()),
        ("Protocol", subscription.protocol.name().to_owned()),
        ("SubscriptionArn", subscription.arn.clone()),
        ("SubscriptionPrincipal", subscription.principal.clone()),
        ("TopicArn", subscription.topic_arn.clone()),
    ];
    attributes.extend(own.map(|(name, value)| (name.to_owned(), value)));
    attributes.entry("RawMessageDelivery".to_owned()).or_insert_with(|| "false".to_owned());
    // AWS shows the scope of a policy that is there, and only then.
    match attributes.contains_key("FilterPolicy") {
        true => drop(
            attributes
                .entry("FilterPolicyScope".to_owned())
                .or_insert_with(|| "MessageAttributes".to_owned()),
        ),
        false => drop(attributes.remove("FilterPolicyScope")),
    }
    if subscription.protocol.is_delivered() {
        let topic = snapshot.topic(&subscription.topic_arn);
        let of_topic = topic.and_then(|topic| topic.attribute("DeliveryPolicy"));
        let own = subscription.attribute("DeliveryPolicy");
        let shown = delivery_policy::shown_of_subscription(of_topic, own);
        attributes.insert("EffectiveDeliveryPolicy".to_owned(), shown);
    }
    Ok(Attributes(attributes))
}

#[cfg(test)]
mod tests {
    use crate::testing::{TOPIC, World};

    #[test]
    fn a_subscription_has_awss_attributes() {
        let world = World::with_topic();
        let arn = world.confirmed("http://example.com/");
        let input = format!("SubscriptionArn={arn}");
        let shown = world.attributes("GetSubscriptionAttributes", &input);
        let names: Vec<&str> = shown.keys().map(String::as_str).collect();
        let expected = [
            "ConfirmationWasAuthenticated",
            "EffectiveDeliveryPolicy",
            "Endpoint",
            "Owner",
            "PendingConfirmation",
            "Protocol",
            "RawMessageDelivery",
            "SubscriptionArn",
            "SubscriptionPrincipal",
            "TopicArn",
        ];
        assert_eq!(names, expected);
        assert_eq!((&*shown["TopicArn"], &*shown["RawMessageDelivery"]), (TOPIC, "false"));
        assert_eq!(shown["SubscriptionPrincipal"], "arn:aws:iam::000000000000:user/nautilus");
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let world = World::with_topic();
        let told = "404 NotFound: Subscription does not exist";
        world.check("GetSubscriptionAttributes", &format!("SubscriptionArn={TOPIC}:x"), told);
    }
}
