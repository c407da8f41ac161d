//! DescribeAccountSettings: what the account has committed itself to in the region.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeAccountSettings.html>

use nautilus_wire::Members;

use super::ANY_RESOURCE;
use crate::{
    account::Settings,
    error::Error,
    kinesis::{Ctx, Request},
};

#[derive(Debug)]
pub(crate) struct Input;

impl Input {
    pub(crate) fn read(_members: &mut Members<'_>) -> Input {
        Input
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(ANY_RESOURCE.to_owned())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, _input: Input) -> Result<Settings, Error> {
    let commitment = ctx.inner.catalog.load().commitment(&ctx.caller.account, &ctx.caller.region);
    Ok(Settings(commitment.state_at(ctx.inner.now_ms())))
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn an_account_that_never_asked_is_committed_to_nothing() {
        World::new().check(
            "DescribeAccountSettings",
            "{}",
            r#"{"MinimumThroughputBillingCommitment":{"Status":"DISABLED"}}"#,
        );
    }
}
