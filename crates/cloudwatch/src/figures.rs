//! What this room says of itself to whoever watches the server.

pub use nautilus_metrics::Figures as StoreFigures;

use crate::{alarm::model::StateValue, cloudwatch::CloudWatch};

/// The room's figures at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Alarms of all accounts and regions by state, each state once, by AWS's name.
    pub alarms: Vec<(&'static str, u64)>,
    /// Changes of states whose actions are not done.
    pub actions_waiting: u64,
    /// The metric store's.
    pub store: StoreFigures,
    /// Metrics of this server whose sums since the start are not kept, because there are too many.
    pub totals_left_out: u64,
}

impl CloudWatch {
    /// Looks at everything: takes as long as there are alarms, and never waits.
    pub fn figures(&self) -> Figures {
        let inner = self.inner();
        let snapshot = inner.catalog.snapshot();
        let mut alarms: Vec<_> = StateValue::WORDS.iter().map(|state| (*state, 0)).collect();
        for alarm in snapshot.regions().flat_map(|region| region.alarms().values()) {
            let state = alarm.about().state.value.text();
            alarms.iter_mut().filter(|(name, _)| *name == state).for_each(|(_, count)| *count += 1);
        }
        Figures {
            alarms,
            actions_waiting: snapshot.pending().count() as u64,
            store: inner.metrics.figures(),
            totals_left_out: inner.totals.left_out(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn alarms_are_told_by_state() {
        let world = World::new();
        for name in ["a", "b", "c"] {
            let alarm = format!(
                r#"{{"AlarmName":"{name}","MetricName":"m","Namespace":"n","Period":60,"Statistic":"Sum",
                    "EvaluationPeriods":1,"Threshold":1,"ComparisonOperator":"GreaterThanThreshold"}}"#
            );
            world.check("PutMetricAlarm", &alarm, "");
        }
        for name in ["a", "b"] {
            let state =
                format!(r#"{{"AlarmName":"{name}","StateValue":"ALARM","StateReason":"r"}}"#);
            world.check("SetAlarmState", &state, "");
        }
        let mut alarms = world.room().figures().alarms;
        alarms.sort_unstable();
        assert_eq!(alarms, [("ALARM", 2), ("INSUFFICIENT_DATA", 1), ("OK", 0)]);
    }
}
