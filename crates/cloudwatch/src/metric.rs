//! Metrics as clients name them: in a definition of an alarm, in a query.

use std::borrow::Cow;

use nautilus_metrics::Unit;
use nautilus_stats::Statistic;
use nautilus_wire::{
    Members,
    rules::{LengthRule, StringRule},
};
use serde::{Deserialize, Serialize};

use crate::{error::Error, rules};

/// A dimension of a metric.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Dimension {
    pub name: String,
    pub value: String,
}

/// A metric by its whole name. The dimensions stand as the client gave them, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Metric {
    pub namespace: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<Dimension>,
}

/// A statistic of a metric, by periods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MetricStat {
    pub metric: Metric,
    /// In seconds.
    pub period_s: u32,
    /// AWS's name of the statistic, simple or extended, as it was given; `nautilus_stats::Statistic::parse` knows it.
    pub stat: String,
    /// Only samples of this unit; otherwise of any.
    #[serde(default, with = "unit", skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

/// What a query asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Asked {
    Stat(MetricStat),
    Expression {
        text: String,
        /// In seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        period_s: Option<u32>,
    },
}

/// One query of GetMetricData or of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MetricDataQuery {
    pub id: String,
    pub asked: Asked,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Absent as it was given; AWS takes true then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_data: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
}

impl MetricDataQuery {
    pub(crate) fn returns_data(&self) -> bool {
        self.return_data.unwrap_or(true)
    }
}

/// Units as text, for serde.
pub(crate) mod unit {
    use nautilus_metrics::Unit;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(unit: &Option<Unit>, to: S) -> Result<S::Ok, S::Error> {
        unit.map(Unit::text).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Unit>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
        match Unit::parse(&text) {
            Some(unit) => Ok(Some(unit)),
            None => Err(D::Error::custom(format!("'{text}' is no unit"))),
        }
    }
}

/// Reads the member `Dimensions`.
pub(crate) fn read_dimensions(members: &mut Members<'_>) -> Option<Vec<Dimension>> {
    members.list("Dimensions", &rules::DIMENSIONS, |members| Dimension {
        name: members.required_string("Name", &rules::DIMENSION_NAME).into_owned(),
        value: members.required_string("Value", &rules::DIMENSION_VALUE).into_owned(),
    })
}

/// The dimensions as the store has them: in the order of their names.
pub(crate) fn sorted(dimensions: &[Dimension]) -> Vec<nautilus_metrics::Dimension> {
    let dimensions = dimensions.iter().map(|Dimension { name, value }| {
        let (name, value) = (name.as_str().into(), value.as_str().into());
        nautilus_metrics::Dimension { name, value }
    });
    let mut dimensions: Vec<_> = dimensions.collect();
    dimensions.sort();
    dimensions
}

/// Reads the member `Unit`.
pub(crate) fn read_unit(members: &mut Members<'_>) -> Option<Unit> {
    Unit::parse(&members.string("Unit", &rules::UNIT)?)
}

/// A query as it was given: what does not go together is not checked yet.
#[derive(Debug)]
pub(crate) struct GivenQuery {
    pub id: String,
    pub stat: Option<GivenStat>,
    pub expression: Option<String>,
    pub label: Option<String>,
    pub return_data: Option<bool>,
    pub period_s: Option<u32>,
    pub account_id: Option<String>,
}

/// A MetricStat; the model lets a metric be without namespace or name.
#[derive(Debug)]
pub(crate) struct GivenStat {
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub dimensions: Vec<Dimension>,
    pub period_s: u32,
    pub stat: String,
    pub unit: Option<Unit>,
}

/// Reads a list of queries: `MetricDataQueries` or `Metrics`.
pub(crate) fn read_queries(
    members: &mut Members<'_>,
    name: &'static str,
    rule: &LengthRule,
) -> Option<Vec<GivenQuery>> {
    members.list(name, rule, |members| GivenQuery {
        id: members.required_string("Id", &rules::QUERY_NAME).into_owned(),
        stat: members.structure("MetricStat", read_stat),
        expression: owned(members.string("Expression", &rules::EXPRESSION)),
        label: owned(members.string("Label", &StringRule::ANY)),
        return_data: members.boolean("ReturnData"),
        period_s: members.integer("Period", &rules::AT_LEAST_ONE).map(small),
        account_id: owned(members.string("AccountId", &rules::QUERY_NAME)),
    })
}

fn read_stat(members: &mut Members<'_>) -> GivenStat {
    let metric = members.required_structure("Metric", |members| {
        let namespace = owned(members.string("Namespace", &rules::NAMESPACE));
        let name = owned(members.string("MetricName", &rules::METRIC_NAME));
        (namespace, name, read_dimensions(members))
    });
    let (namespace, name, dimensions) = metric.unwrap_or_default();
    GivenStat {
        namespace,
        name,
        dimensions: dimensions.unwrap_or_default(),
        period_s: small(members.required_integer("Period", &rules::AT_LEAST_ONE)),
        stat: members.required_string("Stat", &StringRule::ANY).into_owned(),
        unit: read_unit(members),
    }
}

/// An integer that its rule keeps within 1 and 2^31.
pub(crate) fn small(value: i64) -> u32 {
    u32::try_from(value).unwrap_or_default()
}

fn owned(text: Option<Cow<'_, str>>) -> Option<String> {
    text.map(Cow::into_owned)
}

impl GivenQuery {
    /// The query, if it asks for exactly one thing and names it whole. `path` is where it stands: `Metrics.member.1`.
    pub(crate) fn check(self, path: &str) -> Result<MetricDataQuery, Error> {
        let GivenQuery { id, stat, expression, label, return_data, period_s, account_id } = self;
        let asked = match (stat, expression) {
            (Some(stat), None) if period_s.is_none() => Asked::Stat(stat.check(path)?),
            (Some(_), None) => {
                return Err(Error::Validation(format!(
                    "Period must not be set if MetricStat is set in {path}: it stands in MetricStat."
                )));
            }
            (None, Some(text)) => Asked::Expression { text, period_s },
            (None, None) | (Some(_), Some(_)) => {
                return Err(Error::Validation(format!(
                    "Exactly one of MetricStat or Expression must be set in {path}."
                )));
            }
        };
        Ok(MetricDataQuery { id, asked, label, return_data, account_id })
    }
}

impl GivenStat {
    fn check(self, path: &str) -> Result<MetricStat, Error> {
        let GivenStat { namespace, name, dimensions, period_s, stat, unit } = self;
        let missing = |member: &str| {
            Error::MissingParameter(format!(
                "The parameter {path}.MetricStat.Metric.{member} is required."
            ))
        };
        let namespace = namespace.ok_or_else(|| missing("Namespace"))?;
        let name = name.ok_or_else(|| missing("MetricName"))?;
        if Statistic::parse(&stat).is_none() {
            return Err(Error::InvalidParameterValue(format!(
                "The value {stat:.64} for parameter {path}.MetricStat.Stat is not supported."
            )));
        }
        Ok(MetricStat { metric: Metric { namespace, name, dimensions }, period_s, stat, unit })
    }
}
