//! UpdateAccountSettings: commits the account to a minimum of throughput in the region, or ends that.
//!
//! Nothing is billed here: the commitment unlocks what it unlocks at AWS. It lasts a day at least.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateAccountSettings.html>

use nautilus_wire::{Members, rules::kinesis as rules};

use super::ANY_RESOURCE;
use crate::{
    account::Settings,
    catalog::{Edit, Snapshot, unchanged},
    error::Error,
    kinesis::{Ctx, Request},
};

#[derive(Debug)]
pub(crate) struct Input {
    pub enable: bool,
}

impl Input {
    pub(crate) fn read(members: &mut Members<'_>) -> Input {
        let status = members.required_structure("MinimumThroughputBillingCommitment", |it| {
            it.required_string("Status", &rules::COMMITMENT_STATUS)
        });
        Input { enable: status.as_deref() == Some("ENABLED") }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(ANY_RESOURCE.to_owned())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input) -> Result<Settings, Error> {
    let now_ms = ctx.inner.now_ms();
    let (account, region) = (ctx.caller.account.clone(), ctx.caller.region.clone());
    let change = move |snapshot: &Snapshot| {
        let before = snapshot.commitment(&account, &region);
        let after = match input.enable {
            true => before.enabled(now_ms),
            false => before.disabled(now_ms),
        };
        if after == before {
            return Ok(unchanged(after));
        }
        let mut edit = Edit::new(snapshot);
        edit.set_commitment(&account, &region, after);
        Ok(edit.finish(after))
    };
    Ok(Settings(ctx.inner.change(change).await?.state_at(now_ms)))
}

#[cfg(test)]
mod tests {
    use crate::testing::{self, NOW_MS, World};

    const SECOND: u64 = NOW_MS / 1000;
    const DAY: u64 = 24 * 3600;

    fn set(world: &World, status: &str, expected: &str) {
        world.check("UpdateAccountSettings", &input(status), &shown(expected));
        world.check("DescribeAccountSettings", "{}", &shown(expected));
    }

    fn input(status: &str) -> String {
        format!(r#"{{"MinimumThroughputBillingCommitment":{{"Status":"{status}"}}}}"#)
    }

    fn shown(commitment: &str) -> String {
        format!(r#"{{"MinimumThroughputBillingCommitment":{{{commitment}}}}}"#)
    }

    #[test]
    fn a_commitment_ends_after_a_day_and_is_kept() {
        let mut world = World::new();
        let end = SECOND + DAY;
        let enabled = |status: &str| {
            format!(r#""Status":"{status}","StartedAt":{SECOND},"EarliestAllowedEndAt":{end}"#)
        };
        set(&world, "DISABLED", r#""Status":"DISABLED""#);
        set(&world, "ENABLED", &enabled("ENABLED"));
        world.set_now(NOW_MS + 5000);
        set(&world, "ENABLED", &enabled("ENABLED"));
        set(&world, "DISABLED", &enabled("ENABLED_UNTIL_EARLIEST_ALLOWED_END"));
        set(&world, "ENABLED", &enabled("ENABLED"));
        set(&world, "DISABLED", &enabled("ENABLED_UNTIL_EARLIEST_ALLOWED_END"));

        world.kill();
        world.set_now(end * 1000);
        let ended = format!(r#""Status":"DISABLED","StartedAt":{SECOND},"EndedAt":{end}"#);
        world.check("DescribeAccountSettings", "{}", &shown(&ended));
        set(&world, "DISABLED", &ended);
    }

    #[test]
    fn it_is_the_accounts_in_the_region() {
        let world = World::new();
        world.ok("UpdateAccountSettings", &input("ENABLED"));
        let elsewhere = testing::caller_of("AKID", "eu-west-1");
        let answer = world.call_as(&elsewhere, "DescribeAccountSettings", "{}");
        assert_eq!(answer, shown(r#""Status":"DISABLED""#));
    }

    #[test]
    fn a_status_must_be_given_and_known() {
        let world = World::new();
        let error = world.error("UpdateAccountSettings", "{}");
        assert!(error.contains("'minimumThroughputBillingCommitment'"), "{error}");
        let until = input("ENABLED_UNTIL_EARLIEST_ALLOWED_END");
        let error = world.error("UpdateAccountSettings", &until);
        let path = "at 'minimumThroughputBillingCommitment.status'";
        assert!(error.contains(path) && error.ends_with("[ENABLED, DISABLED]"), "{error}");
    }
}
