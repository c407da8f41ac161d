//! SetAlarmState: brings an alarm to a state until it is evaluated again. Its actions are executed.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html>

use nautilus_wire::{Done, Members, rules::StringRule};

use crate::{
    alarm::{
        model::{StateValue, alarm_arn},
        transition::{NewState, enter_all},
    },
    catalog::{AlarmId, Edit},
    cloudwatch::{Ctx, Request},
    error::Error,
    rules,
};

#[derive(Debug)]
pub(crate) struct Input {
    name: String,
    state: String,
    reason: String,
    reason_data: Option<String>,
}

impl Input {
    pub(crate) fn read(members: &mut Members<'_>) -> Input {
        const STATE: StringRule = StringRule::one_of(StateValue::WORDS);
        Input {
            name: members.required_string("AlarmName", &rules::ALARM_NAME).into_owned(),
            state: members.required_string("StateValue", &STATE).into_owned(),
            reason: members.required_string("StateReason", &rules::STATE_REASON).into_owned(),
            reason_data: members
                .string("StateReasonData", &rules::STATE_REASON_DATA)
                .map(|text| text.into_owned()),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(alarm_arn(&request.caller.account, &request.caller.region, &self.name))
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input) -> Result<Done, Error> {
    let Input { name, state, reason, reason_data } = input;
    let is_json = |text: &String| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if reason_data.as_ref().is_some_and(|text| !is_json(text)) {
        return Err(Error::InvalidFormat("StateReasonData was not valid JSON".to_owned()));
    }
    let id =
        AlarmId { account: ctx.caller.account.clone(), region: ctx.caller.region.clone(), name };
    let value = StateValue::parse(&state).unwrap_or(StateValue::InsufficientData); // the rule admits no other
    let (ids, now_ms) = (ctx.inner.ids.clone(), ctx.inner.now_ms());

    ctx.inner
        .change(move |snapshot| {
            let alarm = snapshot.alarm(&id).ok_or(Error::AlarmNotFound)?;
            let mut edit = Edit::new(snapshot);
            if alarm.about().state.value == value {
                let mut alarm = (**alarm).clone();
                let state = &mut alarm.about_mut().state;
                (state.reason, state.reason_data, state.updated_ms) = (reason, reason_data, now_ms);
                edit.put_alarm(alarm);
                return Ok(edit.finish(()));
            }
            let new = NewState { value, reason, reason_data, triggering: Vec::new() };
            enter_all(&mut edit, &ids, vec![(id, new)], now_ms);
            Ok(edit.finish(()))
        })
        .await?;
    ctx.inner.ring();
    Ok(Done)
}
