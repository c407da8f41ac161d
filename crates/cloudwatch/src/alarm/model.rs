//! What alarms are: their definitions as clients gave them, and their states.
//!
//! What a client left out stays left out, for DescribeAlarms shows it so; methods say what holds then.

use std::collections::BTreeMap;

use nautilus_identity::partition;
use nautilus_metrics::Unit;
use serde::{Deserialize, Serialize};

use crate::metric::{Asked, Dimension, MetricDataQuery, unit};

/// Enumerations by AWS's words, on the wire and in the catalog.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub(crate) enum $name {
            $($(#[$item_doc])* #[serde(rename = $text)] $item,)*
        }

        impl $name {
            /// AWS's words, in the order in which it lists them.
            #[allow(dead_code, reason = "not all of these sets are listed")]
            pub(crate) const WORDS: &'static [&'static str] = &[$($text,)*];

            /// AWS's word.
            pub(crate) const fn text(self) -> &'static str {
                match self { $($name::$item => $text,)* }
            }

            /// What a word means.
            #[allow(dead_code, reason = "not all of these sets are read from clients")]
            pub(crate) fn parse(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$item),)* _ => None }
            }
        }
    };
}

words! {
    /// What an alarm says.
    StateValue {
        InsufficientData = "INSUFFICIENT_DATA",
        Alarm = "ALARM",
        Ok = "OK",
    }
}

words! {
    /// How a value is compared with the threshold; the value is the left operand.
    Comparison {
        GreaterOrEqual = "GreaterThanOrEqualToThreshold",
        Greater = "GreaterThanThreshold",
        Less = "LessThanThreshold",
        LessOrEqual = "LessThanOrEqualToThreshold",
    }
}

impl Comparison {
    /// Whether a value breaches the threshold. NaN breaches none.
    pub(crate) fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Comparison::GreaterOrEqual => value >= threshold,
            Comparison::Greater => value > threshold,
            Comparison::Less => value < threshold,
            Comparison::LessOrEqual => value <= threshold,
        }
    }
}

words! {
    /// TreatMissingData: what a period without samples counts as.
    Missing {
        Breaching = "breaching",
        NotBreaching = "notBreaching",
        Ignore = "ignore",
        /// AWS: `missing`.
        Unfilled = "missing",
    }
}

words! {
    /// EvaluateLowSampleCountPercentile: what is done with a percentile of too few samples.
    LowSamples {
        Evaluate = "evaluate",
        Ignore = "ignore",
    }
}

words! {
    /// The two kinds of alarms, as AWS names them in AlarmTypes and in the history.
    AlarmType {
        Composite = "CompositeAlarm",
        Metric = "MetricAlarm",
    }
}

/// An alarm's state and how it came to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub value: StateValue,
    pub reason: String,
    /// A JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_data: Option<String>,
    /// StateUpdatedTimestamp, Unix ms.
    pub updated_ms: u64,
    /// StateTransitionedTimestamp, Unix ms: when the value last became another one.
    pub transitioned_ms: u64,
}

impl State {
    /// The state of an alarm that was made just now.
    pub(crate) fn unchecked(now_ms: u64) -> State {
        State {
            value: StateValue::InsufficientData,
            reason: "Unchecked: Initial alarm creation".to_owned(),
            reason_data: None,
            updated_ms: now_ms,
            transitioned_ms: now_ms,
        }
    }
}

/// What every alarm has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct About {
    pub account: String,
    pub region: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub actions_enabled: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ok_actions: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarm_actions: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub insufficient_data_actions: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// AlarmConfigurationUpdatedTimestamp, Unix ms.
    pub configured_ms: u64,
    pub state: State,
}

impl About {
    /// `arn:aws:cloudwatch:<region>:<account>:alarm:<name>`
    pub(crate) fn arn(&self) -> String {
        alarm_arn(&self.account, &self.region, &self.name)
    }

    /// What is to be done when the alarm comes to this state, whether or not actions are enabled.
    pub(crate) fn actions(&self, state: StateValue) -> &[String] {
        match state {
            StateValue::Ok => &self.ok_actions,
            StateValue::Alarm => &self.alarm_actions,
            StateValue::InsufficientData => &self.insufficient_data_actions,
        }
    }
}

/// The ARN of an alarm of either kind, in the partition of the region: they share one set of names.
pub(crate) fn alarm_arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:{}:cloudwatch:{region}:{account}:alarm:{name}", partition(region))
}

/// What a metric alarm watches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Watched {
    /// One statistic of one metric.
    Metric(WatchedMetric),
    /// Queries, of which one returns data: that is watched.
    Queries(Vec<MetricDataQuery>),
}

/// The one metric that an alarm watches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WatchedMetric {
    pub namespace: String,
    pub name: String,
    /// In the client's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<Dimension>,
    pub statistic: WatchedStatistic,
    /// In seconds.
    pub period_s: u32,
    #[serde(default, with = "unit", skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

/// Statistic or ExtendedStatistic, as it was given; `nautilus_stats::Statistic::parse` knows the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WatchedStatistic {
    Simple(String),
    Extended(String),
}

impl WatchedStatistic {
    pub(crate) fn text(&self) -> &str {
        let (WatchedStatistic::Simple(text) | WatchedStatistic::Extended(text)) = self;
        text
    }
}

/// An alarm on a metric or on metric math.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetricAlarm {
    #[serde(flatten)]
    pub about: About,
    pub watched: Watched,
    /// N: how many of the newest periods are looked at.
    pub evaluation_periods: u32,
    /// M: how many of them have to breach; all, if it was not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datapoints_to_alarm: Option<u32>,
    pub threshold: f64,
    pub comparison: Comparison,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub treat_missing_data: Option<Missing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_samples: Option<LowSamples>,
}

impl MetricAlarm {
    /// The length of a period, in seconds. Of queries, that of the one which is watched: its own, else the longest of
    /// the metrics beside it.
    pub(crate) fn period_s(&self) -> u32 {
        match &self.watched {
            Watched::Metric(metric) => metric.period_s,
            Watched::Queries(queries) => {
                let watched = queries.iter().find(|query| query.returns_data());
                let own = watched.and_then(|query| match &query.asked {
                    Asked::Stat(stat) => Some(stat.period_s),
                    Asked::Expression { period_s, .. } => *period_s,
                });
                let longest = queries.iter().filter_map(|query| match &query.asked {
                    Asked::Stat(stat) => Some(stat.period_s),
                    Asked::Expression { period_s, .. } => *period_s,
                });
                own.or(longest.max()).unwrap_or(60).max(1)
            }
        }
    }

    /// M: how many of the looked-at periods have to breach.
    pub(crate) fn to_alarm(&self) -> u32 {
        self.datapoints_to_alarm.unwrap_or(self.evaluation_periods)
    }

    /// What holds for periods without samples.
    pub(crate) fn missing(&self) -> Missing {
        self.treat_missing_data.unwrap_or(Missing::Unfilled)
    }

    /// What is watched if it is a statistic that needs to know where samples lie.
    pub(crate) fn extended_statistic(&self) -> Option<&str> {
        match &self.watched {
            Watched::Metric(WatchedMetric {
                statistic: WatchedStatistic::Extended(text), ..
            }) => Some(text),
            _ => None,
        }
    }
}

/// An alarm on other alarms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CompositeAlarm {
    #[serde(flatten)]
    pub about: About,
    /// The rule to the letter; `rule::Rule::parse` reads it.
    pub rule: String,
    /// Name or ARN of the alarm that keeps actions from being done, as it was given. Kept and shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressor_wait_s: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressor_extension_s: Option<u32>,
}

/// An alarm of either kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum Alarm {
    #[serde(rename = "MetricAlarm")]
    Metric(MetricAlarm),
    #[serde(rename = "CompositeAlarm")]
    Composite(CompositeAlarm),
}

impl Alarm {
    pub(crate) fn about(&self) -> &About {
        match self {
            Alarm::Metric(alarm) => &alarm.about,
            Alarm::Composite(alarm) => &alarm.about,
        }
    }

    pub(crate) fn about_mut(&mut self) -> &mut About {
        match self {
            Alarm::Metric(alarm) => &mut alarm.about,
            Alarm::Composite(alarm) => &mut alarm.about,
        }
    }

    pub(crate) fn kind(&self) -> AlarmType {
        match self {
            Alarm::Metric(_) => AlarmType::Metric,
            Alarm::Composite(_) => AlarmType::Composite,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::metric::{Metric, MetricStat};

    /// An alarm of the account 000000000000 in us-east-1: readers that are more than a minute late.
    pub(crate) fn metric_alarm() -> MetricAlarm {
        MetricAlarm {
            about: about("late-readers"),
            watched: Watched::Metric(WatchedMetric {
                namespace: "AWS/Kinesis".to_owned(),
                name: "GetRecords.IteratorAgeMilliseconds".to_owned(),
                dimensions: vec![Dimension {
                    name: "StreamName".to_owned(),
                    value: "s".to_owned(),
                }],
                statistic: WatchedStatistic::Simple("Maximum".to_owned()),
                period_s: 60,
                unit: None,
            }),
            evaluation_periods: 1,
            datapoints_to_alarm: None,
            threshold: 60_000.0,
            comparison: Comparison::Greater,
            treat_missing_data: None,
            low_samples: None,
        }
    }

    pub(crate) fn about(name: &str) -> About {
        About {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            name: name.to_owned(),
            description: None,
            actions_enabled: true,
            ok_actions: Vec::new(),
            alarm_actions: vec!["arn:aws:sns:us-east-1:000000000000:alarms".to_owned()],
            insufficient_data_actions: Vec::new(),
            tags: BTreeMap::new(),
            configured_ms: 1_772_099_000_000,
            state: State::unchecked(1_772_099_000_000),
        }
    }

    #[test]
    fn what_was_left_out_stays_left_out_in_the_catalog() {
        let alarm = Alarm::Metric(metric_alarm());
        let row = serde_json::to_string(&alarm).expect("rows are JSON");
        assert_eq!(serde_json::from_str::<Alarm>(&row).expect("a row"), alarm);
        for absent in ["treat_missing_data", "datapoints_to_alarm", "low_samples", "unit", "tags"] {
            assert!(!row.contains(absent), "{row}");
        }
        assert!(row.contains(r#""type":"MetricAlarm""#), "{row}");
    }

    #[test]
    fn all_that_may_be_given_is_kept() {
        let mut alarm = metric_alarm();
        alarm.about.description = Some(String::new());
        alarm.about.tags.insert("team".to_owned(), "a".to_owned());
        alarm.datapoints_to_alarm = Some(1);
        alarm.threshold = 0.1 + 0.2;
        alarm.treat_missing_data = Some(Missing::NotBreaching);
        alarm.low_samples = Some(LowSamples::Ignore);
        let metric =
            Metric { namespace: "Own".to_owned(), name: "m".to_owned(), dimensions: Vec::new() };
        let stat = MetricStat {
            metric,
            period_s: 300,
            stat: "p99".to_owned(),
            unit: Some(Unit::BytesPerSecond),
        };
        let query = |id: &str, asked, return_data| MetricDataQuery {
            id: id.to_owned(),
            asked,
            label: None,
            return_data,
            account_id: None,
        };
        let expression = Asked::Expression { text: "m1 * 2".to_owned(), period_s: None };
        alarm.watched = Watched::Queries(vec![
            query("e1", expression, None),
            query("m1", Asked::Stat(stat), Some(false)),
        ]);
        assert_eq!(alarm.period_s(), 300, "as long as what it is made of");
        let alarm = Alarm::Metric(alarm);
        let row = serde_json::to_string(&alarm).expect("rows are JSON");
        assert_eq!(serde_json::from_str::<Alarm>(&row).expect("a row"), alarm);

        let alarm = Alarm::Composite(CompositeAlarm {
            about: about("all"),
            rule: "ALARM(late-readers)".to_owned(),
            suppressor: Some("quiet".to_owned()),
            suppressor_wait_s: Some(60),
            suppressor_extension_s: Some(0),
        });
        let row = serde_json::to_string(&alarm).expect("rows are JSON");
        assert_eq!(serde_json::from_str::<Alarm>(&row).expect("a row"), alarm);
        assert_eq!(alarm.kind(), AlarmType::Composite);
    }

    #[test]
    fn actions_are_those_of_the_state() {
        let about = about("a");
        assert_eq!(about.arn(), "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a");
        assert!(alarm_arn("0", "cn-north-1", "a").starts_with("arn:aws-cn:"));
        assert_eq!(about.actions(StateValue::Alarm).len(), 1);
        assert!(about.actions(StateValue::Ok).is_empty());
        assert!(about.actions(StateValue::InsufficientData).is_empty());
    }
}
