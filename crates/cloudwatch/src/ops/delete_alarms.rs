//! DeleteAlarms: deletes alarms of both kinds. Their history stays.
//!
//! Names that are not there are passed over. An alarm that a composite alarm speaks of stays, and so do all others of
//! the call; of composite alarms a call deletes one.
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteAlarms.html>

use std::collections::BTreeSet;

use nautilus_wire::{Done, Members};

use crate::{
    alarm::{
        describe,
        history::{Act, Item},
        model::AlarmType,
        switch,
    },
    catalog::{AlarmId, Edit, unchanged},
    cloudwatch::{Ctx, Request},
    error::Error,
    rules,
};

#[derive(Debug)]
pub(crate) struct Input {
    names: BTreeSet<String>,
}

impl Input {
    pub(crate) fn read(members: &mut Members<'_>) -> Input {
        let names = members.required_strings("AlarmNames", &rules::ALARM_NAMES, &rules::ALARM_NAME);
        Input { names: names.into_iter().map(|name| name.into_owned()).collect() }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        let names: Vec<String> = self.names.iter().take(2).cloned().collect();
        Ok(switch::resource(request.caller, &names))
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input) -> Result<Done, Error> {
    let (account, region) = (ctx.caller.account.clone(), ctx.caller.region.clone());
    let now_ms = ctx.inner.now_ms();

    ctx.inner
        .change(move |snapshot| {
            let Some(at) = snapshot.region(&account, &region) else { return Ok(unchanged(())) };
            let there: Vec<_> = input.names.iter().filter_map(|name| at.alarm(name)).collect();
            if there.iter().filter(|alarm| alarm.kind() == AlarmType::Composite).count() > 1 {
                return Err(Error::Validation(
                    "Only one composite alarm can be deleted in one call.".to_owned(),
                ));
            }
            // A composite alarm that goes in the same call holds nobody but itself.
            let is_held = |name: &&str| {
                let mut parents = at.parents().of(name);
                parents.any(|parent| !input.names.contains(&**parent) || **parent == **name)
            };
            let names = there.iter().map(|alarm| alarm.about().name.as_str());
            let held: Vec<&str> = names.filter(is_held).collect();
            if !held.is_empty() {
                let them = if held.len() == 1 { "it" } else { "them" };
                return Err(Error::Validation(format!(
                    "Cannot delete {} as there are composite alarm(s) depending on {them}.",
                    held.join(",")
                )));
            }
            let mut edit = Edit::new(snapshot);
            for alarm in there {
                let (id, kind) = (AlarmId::of(alarm.about()), alarm.kind());
                let definition = describe::definition(alarm);
                let item = Item::configuration(id.clone(), kind, now_ms, Act::Delete, &definition);
                edit.add_item(&item);
                edit.remove_alarm(&id);
            }
            Ok(edit.finish(()))
        })
        .await?;
    Ok(Done)
}
