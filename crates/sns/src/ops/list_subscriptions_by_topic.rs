//! ListSubscriptionsByTopic: the subscriptions of one topic, by ARN.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html>

use std::borrow::Cow;

use nautilus_wire::{Members, rules::StringRule};

use super::list_subscriptions::Page;
use crate::{
    error::Error,
    paging,
    sns::{Ctx, Request, Resource},
};

pub(crate) struct Input<'a> {
    topic_arn: Cow<'a, str>,
    next_token: Option<Cow<'a, str>>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            topic_arn: members.required_string("TopicArn", &StringRule::ANY),
            next_token: members.string("NextToken", &StringRule::ANY),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<Resource, Error> {
        request.topic(&self.topic_arn)
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Page, Error> {
    let (snapshot, now_ms) = (ctx.inner.catalog.snapshot(), ctx.inner.now_ms());
    let topic = snapshot.topic(&input.topic_arn).ok_or(Error::TopicNotFound)?;
    let all = snapshot.subscriptions_of(&topic.arn).filter(|one| one.is_shown(now_ms)).cloned();
    let (subscriptions, next_token) =
        paging::page(input.next_token.as_deref(), all, |one| one.arn.as_str())?;
    Ok(Page { subscriptions, next_token })
}

#[cfg(test)]
mod tests {
    use crate::testing::{TOPIC, World};

    #[test]
    fn a_topic_shows_its_own() {
        let world = World::with_topic();
        let arn = world.confirmed("http://example.com/");
        world.ok("CreateTopic", "Name=other");
        let of = |topic: &str| world.ok("ListSubscriptionsByTopic", &format!("TopicArn={topic}"));
        assert!(of(TOPIC).contains(&format!("<SubscriptionArn>{arn}</SubscriptionArn>")));
        assert_eq!(of(&TOPIC.replace(":t", ":other")), "<Subscriptions/>");
        let told = "404 NotFound: Topic does not exist";
        world.check("ListSubscriptionsByTopic", &format!("TopicArn={TOPIC}x"), told);
    }
}
