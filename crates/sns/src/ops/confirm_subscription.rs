//! ConfirmSubscription: the endpoint's owner wants the messages, and shows the token that only the endpoint got.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html>
//! No credential is needed: it is what the link in the question does.

use std::borrow::Cow;

use nautilus_wire::{Members, Output, Writer, rules::StringRule};

use crate::{
    catalog::Edit,
    error::Error,
    model::{
        arn,
        subscription::{State, Subscription},
    },
    sns::{Ctx, Request, Resource},
};

pub(crate) struct Input<'a> {
    topic_arn: Cow<'a, str>,
    token: Cow<'a, str>,
    authenticate_on_unsubscribe: bool,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            topic_arn: members.required_string("TopicArn", &StringRule::ANY),
            token: members.required_string("Token", &StringRule::ANY),
            authenticate_on_unsubscribe: members
                .boolean("AuthenticateOnUnsubscribe")
                .unwrap_or_default(),
        }
    }

    /// The token says who may, whoever the topic's owner is.
    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<Resource, Error> {
        arn::topic(&self.topic_arn, "TopicArn")?;
        Ok(request.own(&self.topic_arn))
    }
}

pub(crate) struct Confirmed {
    subscription_arn: String,
}

impl Output for Confirmed {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| w.field_str("SubscriptionArn", &self.subscription_arn));
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Confirmed, Error> {
    let now_ms = ctx.inner.now_ms();
    let (topic_arn, token) = (input.topic_arn.into_owned(), input.token.into_owned());
    let state = State::Confirmed {
        authenticated: ctx.caller().is_some(),
        authenticate_on_unsubscribe: input.authenticate_on_unsubscribe && ctx.caller().is_some(),
        token: Some(token.clone()),
    };
    let subscription_arn = ctx
        .inner
        .change(move |snapshot| {
            let mut edit = Edit::new(snapshot);
            let known = snapshot
                .subscriptions_of(&topic_arn)
                .find(|one| one.token() == Some(&token) && !one.is_over(now_ms));
            let known = known.ok_or_else(|| Error::invalid("Token"))?;
            let answer = known.arn.clone();
            if !known.is_confirmed() {
                // What still waits for it is the question, or the farewell.
                edit.remove_deliveries_to(&known.arn);
                edit.put_subscription(Subscription { state, ..Subscription::clone(known) });
            }
            Ok(edit.finish(answer))
        })
        .await?;
    Ok(Confirmed { subscription_arn })
}

#[cfg(test)]
mod tests {
    use crate::{
        Outcome,
        limits::TOKEN_LIFE_MS,
        testing::{TOPIC, World},
    };

    fn confirm(token: &str) -> String {
        format!("TopicArn={TOPIC}&Token={token}")
    }

    #[test]
    fn whoever_has_the_token_confirms() {
        let mut world = World::with_topic();
        let arn = world.subscribe("http", "http://example.com/");
        let due = world.due();
        world.report(&due[0], Outcome::Status(200));
        let token = World::token(&due[0]);
        world.kill();
        let confirmed = format!("<SubscriptionArn>{arn}</SubscriptionArn>");
        let unsigned = world.call_as(None, "ConfirmSubscription", &confirm(&token));
        assert_eq!(unsigned, confirmed);
        world.check("ConfirmSubscription", &confirm(&token), &confirmed);
        let input = format!("SubscriptionArn={arn}");
        let shown = world.attributes("GetSubscriptionAttributes", &input);
        assert_eq!(shown["PendingConfirmation"], "false");
        assert_eq!(shown["ConfirmationWasAuthenticated"], "false");
        world.publish("hello");
        assert_eq!(world.due().len(), 1);
    }

    #[test]
    fn a_question_that_is_answered_is_not_asked_again() {
        let world = World::with_topic();
        world.subscribe("http", "http://example.com/");
        let due = world.due();
        let token = World::token(&due[0]);
        world.ok("ConfirmSubscription", &confirm(&token));
        world.report(&due[0], Outcome::Status(500));
        world.advance(3_600_000);
        assert!(world.due().is_empty());
    }

    #[test]
    fn other_tokens_confirm_nothing() {
        let world = World::with_topic();
        world.subscribe("http", "http://example.com/");
        let due = world.due();
        let wrong = "400 InvalidParameter: Invalid parameter: Token";
        world.check("ConfirmSubscription", &confirm("abc"), wrong);
        world.check("ConfirmSubscription", &confirm(""), wrong);
        let token = World::token(&due[0]);
        let other = confirm(&token).replace(":t&", ":other&");
        world.check("ConfirmSubscription", &other, wrong);
        world.advance(TOKEN_LIFE_MS + 1);
        world.check("ConfirmSubscription", &confirm(&token), wrong);
    }
}
