//! Whether the actions of alarms are executed: what EnableAlarmActions and DisableAlarmActions share.

use nautilus_identity::Caller;
use nautilus_wire::Members;

use super::{
    describe,
    history::{Act, Item},
    model::alarm_arn,
};
use crate::{
    catalog::{AlarmId, Edit},
    cloudwatch::{Ctx, Request},
    error::Error,
    rules,
};

#[derive(Debug)]
pub(crate) struct Input {
    names: Vec<String>,
}

impl Input {
    pub(crate) fn read(members: &mut Members<'_>) -> Input {
        let names = members.required_strings("AlarmNames", &rules::ALARM_NAMES, &rules::ALARM_NAME);
        Input { names: names.into_iter().map(|name| name.into_owned()).collect() }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(resource(request.caller, &self.names))
    }
}

/// What a call about so many alarms is about.
pub(crate) fn resource(caller: &Caller, names: &[String]) -> String {
    let name = match names {
        [name] => name,
        _ => "*",
    };
    alarm_arn(&caller.account, &caller.region, name)
}

/// Switches the actions of alarms. Names that are not there are passed over, as at AWS.
pub(crate) async fn set_actions(ctx: &Ctx<'_>, input: Input, enabled: bool) -> Result<(), Error> {
    let (account, region) = (ctx.caller.account.clone(), ctx.caller.region.clone());
    let now_ms = ctx.inner.now_ms();
    ctx.inner
        .change(move |snapshot| {
            let mut edit = Edit::new(snapshot);
            for name in input.names {
                let Some(alarm) =
                    edit.next().region(&account, &region).and_then(|at| at.alarm(&name))
                else {
                    continue;
                };
                if alarm.about().actions_enabled == enabled {
                    continue;
                }
                let mut alarm = (**alarm).clone();
                alarm.about_mut().actions_enabled = enabled;
                alarm.about_mut().configured_ms = now_ms;
                let (id, kind) = (AlarmId::of(alarm.about()), alarm.kind());
                let definition = describe::definition(&alarm);
                edit.add_item(&Item::configuration(id, kind, now_ms, Act::Update, &definition));
                edit.put_alarm(alarm);
            }
            Ok(edit.finish(()))
        })
        .await
}
