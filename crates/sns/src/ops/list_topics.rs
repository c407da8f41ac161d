//! ListTopics: the caller's topics, by ARN.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_ListTopics.html>

use std::sync::Arc;

use nautilus_wire::{Output, Writer};

pub(crate) use super::list_subscriptions::Input;
use crate::{error::Error, model::topic::Topic, paging, sns::Ctx};

pub(crate) struct Page {
    topics: Vec<Arc<Topic>>,
    next_token: Option<String>,
}

impl Output for Page {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_list("Topics", &self.topics, |w, topic| {
                w.map(|w| w.field_str("TopicArn", &topic.arn));
            });
            if let Some(token) = &self.next_token {
                w.field_str("NextToken", token);
            }
        });
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Page, Error> {
    let caller = ctx.signed()?;
    let snapshot = ctx.inner.catalog.snapshot();
    let is_own =
        |topic: &&Arc<Topic>| (&topic.account, &topic.region) == (&caller.account, &caller.region);
    let own = snapshot.topics().values().filter(is_own).cloned();
    let (topics, next_token) =
        paging::page(input.next_token.as_deref(), own, |topic| topic.arn.as_str())?;
    Ok(Page { topics, next_token })
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn topics_come_in_pages_of_100() {
        let world = World::new();
        for n in 0..101 {
            world.ok("CreateTopic", &format!("Name=t{n:03}"));
        }
        let first = world.ok("ListTopics", "");
        assert_eq!(first.matches("<TopicArn>").count(), 100);
        let token = World::text_in(&first, "NextToken");
        let second = world.ok("ListTopics", &format!("NextToken={token}"));
        assert!(second.contains(":t100</TopicArn>") && !second.contains("NextToken"), "{second}");
    }

    #[test]
    fn regions_and_accounts_see_their_own() {
        let world = World::with_topic();
        let other = World::caller("111111111111", "us-east-1");
        assert_eq!(world.call_as(Some(&other), "ListTopics", ""), "<Topics/>");
        let elsewhere = World::caller("AKID", "eu-west-1");
        assert_eq!(world.call_as(Some(&elsewhere), "ListTopics", ""), "<Topics/>");
    }
}
