//! DescribeAlarms: alarms of both kinds by name, by state, by action, or by how they are related; metric alarms by
//! default.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>

use std::{
    collections::BTreeSet,
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};

use nautilus_wire::{
    Members, Output as WireOutput, Writer,
    rules::{LengthRule, StringRule},
};

use crate::{
    alarm::{
        composite,
        describe::{Described, Related},
        model::{Alarm, AlarmType, StateValue, alarm_arn},
    },
    catalog::Region,
    cloudwatch::{Ctx, Request},
    error::Error,
    limits, rules, token,
};

/// What its tokens are of.
const LIST: &str = "alarms";

#[derive(Debug)]
pub(crate) struct Input {
    names: Option<BTreeSet<String>>,
    name_prefix: Option<String>,
    types: Option<Vec<String>>,
    children_of: Option<String>,
    parents_of: Option<String>,
    state: Option<String>,
    action_prefix: Option<String>,
    max_records: Option<i64>,
    next_token: Option<String>,
}

impl Input {
    pub(crate) fn read(members: &mut Members<'_>) -> Input {
        const TYPE: StringRule = StringRule::one_of(AlarmType::WORDS);
        const STATE: StringRule = StringRule::one_of(StateValue::WORDS);
        let text = |members: &mut Members<'_>, name, rule: &StringRule| {
            members.string(name, rule).map(|text| text.into_owned())
        };
        let names = members.strings("AlarmNames", &rules::ALARM_NAMES, &rules::ALARM_NAME);
        let names = names.filter(|names| !names.is_empty());
        Input {
            names: names.map(|names| names.into_iter().map(|name| name.into_owned()).collect()),
            name_prefix: text(members, "AlarmNamePrefix", &rules::ALARM_NAME),
            types: members
                .strings("AlarmTypes", &LengthRule::ANY, &TYPE)
                .map(|types| types.into_iter().map(|one| one.into_owned()).collect()),
            children_of: text(members, "ChildrenOfAlarmName", &rules::ALARM_NAME),
            parents_of: text(members, "ParentsOfAlarmName", &rules::ALARM_NAME),
            state: text(members, "StateValue", &STATE),
            action_prefix: text(members, "ActionPrefix", &rules::ACTION),
            max_records: members.integer("MaxRecords", &rules::MAX_RECORDS),
            next_token: text(members, "NextToken", &StringRule::ANY),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(alarm_arn(&request.caller.account, &request.caller.region, "*"))
    }

    /// Filters that do not go together.
    fn check(&self) -> Result<(), Error> {
        if self.names.is_some() && self.name_prefix.is_some() {
            return Err(Error::InvalidParameterCombination(
                "The parameters AlarmNames and AlarmNamePrefix are mutually exclusive and you have \
                 specified both."
                    .to_owned(),
            ));
        }
        let relation = match (&self.children_of, &self.parents_of) {
            (None, None) => return Ok(()),
            (Some(_), _) => "ChildrenOfAlarmName",
            (None, Some(_)) => "ParentsOfAlarmName",
        };
        let others = [
            self.children_of.is_some() && self.parents_of.is_some(),
            self.names.is_some(),
            self.name_prefix.is_some(),
            self.types.is_some(),
            self.state.is_some(),
            self.action_prefix.is_some(),
        ];
        match others.contains(&true) {
            false => Ok(()),
            true => Err(Error::Validation(format!(
                "If {relation} is set, no other parameters but MaxRecords and NextToken can be set"
            ))),
        }
    }

    fn admits(&self, alarm: &Alarm) -> bool {
        let about = alarm.about();
        let kind = alarm.kind().text();
        let is_of_type = match self.types.as_deref() {
            None | Some([]) => alarm.kind() == AlarmType::Metric,
            Some(types) => types.iter().any(|one| one == kind),
        };
        let mut actions = about
            .ok_actions
            .iter()
            .chain(&about.alarm_actions)
            .chain(&about.insufficient_data_actions);
        is_of_type
            && self.name_prefix.as_ref().is_none_or(|prefix| about.name.starts_with(prefix))
            && self.state.as_ref().is_none_or(|state| state == about.state.value.text())
            && self
                .action_prefix
                .as_ref()
                .is_none_or(|prefix| actions.any(|action| action.starts_with(prefix)))
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    alarms: Vec<Arc<Alarm>>,
    /// Only how they are related was asked.
    is_brief: bool,
    next_token: Option<String>,
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            for (member, kind) in
                [("MetricAlarms", AlarmType::Metric), ("CompositeAlarms", AlarmType::Composite)]
            {
                let alarms = self.alarms.iter().filter(|alarm| alarm.kind() == kind);
                w.field_list(member, alarms, |w, alarm| match self.is_brief {
                    true => Related(alarm).write(w),
                    false => Described(alarm).write(w),
                });
            }
            w.field_list("LogAlarms", [(); 0], |_, ()| {});
            if let Some(token) = &self.next_token {
                w.field_str("NextToken", token);
            }
        });
    }

    fn bytes_hint(&self) -> usize {
        256 + self.alarms.len() * 1024
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input) -> Result<Output, Error> {
    input.check()?;
    let after = match &input.next_token {
        Some(token) => Some(token::open::<1>(LIST, token)?),
        None => None,
    };
    let after = after.as_ref().map_or("", |[name]| name);
    let default =
        limits::DESCRIBE_ALARMS_DEFAULT.max(input.names.as_ref().map_or(0, BTreeSet::len));
    let count =
        input.max_records.map_or(default, |count| usize::try_from(count).unwrap_or(default));
    let is_brief = input.children_of.is_some() || input.parents_of.is_some();

    let snapshot = ctx.inner.catalog.snapshot();
    let region = snapshot.region(&ctx.caller.account, &ctx.caller.region);
    let mut alarms = region.map_or_else(Vec::new, |region| page(&input, region, after, count + 1));
    let next_token = (alarms.len() > count).then(|| {
        alarms.truncate(count);
        let last = alarms.last().map_or("", |alarm| &alarm.about().name);
        token::make(LIST, &[last])
    });
    Ok(Output { alarms, is_brief, next_token })
}

/// The first `count` alarms that are asked for, by name, behind a name.
fn page(input: &Input, region: &Region, after: &str, count: usize) -> Vec<Arc<Alarm>> {
    let named = |names: Vec<Arc<str>>| -> Vec<Arc<Alarm>> {
        let names: BTreeSet<Arc<str>> = names.into_iter().collect();
        let behind = names.range::<str, _>((Excluded(after), Unbounded));
        behind.filter_map(|name| region.alarm(name)).take(count).cloned().collect()
    };
    if let Some(name) = &input.children_of {
        let children = region.alarm(name).map(|alarm| composite::children(alarm));
        return named(children.unwrap_or_default());
    }
    if let Some(name) = &input.parents_of {
        return named(region.parents().of(name).cloned().collect());
    }
    let admitted = |alarm: &&Arc<Alarm>| input.admits(alarm);
    if let Some(names) = &input.names {
        let behind = names.range::<str, _>((Excluded(after), Unbounded));
        let alarms = behind.filter_map(|name| region.alarm(name));
        return alarms.filter(admitted).take(count).cloned().collect();
    }
    // A prefix is a range of names.
    let prefix = input.name_prefix.as_deref().unwrap_or_default();
    let from = if prefix > after { std::ops::Bound::Included(prefix) } else { Excluded(after) };
    let behind = region.alarms().range::<str, _>((from, Unbounded));
    let alarms = behind.take_while(|(name, _)| name.starts_with(prefix)).map(|(_, alarm)| alarm);
    alarms.filter(admitted).take(count).cloned().collect()
}
