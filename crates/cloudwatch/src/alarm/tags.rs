//! The tags of alarms, by ARN. Other things that AWS tags (dashboards, insight rules) are not here.

use super::model::Alarm;
use crate::{
    catalog::{AlarmId, Edit},
    cloudwatch::Inner,
    error::Error,
};

/// Refuses what is no ARN of an alarm.
pub(crate) fn check_arn(arn: &str) -> Result<(), Error> {
    alarm_of(arn).map(drop)
}

/// The alarm that an ARN names: `arn:aws:cloudwatch:<region>:<account>:alarm:<name>`.
pub(crate) fn alarm_of(arn: &str) -> Result<AlarmId, Error> {
    let mut parts = arn.splitn(7, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (head, _partition, service) = (next(), next(), next());
    let (region, account, kind, name) = (next(), next(), next(), next());
    let is_whole = ![region, account, name].contains(&"");
    match head == "arn" && service == "cloudwatch" && kind == "alarm" && is_whole {
        true => Ok(AlarmId {
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
        }),
        false => Err(Error::InvalidParameterValue(format!(
            "The value {arn} for parameter ResourceARN is not the ARN of an alarm."
        ))),
    }
}

/// Changes the tags of an alarm, if it is there.
pub(crate) async fn change(
    inner: &Inner,
    arn: String,
    change: impl FnOnce(&mut Alarm) -> Result<(), Error> + Send + 'static,
) -> Result<(), Error> {
    let id = alarm_of(&arn)?;
    inner
        .change(move |snapshot| {
            let alarm = snapshot.alarm(&id).ok_or_else(|| {
                Error::ResourceNotFound(format!("The resource {arn} does not exist."))
            })?;
            let (before, mut alarm) = (alarm, Alarm::clone(alarm));
            change(&mut alarm)?;
            let mut edit = Edit::new(snapshot);
            if alarm.about().tags != before.about().tags {
                edit.define_alarm(alarm)?;
            }
            Ok(edit.finish(()))
        })
        .await
}
