//! The constraints of CloudWatch's service model, by member. Sets of words stand beside the words.

use nautilus_wire::rules::{IntegerRule, LengthRule, StringRule};

pub(crate) const ALARM_NAME: StringRule = StringRule::length(1, 255);
pub(crate) const ALARM_NAMES: LengthRule = LengthRule::new(0, 100);
pub(crate) const ALARM_DESCRIPTION: StringRule = StringRule::length(0, 1024);
pub(crate) const ALARM_RULE: StringRule = StringRule::length(1, 10_240);
pub(crate) const ALARM_NAME_OR_ARN: StringRule = StringRule::length(1, 1600);
/// An action, and a prefix of one.
pub(crate) const ACTION: StringRule = StringRule::length(1, 1024);
pub(crate) const ACTIONS: LengthRule = LengthRule::new(0, 5);
/// TreatMissingData and EvaluateLowSampleCountPercentile: no set of words in the model.
pub(crate) const TREATMENT: StringRule = StringRule::length(1, 255);
/// Period, EvaluationPeriods, DatapointsToAlarm.
pub(crate) const AT_LEAST_ONE: IntegerRule = IntegerRule::integer(1, i32::MAX as i64);
pub(crate) const ANY_INTEGER: IntegerRule = IntegerRule::integer(i32::MIN as i64, i32::MAX as i64);
pub(crate) const MAX_RECORDS: IntegerRule = IntegerRule::integer(1, 100);

pub(crate) const METRIC_NAME: StringRule = StringRule::length(1, 255);
pub(crate) const NAMESPACE: StringRule =
    StringRule::length(1, 255).pattern("[^:].*", |text| !text.is_empty() && !text.starts_with(':'));
pub(crate) const DIMENSIONS: LengthRule = LengthRule::new(0, 30);
pub(crate) const DIMENSION_NAME: StringRule = StringRule::length(1, 255);
pub(crate) const DIMENSION_VALUE: StringRule = StringRule::length(1, 1024);
pub(crate) const UNIT: StringRule = StringRule::one_of(nautilus_metrics::Unit::NAMES);
pub(crate) const STATISTIC: StringRule =
    StringRule::one_of(&["SampleCount", "Average", "Sum", "Minimum", "Maximum"]);
/// Id, AccountId and others of a query.
pub(crate) const QUERY_NAME: StringRule = StringRule::length(1, 255);
pub(crate) const EXPRESSION: StringRule = StringRule::length(1, 2048);

pub(crate) const STATE_REASON: StringRule = StringRule::length(0, 1023);
pub(crate) const STATE_REASON_DATA: StringRule = StringRule::length(0, 4000);
pub(crate) const RESOURCE_ARN: StringRule = StringRule::length(1, 1024);
pub(crate) const TAG_KEY: StringRule = StringRule::length(1, 128);
pub(crate) const TAG_VALUE: StringRule = StringRule::length(0, 256);
