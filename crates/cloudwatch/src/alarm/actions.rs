//! What is done when an alarm comes to a state: topics of this server are told; what else AWS could do is refused, and the
//! history says so.
//!
//! What is to be done is durable with the change of the state, message ids included, and is taken out together with the
//! items that tell what became of it. So after an end in between it is done again, with the same id: the topic knows it.

use std::borrow::Cow;

use nautilus_sns::{DeliveryOutcome, DeliveryResult, Publish};
use nautilus_wire::AwsError;
use serde::{Deserialize, Serialize};

use super::{
    history::{Done, Item},
    model::{AlarmType, StateValue},
    text,
};
use crate::{
    catalog::{AlarmId, Edit},
    cloudwatch::Inner,
    error::Error,
    limits,
};

/// The actions of one change of a state that are not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub of: AlarmId,
    pub alarm_type: AlarmType,
    /// When the alarm came to the state, Unix ms.
    pub at_ms: u64,
    pub state: StateValue,
    pub subject: String,
    pub message: String,
    pub todo: Vec<Todo>,
    /// How often it was tried in vain.
    #[serde(default)]
    pub tries: u32,
    /// When it is tried, Unix ms.
    pub next_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Todo {
    pub action: String,
    pub message_id: String,
}

impl Pending {
    /// Nothing is put off for longer than between two tries: then the clock was set back since.
    fn is_due(&self, now_ms: u64) -> bool {
        self.next_ms <= now_ms || self.next_ms > now_ms + limits::ACTION_RETRY_MS
    }
}

/// What one try came to.
enum Outcome {
    Done,
    Failed(Failure),
    /// Not our doing, nor the client's: later it may go.
    Later(Failure),
}

/// Why an action failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// What kind of failure it is: the same one has the same code, whatever its text.
    pub code: Cow<'static, str>,
    pub text: String,
}

/// Does what is due, for about as long as a tick may take. Answers when the next is due.
pub(crate) async fn run_due(inner: &Inner) -> Option<u64> {
    let began_ms = inner.now_ms();
    loop {
        let now_ms = inner.now_ms();
        let snapshot = inner.catalog.snapshot();
        let due: Vec<_> = snapshot
            .pending()
            .filter(|(_, pending)| pending.is_due(now_ms))
            .take(limits::PENDING_BATCH)
            .map(|(number, pending)| (number, pending.clone()))
            .collect();
        if due.is_empty() {
            return snapshot.pending().map(|(_, pending)| pending.next_ms).min();
        }
        let mut tried = Vec::with_capacity(due.len());
        for (number, pending) in due {
            let mut outcomes = Vec::with_capacity(pending.todo.len());
            for todo in &pending.todo {
                let outcome = run(inner, &pending, todo).await;
                match &outcome {
                    Outcome::Done => {}
                    Outcome::Failed(why) => inner.told.failed(&pending, todo, why, now_ms),
                    Outcome::Later(why) => inner.told.put_off(&pending, todo, why, now_ms),
                }
                outcomes.push(outcome);
            }
            tried.push((number, Pending::clone(&pending), outcomes));
        }
        if let Err(error) = record(inner, tried, now_ms).await {
            tracing::warn!(%error, "what became of alarm actions could not be recorded");
            return Some(now_ms + limits::ACTION_RETRY_MS);
        }
        if inner.now_ms().saturating_sub(began_ms) > limits::ACTIONS_TICK_MS {
            return Some(inner.now_ms());
        }
    }
}

async fn run(inner: &Inner, pending: &Pending, todo: &Todo) -> Outcome {
    let service = todo.action.split(':').nth(2).unwrap_or_default();
    match service {
        "sns" => match publish(inner, pending, todo).await {
            Ok(()) => Outcome::Done,
            Err(error) => {
                let is_last = pending.tries + 1 >= limits::ACTION_TRIES_MAX;
                let is_tried_again = is_passing(error.status) && !is_last;
                let text = error.message.unwrap_or_else(|| error.code.to_string());
                let failure = Failure { code: error.code, text };
                match is_tried_again {
                    true => Outcome::Later(failure),
                    false => Outcome::Failed(failure),
                }
            }
        },
        service => Outcome::Failed(Failure {
            code: "UnknownService".into(),
            text: format!(
                "This server publishes to its own SNS topics; it has no {service} to act on."
            ),
        }),
    }
}

/// Whether what failed with this status may go later: a server in trouble, or a topic's outbox that is full.
fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 500..)
}

/// Takes out what was done, with the items that tell of it; puts off what may go later.
async fn record(
    inner: &Inner,
    tried: Vec<(u64, Pending, Vec<Outcome>)>,
    now_ms: u64,
) -> Result<(), Error> {
    inner
        .change(move |snapshot| {
            let mut edit = Edit::new(snapshot);
            for (number, pending, outcomes) in tried {
                if !snapshot.is_pending(number, &pending) {
                    continue; // another tick, at the same time, has recorded the same
                }
                let mut left = Vec::new();
                for (todo, outcome) in pending.todo.iter().zip(outcomes) {
                    let (summary, error) = match outcome {
                        Outcome::Later(_) => {
                            left.push(todo.clone());
                            continue;
                        }
                        Outcome::Done => {
                            (format!("Successfully executed action {}", todo.action), None)
                        }
                        Outcome::Failed(Failure { text: error, .. }) => {
                            let summary = format!(
                                "Failed to execute action {}. Received error: \"{error}\"",
                                todo.action
                            );
                            (summary, Some(error))
                        }
                    };
                    let done = Done {
                        summary,
                        resource: &todo.action,
                        state: Some(pending.state),
                        message_id: error.is_none().then_some(todo.message_id.as_str()),
                        error: error.as_deref(),
                    };
                    let (of, alarm_type) = (pending.of.clone(), pending.alarm_type);
                    edit.add_item(&Item::action(of, alarm_type, now_ms, &done));
                }
                if left.is_empty() {
                    edit.drop_pending(number);
                } else {
                    let next_ms = now_ms + limits::ACTION_RETRY_MS;
                    let tries = pending.tries + 1;
                    edit.set_pending(number, Pending { todo: left, tries, next_ms, ..pending });
                }
            }
            Ok(edit.finish(()))
        })
        .await
}

/// Gives a message to its topic: durable when it answers, and the same one if it comes again.
async fn publish(inner: &Inner, pending: &Pending, todo: &Todo) -> Result<(), AwsError> {
    if todo.action.split(':').nth(4) != Some(pending.of.account.as_str()) {
        // Topics have no policies here that could let other accounts in.
        return Err(AwsError::access_denied(format!(
            "CloudWatch Alarms is not authorized to perform: SNS:Publish on resource: {} because \
             no resource-based policy allows the SNS:Publish action",
            todo.action
        )));
    }
    let publish = Publish {
        topic_arn: todo.action.clone(),
        subject: Some(pending.subject.clone()),
        message: pending.message.clone(),
        message_id: todo.message_id.clone(),
        origin: Some(origin(&pending.of, pending.alarm_type)),
    };
    inner.sns.publish(publish).await.map_err(AwsError::from)
}

/// By what a delivery is known to be an alarm's.
fn origin(of: &AlarmId, alarm_type: AlarmType) -> String {
    format!("{}/{}", alarm_type.text(), of.path())
}

/// The alarm that an origin names.
fn of_origin(origin: &str) -> Option<(AlarmId, AlarmType)> {
    let mut parts = origin.splitn(4, '/').map(str::to_owned);
    let alarm_type = AlarmType::parse(&parts.next()?)?;
    let (account, region, name) = (parts.next()?, parts.next()?, parts.next()?);
    Some((AlarmId { account, region, name }, alarm_type))
}

/// Writes into the histories what became of the deliveries of topics.
pub(crate) async fn record_deliveries(inner: &Inner) {
    let outcomes = inner.sns.take_outcomes();
    if outcomes.is_empty() {
        return;
    }
    let now_ms = inner.now_ms();
    let recorded = inner.change(move |snapshot| {
        let mut edit = Edit::new(snapshot);
        for outcome in &outcomes {
            if let Some((of, alarm_type)) = of_origin(&outcome.origin) {
                edit.add_item(&delivery_item(of, alarm_type, outcome, now_ms));
            }
        }
        Ok(edit.finish(()))
    });
    if let Err(error) = recorded.await {
        tracing::warn!(%error, "what became of deliveries is missing in the history of alarms");
    }
}

fn delivery_item(
    of: AlarmId,
    alarm_type: AlarmType,
    outcome: &DeliveryOutcome,
    now_ms: u64,
) -> Item {
    let DeliveryOutcome { message_id, endpoint, attempt, result, .. } = outcome;
    let (summary, error) = match result {
        DeliveryResult::Delivered => {
            (format!("Delivered notification {message_id} to {endpoint}"), None)
        }
        DeliveryResult::Retried { reason, next_ms } => {
            let when = text::iso(*next_ms);
            let next = format!("attempt {attempt} failed, the next one is due at {when}: {reason}");
            (
                format!("Failed to deliver notification {message_id} to {endpoint}: {next}"),
                Some(reason),
            )
        }
        DeliveryResult::GivenUp { reason } => (
            format!(
                "Failed to deliver notification {message_id} to {endpoint}, given up: {reason}"
            ),
            Some(reason),
        ),
    };
    let done = Done {
        summary,
        resource: &outcome.subscription_arn,
        state: None,
        message_id: Some(message_id),
        error: error.map(String::as_str),
    };
    Item::action(of, alarm_type, now_ms, &done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW_MS, World};

    const ALARM: &str = r#"{"AlarmName":"a","MetricName":"m","Namespace":"n","Statistic":"Sum","Period":60,
        "EvaluationPeriods":1,"Threshold":1,"ComparisonOperator":"GreaterThanThreshold",
        "AlarmActions":["arn:aws:lambda:us-east-1:000000000000:function:f"]}"#;

    /// A world with one action that waits.
    fn world() -> (World, u64, Pending) {
        let world = World::new();
        world.check("PutMetricAlarm", ALARM, "");
        world.advance(0);
        let alarm = r#"{"AlarmName":"a","StateValue":"ALARM","StateReason":"by hand"}"#;
        world.check("SetAlarmState", alarm, "");
        let snapshot = world.room().inner().catalog.snapshot();
        let (number, pending) = snapshot.pending().next().expect("an action waits");
        (world, number, Pending::clone(pending))
    }

    fn items(world: &World) -> usize {
        world.history(r#"{"HistoryItemType":"Action"}"#).len()
    }

    #[test]
    fn what_two_ticks_did_at_the_same_time_is_recorded_once() {
        let (world, number, pending) = world();
        for _ in 0..2 {
            let tried = vec![(number, pending.clone(), vec![Outcome::Done])];
            world.run(record(world.room().inner(), tried, NOW_MS)).expect("it is recorded");
            assert_eq!(items(&world), 1);
        }
    }

    #[test]
    fn what_was_put_off_by_one_tick_is_not_dropped_by_another() {
        let (world, number, pending) = world();
        let full = Failure { code: "Throttled".into(), text: "full".to_owned() };
        for outcome in [Outcome::Later(full), Outcome::Done] {
            let tried = vec![(number, pending.clone(), vec![outcome])];
            world.run(record(world.room().inner(), tried, NOW_MS)).expect("it is recorded");
        }
        assert_eq!(
            (items(&world), world.room().inner().catalog.snapshot().pending().count()),
            (0, 1)
        );
        world.advance(limits::ACTION_RETRY_MS);
        assert_eq!(items(&world), 1);
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_no_action_waiting() {
        let (mut world, ..) = world();
        world.clock.set_ms(NOW_MS - 86_400_000);
        world.kill();
        world.advance(0);
        assert_eq!(items(&world), 1);
    }

    #[test]
    fn a_notification_without_room_is_not_given_up() {
        // 429 is what a full outbox answers.
        for (status, expected) in
            [(400, false), (403, false), (404, false), (429, true), (503, true)]
        {
            assert_eq!(is_passing(status), expected, "{status}");
        }
    }

    #[test]
    fn an_origin_names_its_alarm() {
        for name in ["a", "a/b", "/"] {
            let id =
                AlarmId { account: "1".to_owned(), region: "r".to_owned(), name: name.to_owned() };
            for alarm_type in [AlarmType::Metric, AlarmType::Composite] {
                let origin = origin(&id, alarm_type);
                assert_eq!(of_origin(&origin), Some((id.clone(), alarm_type)));
            }
        }
        assert_eq!(of_origin("x/1/r/a"), None);
    }
}
