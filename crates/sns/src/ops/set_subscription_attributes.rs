//! SetSubscriptionAttributes: sets one attribute of a subscription. It holds for messages that are published from then on.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html>
//! Not as AWS: whatever queue a RedrivePolicy names, what cannot be delivered goes to a file.

use std::borrow::Cow;

use nautilus_wire::{Done, Members, rules::StringRule};

use crate::{
    catalog::Edit,
    error::Error,
    limits,
    model::subscription::Subscription,
    sns::{Ctx, Request, Resource},
};

pub(crate) struct Input<'a> {
    subscription_arn: Cow<'a, str>,
    name: Cow<'a, str>,
    value: Option<Cow<'a, str>>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            subscription_arn: members.required_string("SubscriptionArn", &StringRule::ANY),
            name: members.required_string("AttributeName", &StringRule::ANY),
            value: members.string("AttributeValue", &StringRule::ANY),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<Resource, Error> {
        request.subscription(&self.subscription_arn)
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let now_ms = ctx.inner.now_ms();
    let (arn, name) = (input.subscription_arn.into_owned(), input.name.into_owned());
    let value = input.value.unwrap_or_default().into_owned();
    ctx.inner
        .change(move |snapshot| {
            let mut edit = Edit::new(snapshot);
            let found = snapshot.subscription(&arn).filter(|one| one.is_shown(now_ms));
            let known = found.ok_or(Error::SubscriptionNotFound)?;
            let mut changed = Subscription::clone(known);
            changed.set(&name, &value).map_err(Error::InvalidParameter)?;
            if snapshot.attribute_bytes() + value.len() > limits::ATTRIBUTE_BYTES_MAX {
                return Err(Error::invalid(format!("{name}: there are too many attributes")));
            }
            if changed != **known {
                edit.put_subscription(changed);
            }
            Ok(edit.finish(()))
        })
        .await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::{TOPIC, World};

    fn set(arn: &str, name: &str, value: &str) -> String {
        format!("SubscriptionArn={arn}&AttributeName={name}&AttributeValue={value}")
    }

    #[test]
    fn what_was_set_is_shown_also_after_a_restart() {
        let mut world = World::with_topic();
        let arn = world.confirmed("http://example.com/");
        let policy = r#"{"healthyRetryPolicy":{"numRetries":5}}"#;
        world.ok("SetSubscriptionAttributes", &set(&arn, "DeliveryPolicy", policy));
        world.ok("SetSubscriptionAttributes", &set(&arn, "RawMessageDelivery", "True"));
        world.ok("SetSubscriptionAttributes", &set(&arn, "FilterPolicy", r#"{"a":["b"]}"#));
        world.kill();
        let input = format!("SubscriptionArn={arn}");
        let shown = world.attributes("GetSubscriptionAttributes", &input);
        assert_eq!((&*shown["DeliveryPolicy"], &*shown["RawMessageDelivery"]), (policy, "true"));
        assert_eq!(shown["FilterPolicyScope"], "MessageAttributes");
        assert!(shown["EffectiveDeliveryPolicy"].contains(r#""numRetries":5"#));
        world.ok("SetSubscriptionAttributes", &set(&arn, "FilterPolicy", "{}"));
        let shown = world.attributes("GetSubscriptionAttributes", &input);
        assert!(!shown.contains_key("FilterPolicy") && !shown.contains_key("FilterPolicyScope"));
    }

    #[test]
    fn what_is_wrong_is_told_in_awss_words() {
        let world = World::with_topic();
        let arn = world.confirmed("http://example.com/");
        for (name, value, told) in [
            ("fake", "x", "AttributeName"),
            (
                "RawMessageDelivery",
                "",
                "RawMessageDelivery: Invalid value []. Must be true or false.",
            ),
            (
                "RedrivePolicy",
                r#"{"deadLetterTargetArn":"fake"}"#,
                "RedrivePolicy: deadLetterTargetArn is an invalid arn",
            ),
        ] {
            let told = format!("400 InvalidParameter: Invalid parameter: {told}");
            world.check("SetSubscriptionAttributes", &set(&arn, name, value), &told);
        }
        let other = set(&format!("{TOPIC}:x"), "RawMessageDelivery", "true");
        let told = "404 NotFound: Subscription does not exist";
        world.check("SetSubscriptionAttributes", &other, told);
    }
}
