//! Unsubscribe: ends a subscription.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_Unsubscribe.html>
//! No credential is needed unless the subscription says so: it is what the link in a message does. An endpoint that was
//! ended so is told, and may take it back for two days.

use std::{borrow::Cow, sync::Arc};

use nautilus_wire::{Done, Members, rules::StringRule};

use super::subscribe::question;
use crate::{
    catalog::{Edit, Snapshot},
    error::Error,
    ids,
    model::{
        arn,
        message::Kind,
        subscription::{State, Subscription},
        topic::Topic,
    },
    outbox,
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
        match request.caller {
            Some(_) => request.subscription(&self.subscription_arn),
            None => {
                arn::subscription(&self.subscription_arn)?;
                Ok(request.own(&self.subscription_arn))
            }
        }
    }
}

/// Ending what is not there is no error.
pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let subscription_arn = input.subscription_arn.into_owned();
    let unsigned = ctx.caller().is_none().then(|| Farewell {
        token: ids::token(&*ctx.inner.rng),
        message_id: ids::uuid(&*ctx.inner.rng),
        now_ms: ctx.inner.now_ms(),
    });
    let now_ms = ctx.inner.now_ms();
    ctx.inner
        .change(move |snapshot| {
            let mut edit = Edit::new(snapshot);
            let known = snapshot.subscription(&subscription_arn);
            let Some(known) = known.filter(|one| one.is_shown(now_ms)) else {
                return Ok(edit.finish(()));
            };
            let farewell = match (&known.state, unsigned) {
                (State::Pending { .. }, _) => {
                    return Err(Error::invalid(
                        "SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending \
                         confirmation",
                    ));
                }
                (State::Confirmed { authenticate_on_unsubscribe: true, .. }, Some(_)) => {
                    return Err(Error::Authorization(
                        "This subscription requires authentication for deletion.".to_owned(),
                    ));
                }
                (_, farewell) => farewell.filter(|_| known.protocol.is_delivered()),
            };
            if let Some(topic) = snapshot.topic(&known.topic_arn) {
                let subscriptions_deleted = topic.subscriptions_deleted + 1;
                edit.put_topic(Topic { subscriptions_deleted, ..Topic::clone(topic) });
            }
            match farewell {
                Some(farewell) => farewell.say(&mut edit, snapshot, known)?,
                None => edit.remove_subscription(&known.arn),
            }
            Ok(edit.finish(()))
        })
        .await?;
    ctx.inner.due_changed.notify_one();
    Ok(Done)
}

/// What an endpoint is told that was ended by somebody without a credential.
struct Farewell {
    token: String,
    message_id: String,
    now_ms: u64,
}

impl Farewell {
    fn say(
        self,
        edit: &mut Edit,
        snapshot: &Snapshot,
        known: &Arc<Subscription>,
    ) -> Result<(), Error> {
        let Farewell { token, message_id, now_ms } = self;
        let Some(topic) = snapshot.topic(&known.topic_arn) else { return Ok(()) };
        let text = format!(
            "You have chosen to deactivate subscription {}.\nTo cancel this operation and restore \
             the subscription, visit the SubscribeURL included in this message.",
            known.arn
        );
        let kind = Kind::Farewell { token: token.clone() };
        let message = question(kind, message_id, &topic.arn, text, now_ms);
        edit.remove_deliveries_to(&known.arn);
        outbox::check_room(edit.next().outbox(), &message, 1)?;
        edit.put_message(message, vec![outbox::to(topic, known, now_ms)]);
        let state = State::Ended { token, since_ms: now_ms };
        edit.put_subscription(Subscription { state, ..Subscription::clone(known) });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{TOPIC, World};

    #[test]
    fn its_owner_ends_a_subscription_at_once() {
        let world = World::with_topic();
        let arn = world.confirmed("http://example.com/");
        world.publish("hello");
        world.ok("Unsubscribe", &format!("SubscriptionArn={arn}"));
        assert!(world.due().is_empty(), "what waited for it is gone");
        world.check("ListSubscriptions", "", "<Subscriptions/>");
        world.ok("Unsubscribe", &format!("SubscriptionArn={arn}"));
    }

    #[test]
    fn whoever_follows_the_link_ends_it_and_may_take_that_back() {
        let world = World::with_topic();
        let arn = world.confirmed("http://example.com/");
        let input = format!("SubscriptionArn={arn}");
        assert_eq!(world.call_as(None, "Unsubscribe", &input), "");
        world.check("ListSubscriptions", "", "<Subscriptions/>");
        world.publish("nobody wants this");
        let due = world.due();
        assert_eq!(due.len(), 1);
        let (_, kind) = &due[0].request().headers[0];
        assert_eq!(kind, "UnsubscribeConfirmation");

        world.confirm(&due[0]);
        world.publish("again");
        assert_eq!(world.due().len(), 1);
        let topic = world.attributes("GetTopicAttributes", &format!("TopicArn={TOPIC}"));
        assert_eq!(topic["SubscriptionsConfirmed"], "1");
    }

    #[test]
    fn a_subscription_may_want_a_credential_for_its_end() {
        let world = World::with_topic();
        let arn = world.subscribe("http", "http://example.com/");
        let due = world.due();
        let token = World::token(&due[0]);
        let input = format!("TopicArn={TOPIC}&Token={token}&AuthenticateOnUnsubscribe=true");
        world.ok("ConfirmSubscription", &input);
        let input = format!("SubscriptionArn={arn}");
        let told = world.call_as(None, "Unsubscribe", &input);
        assert_eq!(
            told,
            "403 AuthorizationError: This subscription requires authentication for deletion."
        );
        world.ok("Unsubscribe", &input);
    }

    #[test]
    fn what_is_pending_cannot_be_ended() {
        let world = World::with_topic();
        let arn = world.subscribe("http", "http://example.com/");
        let told = "400 InvalidParameter: Invalid parameter: SubscriptionArn Reason: Cannot \
                    unsubscribe a subscription that is pending confirmation";
        world.check("Unsubscribe", &format!("SubscriptionArn={arn}"), told);
        let told = "400 InvalidParameter: Invalid parameter: SubscriptionId";
        world.check("Unsubscribe", &format!("SubscriptionArn={TOPIC}"), told);
    }
}
