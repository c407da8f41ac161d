//! PutCompositeAlarm: defines an alarm on other alarms, or defines it anew.
//!
//! It comes to the state that its rule says at once, and follows its children from then on.
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html>
//! Not as AWS: a suppressor is kept and shown, and keeps no action from being executed.

use std::collections::BTreeSet;

use nautilus_wire::{Done, Members};

use crate::{
    alarm::{
        composite,
        given::{self, Given},
        model::{Alarm, CompositeAlarm},
        rule::{Rule, child_name},
    },
    catalog::{AlarmId, Edit, Snapshot},
    cloudwatch::{Ctx, Request},
    error::Error,
    limits, rules,
};

#[derive(Debug)]
pub(crate) struct Input {
    given: Given,
    rule: String,
    suppressor: Option<String>,
    wait_s: Option<i64>,
    extension_s: Option<i64>,
}

impl Input {
    pub(crate) fn read(members: &mut Members<'_>) -> Input {
        Input {
            given: Given::read(members),
            rule: members.required_string("AlarmRule", &rules::ALARM_RULE).into_owned(),
            suppressor: members
                .string("ActionsSuppressor", &rules::ALARM_NAME_OR_ARN)
                .map(|text| text.into_owned()),
            wait_s: members.integer("ActionsSuppressorWaitPeriod", &rules::ANY_INTEGER),
            extension_s: members.integer("ActionsSuppressorExtensionPeriod", &rules::ANY_INTEGER),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.given.resource(request.caller))
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input) -> Result<Done, Error> {
    input.given.check(&ctx.caller.region)?;
    let Input { given, rule: text, suppressor, wait_s, extension_s } = input;
    let rule = Rule::parse(&text).map_err(Error::Validation)?;
    let (wait_s, extension_s) = check_suppressor(&suppressor, wait_s, extension_s)?;
    let id = AlarmId {
        account: ctx.caller.account.clone(),
        region: ctx.caller.region.clone(),
        name: given.name.clone(),
    };
    let (ids, now_ms) = (ctx.inner.ids.clone(), ctx.inner.now_ms());

    ctx.inner
        .change(move |snapshot| {
            check_children(snapshot, &id, &rule, suppressor.as_deref())?;
            let mut edit = Edit::new(snapshot);
            let before = snapshot.alarm(&id).map(|alarm| alarm.about());
            let about = given.about(&id, before, now_ms);
            let alarm = CompositeAlarm {
                about,
                rule: text,
                suppressor,
                suppressor_wait_s: wait_s,
                suppressor_extension_s: extension_s,
            };
            given::define(&mut edit, Alarm::Composite(alarm), now_ms)?;
            if composite::settle(&mut edit, &ids, &id, before.is_none(), now_ms) {
                let changed = BTreeSet::from([id.name.as_str().into()]);
                composite::follow(&mut edit, &ids, &id.account, &id.region, changed, now_ms);
            }
            Ok(edit.finish(()))
        })
        .await?;
    ctx.inner.ring();
    Ok(Done)
}

/// A suppressor has both of its periods, and they have none without it.
fn check_suppressor(
    suppressor: &Option<String>,
    wait_s: Option<i64>,
    extension_s: Option<i64>,
) -> Result<(Option<u32>, Option<u32>), Error> {
    let period = |given: Option<i64>, name: &str| match (suppressor, given) {
        (None, None) => Ok(None),
        (Some(_), Some(given)) => u32::try_from(given)
            .map(Some)
            .map_err(|_| Error::Validation(format!("{name} must be greater than or equal to 0"))),
        (Some(_), None) => {
            Err(Error::Validation(format!("{name} must be set if ActionsSuppressor is set")))
        }
        (None, Some(_)) => Err(Error::Validation(format!(
            "{name} must not be set if ActionsSuppressor is not set"
        ))),
    };
    Ok((
        period(wait_s, "ActionsSuppressorWaitPeriod")?,
        period(extension_s, "ActionsSuppressorExtensionPeriod")?,
    ))
}

/// The rule speaks of alarms that are there, and of none that is in too many others.
fn check_children(
    snapshot: &Snapshot,
    id: &AlarmId,
    rule: &Rule,
    suppressor: Option<&str>,
) -> Result<(), Error> {
    let region = snapshot.region(&id.account, &id.region);
    let named = |child: &str| child_name(child, &id.account, &id.region).map(str::to_owned);
    let is_there = |child: &&str| {
        let found = named(child).and_then(|name| region?.alarm(&name));
        found.is_some()
    };
    let missing: Vec<&str> =
        rule.children().iter().map(String::as_str).filter(|child| !is_there(child)).collect();
    if !missing.is_empty() {
        return Err(Error::Validation(format!(
            "Could not save the composite alarm as alarms [{}] in the alarm rule do not exist",
            missing.join(", ")
        )));
    }
    if let Some(suppressor) = suppressor.filter(|suppressor| !is_there(suppressor)) {
        return Err(Error::Validation(format!(
            "Could not save the composite alarm as the suppressor alarm {suppressor} does not exist"
        )));
    }
    for child in rule.children().iter().filter_map(|child| named(child)) {
        let others = region
            .into_iter()
            .flat_map(|region| region.parents().of(&child))
            .filter(|parent| ***parent != *id.name);
        if others.count() >= limits::PARENTS_MAX {
            return Err(Error::LimitExceeded(format!(
                "The alarm {child} is in {} composite alarms already.",
                limits::PARENTS_MAX
            )));
        }
    }
    Ok(())
}
