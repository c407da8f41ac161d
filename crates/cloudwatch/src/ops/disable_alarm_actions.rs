//! DisableAlarmActions: alarms change their states and execute no actions.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DisableAlarmActions.html>

use nautilus_wire::Members;

use super::Done;
use crate::{
    alarm::switch,
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
        Ok(switch::resource(request.caller, &self.names))
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input) -> Result<Done, Error> {
    switch::set_actions(ctx, input.names, false).await?;
    Ok(Done)
}
