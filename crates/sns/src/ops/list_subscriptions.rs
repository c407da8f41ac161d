//! ListSubscriptions: the caller's subscriptions, by ARN.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptions.html>

use std::{borrow::Cow, sync::Arc};

use nautilus_wire::{Members, Output, Writer, rules::StringRule};

use crate::{
    error::Error,
    model::{arn, subscription::Subscription},
    paging,
    sns::{Ctx, Request, Resource},
};

pub(crate) struct Input<'a> {
    pub next_token: Option<Cow<'a, str>>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input { next_token: members.string("NextToken", &StringRule::ANY) }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<Resource, Error> {
        Ok(request.own("*"))
    }
}

/// Some subscriptions, and how to get the next ones.
pub(crate) struct Page {
    pub subscriptions: Vec<Arc<Subscription>>,
    pub next_token: Option<String>,
}

impl Output for Page {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_list("Subscriptions", &self.subscriptions, |w, one| {
                w.map(|w| {
                    let arn = if one.is_pending() { "PendingConfirmation" } else { &one.arn };
                    w.field_str("SubscriptionArn", arn);
                    w.field_str("Owner", &one.owner);
                    w.field_str("Protocol", one.protocol.name());
                    w.field_str("Endpoint", &one.endpoint);
                    w.field_str("TopicArn", &one.topic_arn);
                });
            });
            if let Some(token) = &self.next_token {
                w.field_str("NextToken", token);
            }
        });
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Page, Error> {
    let (caller, now_ms) = (ctx.signed()?, ctx.inner.now_ms());
    let snapshot = ctx.inner.catalog.snapshot();
    let is_own = |one: &&Arc<Subscription>| {
        let region = arn::topic(&one.topic_arn, "TopicArn").map(|topic| topic.region);
        one.owner == caller.account
            && region.is_ok_and(|region| region == caller.region)
            && one.is_shown(now_ms)
    };
    let own = snapshot.subscriptions().values().filter(is_own).cloned();
    let (subscriptions, next_token) =
        paging::page(input.next_token.as_deref(), own, |one| one.arn.as_str())?;
    Ok(Page { subscriptions, next_token })
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn subscriptions_of_all_topics_come_in_pages() {
        let world = World::with_topic();
        for n in 0..101 {
            world.subscribe("email", &format!("{n}@example.com"));
        }
        let first = world.ok("ListSubscriptions", "");
        assert_eq!(first.matches("<Endpoint>").count(), 100);
        let token = World::text_in(&first, "NextToken");
        let second = world.ok("ListSubscriptions", &format!("NextToken={token}"));
        assert_eq!(second.matches("<Endpoint>").count(), 1);
        assert!(!second.contains("NextToken"));
        let elsewhere = World::caller("AKID", "eu-west-1");
        assert_eq!(world.call_as(Some(&elsewhere), "ListSubscriptions", ""), "<Subscriptions/>");
        let told = "400 InvalidParameter: Invalid parameter: NextToken Reason: Invalid token";
        world.check("ListSubscriptions", "NextToken=x", told);
    }
}
