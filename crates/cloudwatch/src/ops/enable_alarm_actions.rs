//! EnableAlarmActions: alarms execute their actions again, from their next change of state on.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_EnableAlarmActions.html>

use nautilus_wire::Done;

pub(crate) use crate::alarm::switch::Input;
use crate::{alarm::switch, cloudwatch::Ctx, error::Error};

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input) -> Result<Done, Error> {
    switch::set_actions(ctx, input, true).await?;
    Ok(Done)
}
