//! What the log was told of actions that fail, so that an alarm whose topic is gone does not fill it.

use std::collections::HashSet;

use parking_lot::Mutex;

use super::actions::{Failure, Pending, Todo};
use crate::limits;

/// See the module. The history of the alarm has every failure; this is for the log alone.
#[derive(Debug, Default)]
pub(crate) struct Told {
    hour: Mutex<Hour>,
}

/// What was told in an hour of the clock.
#[derive(Debug, Default)]
struct Hour {
    number: u64,
    /// Alarm, action and reason.
    known: HashSet<[String; 3]>,
}

/// Whether the log is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Tell,
    /// There were too many: this is told instead, once.
    TellEnd,
    Known,
}

impl Hour {
    fn turn(&mut self, key: [String; 3], now_ms: u64) -> Turn {
        let number = now_ms / 3_600_000;
        if number != self.number {
            *self = Hour { number, known: HashSet::new() };
        }
        if self.known.len() > limits::ACTIONS_TOLD_MAX || !self.known.insert(key) {
            return Turn::Known;
        }
        match self.known.len() > limits::ACTIONS_TOLD_MAX {
            true => Turn::TellEnd,
            false => Turn::Tell,
        }
    }
}

impl Told {
    /// An action failed for good.
    pub(super) fn failed(&self, of: &Pending, todo: &Todo, why: &Failure, now_ms: u64) {
        self.tell("an action failed", of, todo, why, now_ms);
    }

    /// An action failed, and is tried again.
    pub(super) fn put_off(&self, of: &Pending, todo: &Todo, why: &Failure, now_ms: u64) {
        self.tell("an action failed and is tried again", of, todo, why, now_ms);
    }

    /// Once an hour for each alarm and action, and what it failed of.
    fn tell(&self, what: &str, of: &Pending, todo: &Todo, why: &Failure, now_ms: u64) {
        let (alarm, action, error) = (&of.of.name, &todo.action, &why.text);
        let key = [of.of.path(), action.clone(), format!("{what}: {}", why.code)];
        let turn = self.hour.lock().turn(key, now_ms);
        match turn {
            Turn::Tell => tracing::warn!(alarm, action, error, "{what}"),
            Turn::TellEnd => tracing::warn!(
                "many actions fail: only the alarms' histories tell of more in this hour"
            ),
            Turn::Known => tracing::debug!(alarm, action, error, "{what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };

    use tracing::{
        Event, Level, Metadata, Subscriber,
        span::{Attributes, Id, Record},
        subscriber::with_default,
    };

    use super::*;
    use crate::testing::World;

    const HOUR_MS: u64 = 3_600_000;

    /// Counts the lines that the log has by default.
    #[derive(Default, Clone)]
    struct Lines(Arc<AtomicUsize>);

    impl Subscriber for Lines {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() <= Level::WARN
        }

        fn event(&self, _event: &Event<'_>) {
            self.0.fetch_add(1, SeqCst);
        }

        fn new_span(&self, _span: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _span: &Id, _values: &Record<'_>) {}

        fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

        fn enter(&self, _span: &Id) {}

        fn exit(&self, _span: &Id) {}
    }

    #[test]
    fn an_action_that_fails_again_and_again_is_one_line_in_an_hour() {
        let lines = Lines::default();
        let world = World::new();
        let put = |name: &str| {
            let alarm = format!(
                r#"{{"AlarmName":"{name}","MetricName":"m","Namespace":"n","Statistic":"Sum",
                "Period":60,"EvaluationPeriods":1,"Threshold":1,
                "ComparisonOperator":"GreaterThanThreshold",
                "AlarmActions":["arn:aws:sns:us-east-1:000000000000:gone"]}}"#
            );
            world.check("PutMetricAlarm", &alarm, "");
        };
        let fails = |name: &str| {
            for state in ["OK", "ALARM"] {
                let input = format!(
                    r#"{{"AlarmName":"{name}","StateValue":"{state}","StateReason":"by hand"}}"#
                );
                world.check("SetAlarmState", &input, "");
                world.advance(0);
            }
            lines.0.load(SeqCst)
        };
        put("a");
        put("b");
        with_default(lines.clone(), || {
            assert_eq!([fails("a"), fails("a"), fails("a")], [1, 1, 1]);
            assert_eq!([fails("b"), fails("a"), fails("b")], [2, 2, 2]);
            world.advance(HOUR_MS);
            assert_eq!([fails("a"), fails("a")], [3, 3]);
        });
        let input = r#"{"HistoryItemType":"Action"}"#;
        assert_eq!(world.history(input).len(), 8, "the history has every one");
    }

    #[test]
    fn however_many_fail_an_hour_has_an_end() {
        let mut hour = Hour::default();
        let key = |n: usize| [n.to_string(), String::new(), String::new()];
        for n in 0..limits::ACTIONS_TOLD_MAX {
            assert_eq!(hour.turn(key(n), 0), Turn::Tell, "{n}");
        }
        assert_eq!(hour.turn(key(0), 0), Turn::Known);
        let more = limits::ACTIONS_TOLD_MAX..limits::ACTIONS_TOLD_MAX + 10;
        let more: Vec<_> = more.map(|n| hour.turn(key(n), HOUR_MS - 1)).collect();
        assert_eq!(more[0], Turn::TellEnd);
        assert!(more[1..].iter().all(|turn| *turn == Turn::Known));
        assert_eq!(hour.known.len(), limits::ACTIONS_TOLD_MAX + 1);
        assert_eq!(hour.turn(key(0), HOUR_MS), Turn::Tell);
        assert_eq!(hour.turn(key(0), 0), Turn::Tell, "a clock that was set back is another hour");
    }
}
