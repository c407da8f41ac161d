//! SetTopicAttributes: sets one attribute of a topic.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html>
//! Not as AWS: policies are kept and shown, and not enforced; messages are not encrypted with KMS keys; every message is
//! signed by SignatureVersion 2.

use std::borrow::Cow;

use nautilus_wire::{Done, Members, rules::StringRule};

use crate::{
    catalog::Edit,
    error::Error,
    limits,
    model::topic::Topic,
    sns::{Ctx, Request, Resource},
};

pub(crate) struct Input<'a> {
    topic_arn: Cow<'a, str>,
    name: Cow<'a, str>,
    value: Option<Cow<'a, str>>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            topic_arn: members.required_string("TopicArn", &StringRule::ANY),
            name: members.required_string("AttributeName", &StringRule::ANY),
            value: members.string("AttributeValue", &StringRule::ANY),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<Resource, Error> {
        request.topic(&self.topic_arn)
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let (topic_arn, name) = (input.topic_arn.into_owned(), input.name.into_owned());
    let value = input.value.unwrap_or_default().into_owned();
    ctx.inner
        .change(move |snapshot| {
            let mut edit = Edit::new(snapshot);
            let topic = snapshot.topic(&topic_arn).ok_or(Error::TopicNotFound)?;
            let mut changed = Topic::clone(topic);
            changed.set(&name, &value)?;
            if snapshot.attribute_bytes() + value.len() > limits::ATTRIBUTE_BYTES_MAX {
                return Err(Error::invalid(format!(
                    "{name} Reason: there are too many attributes"
                )));
            }
            if changed != **topic {
                edit.put_topic(changed);
            }
            Ok(edit.finish(()))
        })
        .await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::{TOPIC, World};

    fn set(name: &str, value: &str) -> String {
        format!("TopicArn={TOPIC}&AttributeName={name}&AttributeValue={value}")
    }

    #[test]
    fn what_was_set_is_shown_also_after_a_restart() {
        let mut world = World::with_topic();
        world.ok("SetTopicAttributes", &set("DisplayName", "Mine"));
        let policy = r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":5}}}"#;
        world.ok("SetTopicAttributes", &set("DeliveryPolicy", policy));
        world.kill();
        let attributes = world.attributes("GetTopicAttributes", &format!("TopicArn={TOPIC}"));
        assert_eq!(attributes["DisplayName"], "Mine");
        assert_eq!(attributes["DeliveryPolicy"], policy);
        assert!(attributes["EffectiveDeliveryPolicy"].contains(r#""numRetries":5"#));
        world.ok("SetTopicAttributes", &set("DeliveryPolicy", ""));
        let attributes = world.attributes("GetTopicAttributes", &format!("TopicArn={TOPIC}"));
        assert!(!attributes.contains_key("DeliveryPolicy"));
    }

    #[test]
    fn what_is_wrong_changes_nothing() {
        let world = World::with_topic();
        let told = "400 InvalidParameter: Invalid parameter: AttributeName";
        world.check("SetTopicAttributes", &set("Colour", "red"), told);
        let told = world.error("SetTopicAttributes", &set("Policy", "{}"));
        assert_eq!(
            told,
            "400 InvalidParameter: Invalid parameter: Policy Error: it has no Statement"
        );
        let other = set("DisplayName", "x").replace(":t&", ":other&");
        world.check("SetTopicAttributes", &other, "404 NotFound: Topic does not exist");
    }
}
