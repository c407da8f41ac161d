//! DeleteTopic: takes a topic away with its subscriptions, and what waits for them.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_DeleteTopic.html>

use std::borrow::Cow;

use nautilus_wire::{Done, Members, rules::StringRule};

use crate::{
    catalog::Edit,
    error::Error,
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

/// Deleting what is not there is no error.
pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let topic_arn = input.topic_arn.into_owned();
    ctx.inner
        .change(move |snapshot| {
            let mut edit = Edit::new(snapshot);
            edit.remove_topic(&topic_arn);
            Ok(edit.finish(()))
        })
        .await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::{TOPIC, World};

    #[test]
    fn a_topic_goes_with_all_that_it_has() {
        let world = World::with_topic();
        world.confirmed("http://example.com/");
        world.publish("hello");
        world.ok("DeleteTopic", &format!("TopicArn={TOPIC}"));
        assert!(world.due().is_empty(), "nobody gets what is left");
        world.check("ListSubscriptions", "", "<Subscriptions/>");
        world.ok("DeleteTopic", &format!("TopicArn={TOPIC}"));
    }

    #[test]
    fn a_topic_of_somebody_else_stays() {
        let world = World::with_topic();
        let other = TOPIC.replace("000000000000", "111111111111");
        let told = world.error("DeleteTopic", &format!("TopicArn={other}"));
        assert!(told.starts_with("403 AuthorizationError: User: "), "{told}");
        let elsewhere = TOPIC.replace("us-east-1", "eu-west-1");
        let told = "400 InvalidParameter: Invalid parameter: TopicArn";
        world.check("DeleteTopic", &format!("TopicArn={elsewhere}"), told);
    }
}
