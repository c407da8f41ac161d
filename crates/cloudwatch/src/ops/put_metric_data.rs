//! PutMetricData: stores samples of a client's own metrics.
//!
//! Nothing is stored unless all of it is right. Only where the server can keep no more metrics, new ones are left out and
//! the others are stored.
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>
//! Not as AWS: the entities that metrics may be associated with are not kept; their metrics are.

use std::{borrow::Cow, sync::Arc};

use nautilus_metrics::{Distribution, Resolution, Sample, Series, Unit};
use nautilus_wire::{
    Members,
    rules::{IntegerRule, LengthRule},
};

use nautilus_wire::Done;

use super::ANY_RESOURCE;
use crate::{
    alarm::text::Double,
    cloudwatch::{Ctx, Request},
    error::Error,
    limits,
    metric::{self, Dimension},
    rules,
};

/// Metrics of services; nobody puts those.
const RESERVED: &str = "AWS/";

#[derive(Debug)]
pub(crate) struct Input<'a> {
    namespace: Cow<'a, str>,
    /// With where each list stands.
    data: Vec<(String, Vec<Datum<'a>>)>,
}

#[derive(Debug)]
struct Datum<'a> {
    name: Cow<'a, str>,
    dimensions: Vec<Dimension>,
    at_ms: Option<i64>,
    value: Option<f64>,
    set: Option<StatisticSet>,
    values: Option<Vec<f64>>,
    counts: Option<Vec<f64>>,
    unit: Unit,
    resolution_s: Option<i64>,
}

#[derive(Debug, Default, Clone, Copy)]
struct StatisticSet {
    count: f64,
    sum: f64,
    min: f64,
    max: f64,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        let namespace = members.required_string("Namespace", &rules::NAMESPACE);
        let data = members.list("MetricData", &LengthRule::ANY, Datum::read);
        let mut data: Vec<_> =
            data.into_iter().map(|data| ("MetricData".to_owned(), data)).collect();
        let of_entities = members.list("EntityMetricData", &LengthRule::ANY, |members| {
            members.list("MetricData", &LengthRule::ANY, Datum::read)
        });
        for (at, of_entity) in of_entities.into_iter().flatten().enumerate() {
            let path = format!("EntityMetricData.member.{}.MetricData", at + 1);
            data.push((path, of_entity.unwrap_or_default()));
        }
        members.boolean("StrictEntityValidation");
        Input { namespace, data }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(ANY_RESOURCE.to_owned())
    }
}

impl<'a> Datum<'a> {
    fn read(members: &mut Members<'a>) -> Datum<'a> {
        Datum {
            name: members.required_string("MetricName", &rules::METRIC_NAME),
            dimensions: metric::read_dimensions(members).unwrap_or_default(),
            at_ms: members.timestamp_ms("Timestamp"),
            value: members.double("Value"),
            set: members.structure("StatisticValues", |members| StatisticSet {
                count: members.required_double("SampleCount"),
                sum: members.required_double("Sum"),
                min: members.required_double("Minimum"),
                max: members.required_double("Maximum"),
            }),
            values: members.doubles("Values", &LengthRule::ANY),
            counts: members.doubles("Counts", &LengthRule::ANY),
            unit: metric::read_unit(members).unwrap_or_default(),
            resolution_s: members.integer("StorageResolution", &STORAGE_RESOLUTION),
        }
    }
}

const STORAGE_RESOLUTION: IntegerRule = IntegerRule::integer(1, i32::MAX as i64);

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let samples = samples(ctx, input)?;
    if !samples.is_empty() {
        ctx.inner.metrics.put(samples).await?;
    }
    Ok(Done)
}

fn samples(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Vec<Sample>, Error> {
    let namespace = input.namespace;
    if namespace.starts_with(RESERVED) {
        return Err(invalid(RESERVED, "Namespace"));
    }
    if namespace.chars().any(char::is_control) {
        return Err(invalid(&namespace, "Namespace"));
    }
    let count: usize = input.data.iter().map(|(_, data)| data.len()).sum();
    if count == 0 {
        return Err(Error::MissingParameter("The parameter MetricData is required.".to_owned()));
    }
    if count > limits::PUT_DATUMS_MAX {
        return Err(too_large("MetricData", limits::PUT_DATUMS_MAX));
    }
    let put = Put {
        account: ctx.caller.account.as_str().into(),
        region: ctx.caller.region.as_str().into(),
        namespace: (*namespace).into(),
        now_ms: i64::try_from(ctx.inner.now_ms()).unwrap_or(i64::MAX),
    };
    let mut samples = Vec::with_capacity(count);
    for (path, data) in input.data {
        for (at, datum) in data.into_iter().enumerate() {
            samples.extend(put.sample(datum, &format!("{path}.member.{}", at + 1))?);
        }
    }
    Ok(samples)
}

/// What all data of a call have in common.
struct Put {
    account: Arc<str>,
    region: Arc<str>,
    namespace: Arc<str>,
    now_ms: i64,
}

impl Put {
    /// What a datum says; `None` if that is nothing: it counts no sample.
    fn sample(&self, datum: Datum<'_>, path: &str) -> Result<Option<Sample>, Error> {
        if datum.name.chars().any(char::is_control) {
            return Err(invalid(&datum.name, &format!("{path}.MetricName")));
        }
        let resolution = match datum.resolution_s {
            None | Some(60) => Resolution::Minute,
            Some(1) => Resolution::Second,
            Some(other) => {
                return Err(invalid(&other.to_string(), &format!("{path}.StorageResolution")));
            }
        };
        let at_ms = self.at_ms(datum.at_ms, path)?;
        let dimensions = sorted(&datum.dimensions, path)?;
        let distribution = datum.distribution(path)?;
        let series = Series {
            account: self.account.clone(),
            region: self.region.clone(),
            namespace: self.namespace.clone(),
            name: (*datum.name).into(),
            dimensions,
            unit: datum.unit,
        };
        Ok(distribution.map(|distribution| Sample { series, at_ms, resolution, distribution }))
    }

    fn at_ms(&self, given: Option<i64>, path: &str) -> Result<u64, Error> {
        let at_ms = given.unwrap_or(self.now_ms);
        if at_ms < self.now_ms.saturating_sub(limits::PUT_BACK_MS) {
            return Err(Error::InvalidParameterValue(format!(
                "The parameter {path}.Timestamp must specify a time within the past two weeks."
            )));
        }
        if at_ms > self.now_ms.saturating_add(limits::PUT_AHEAD_MS) {
            return Err(Error::InvalidParameterValue(format!(
                "The parameter {path}.Timestamp must specify a time no more than two hours in the future."
            )));
        }
        Ok(u64::try_from(at_ms).unwrap_or_default())
    }
}

impl Datum<'_> {
    fn distribution(&self, path: &str) -> Result<Option<Distribution>, Error> {
        let values = self.values.as_deref().filter(|values| !values.is_empty());
        let given = [
            ("Value", self.value.is_some()),
            ("Values", values.is_some()),
            ("StatisticValues", self.set.is_some()),
        ];
        let mut given = given.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name);
        match (given.next(), given.next()) {
            (Some(first), Some(second)) => {
                return Err(Error::InvalidParameterCombination(format!(
                    "The parameters {path}.{first} and {path}.{second} are mutually exclusive and you have specified both."
                )));
            }
            (None, _) => {
                return Err(Error::InvalidParameterCombination(format!(
                    "At least one of the parameters {path}.Value, {path}.Values and {path}.StatisticValues must be specified."
                )));
            }
            (Some(_), None) => {}
        }
        if let Some(counts) = &self.counts
            && counts.len() != values.map_or(0, <[f64]>::len)
        {
            return Err(Error::InvalidParameterValue(format!(
                "The parameters {path}.Values and {path}.Counts must be of the same size."
            )));
        }
        if let Some(set) = self.set {
            return set.distribution(path);
        }
        if let Some(value) = self.value {
            check_value(value, path, "Value")?;
            return Ok(Some(Distribution::of(value, 1.0)));
        }
        let values = values.unwrap_or_default();
        if values.len() > limits::PUT_VALUES_MAX {
            return Err(too_large(&format!("{path}.Values"), limits::PUT_VALUES_MAX));
        }
        let mut distribution: Option<Distribution> = None;
        for (at, value) in values.iter().enumerate() {
            let count =
                self.counts.as_ref().and_then(|counts| counts.get(at)).map_or(1.0, |at| *at);
            check_value(*value, path, &format!("Values.member.{}", at + 1))?;
            check_count(count, path, &format!("Counts.member.{}", at + 1))?;
            match &mut distribution {
                _ if count == 0.0 => {}
                Some(distribution) => distribution.record(*value, count),
                none => *none = Some(Distribution::of(*value, count)),
            }
        }
        Ok(distribution)
    }
}

impl StatisticSet {
    fn distribution(self, path: &str) -> Result<Option<Distribution>, Error> {
        let StatisticSet { count, sum, min, max } = self;
        check_count(count, path, "StatisticValues.SampleCount")?;
        check_value(sum, path, "StatisticValues.Sum")?;
        check_value(min, path, "StatisticValues.Minimum")?;
        check_value(max, path, "StatisticValues.Maximum")?;
        if max < min {
            return Err(Error::InvalidParameterValue(format!(
                "The parameter {path}.StatisticValues.Maximum must be greater than {path}.StatisticValues.Minimum."
            )));
        }
        Ok((count > 0.0).then(|| Distribution::of_set(count, sum, min, max)))
    }
}

/// AWS takes -2^360 to 2^360.
fn check_value(value: f64, path: &str, name: &str) -> Result<(), Error> {
    match value.abs() <= limits::PUT_VALUE_MAX {
        true => Ok(()),
        false => Err(invalid(&Double(value).to_string(), &format!("{path}.{name}"))),
    }
}

fn check_count(count: f64, path: &str, name: &str) -> Result<(), Error> {
    match (0.0..=limits::PUT_VALUE_MAX).contains(&count) {
        true => Ok(()),
        false => Err(invalid(&Double(count).to_string(), &format!("{path}.{name}"))),
    }
}

/// The dimensions in the order of their names. A name comes once, and both parts are printable ASCII with something to see.
fn sorted(dimensions: &[Dimension], path: &str) -> Result<Vec<nautilus_metrics::Dimension>, Error> {
    for (at, Dimension { name, value }) in dimensions.iter().enumerate() {
        let path = format!("{path}.Dimensions.member.{}", at + 1);
        if !is_visible_ascii(name) || name.starts_with(':') {
            return Err(invalid(name, &format!("{path}.Name")));
        }
        if !is_visible_ascii(value) {
            return Err(invalid(value, &format!("{path}.Value")));
        }
    }
    let sorted = metric::sorted(dimensions);
    match sorted.iter().zip(sorted.iter().skip(1)).find(|(one, next)| one.name == next.name) {
        None => Ok(sorted),
        Some((twice, _)) => Err(Error::InvalidParameterValue(format!(
            "The parameter {path}.Dimensions must not have the name {} twice.",
            twice.name
        ))),
    }
}

fn is_visible_ascii(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.trim().is_empty()
}

fn invalid(value: &str, parameter: &str) -> Error {
    Error::InvalidParameterValue(format!("The value {value} for parameter {parameter} is invalid."))
}

fn too_large(collection: &str, max: usize) -> Error {
    Error::InvalidParameterValue(format!(
        "The collection {collection} must not have a size greater than {max}."
    ))
}

#[cfg(test)]
mod tests;
