//! UpdateStreamMode: lets a stream's capacity be given or be found on demand.
//!
//! The shards stay as they are. The present mode is accepted, changes nothing and counts against no quota.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamMode.html>
//! Not as AWS: warm throughput is refused.

use nautilus_wire::{Members, rules::kinesis as rules};

use super::Done;
use crate::{
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    limits,
    model::stream::{Stream, StreamMode},
    transitions::{self, Effect},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    /// `None` only for an input that was refused.
    pub mode: Option<StreamMode>,
    pub warm_throughput: Option<i64>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read_arn(members),
            mode: members
                .required_structure("StreamModeDetails", |details| {
                    details.required_string("StreamMode", &rules::STREAM_MODE)
                })
                .and_then(|mode| StreamMode::parse(&mode)),
            warm_throughput: members.integer("WarmThroughputMiBps", &rules::WARM_THROUGHPUT),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let at = input.stream.address(ctx.caller)?;
    let mode = input.mode.expect("an input without a mode was refused");
    let (now, enforced) = (ctx.inner.now_ms(), ctx.inner.config.limits_enforced);

    transitions::update_stream(ctx.inner, at, move |stream| {
        if input.warm_throughput.is_some_and(|wanted| wanted > 0) {
            return Err(Error::InvalidArgument(
                "WarmThroughputMiBps needs the account setting MinimumThroughputBillingCommitment."
                    .to_owned(),
            ));
        }
        if stream.mode == mode {
            return Ok((Effect::Nothing, ()));
        }
        note_switch(stream, now, enforced)?;
        stream.mode = mode;
        Ok((Effect::Passing, ()))
    })
    .await?;
    Ok(Done)
}

/// Counts a switch against the daily quota.
fn note_switch(stream: &mut Stream, now: u64, limits_enforced: bool) -> Result<(), Error> {
    stream.mode_switches_ms.retain(|then| now.saturating_sub(*then) < limits::MODE_SWITCHES_WINDOW_MS);
    if limits_enforced && stream.mode_switches_ms.len() >= limits::MODE_SWITCHES_MAX {
        return Err(Error::LimitExceeded(format!(
            "Stream {} under account {} has switched its mode {} times in the last 24 hours, which \
             is the limit.",
            stream.name,
            stream.account,
            limits::MODE_SWITCHES_MAX
        )));
    }
    stream.mode_switches_ms.push(now);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    fn input(mode: &str) -> String {
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
        format!(r#"{{"StreamARN":"{arn}","StreamModeDetails":{{"StreamMode":"{mode}"}}}}"#)
    }

    #[test]
    fn the_present_mode_is_accepted_as_often_as_one_likes() {
        let world = World::with_stream(1);
        for _ in 0..5 {
            world.check("UpdateStreamMode", &input("PROVISIONED"), "");
            assert_eq!(world.status("s"), "ACTIVE");
        }
    }

    #[test]
    fn another_mode_keeps_the_shards_and_is_had_twice_a_day() {
        let world = World::with_stream(3);
        for mode in ["ON_DEMAND", "PROVISIONED"] {
            world.check("UpdateStreamMode", &input(mode), "");
            assert_eq!(world.status("s"), "UPDATING");
            world.settle();
            let summary = &world.ok("DescribeStreamSummary", r#"{"StreamName":"s"}"#)["StreamDescriptionSummary"];
            assert_eq!(summary["StreamModeDetails"]["StreamMode"], mode);
            assert_eq!(summary["OpenShardCount"], 3);
        }
        let error = world.error("UpdateStreamMode", &input("ON_DEMAND"));
        assert!(error.starts_with("LimitExceededException: "), "{error}");
        world.advance(24 * 3_600_000);
        world.check("UpdateStreamMode", &input("ON_DEMAND"), "");
    }

    #[test]
    fn the_mode_must_be_given_and_known() {
        let world = World::with_stream(1);
        world.check(
            "UpdateStreamMode",
            r#"{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s"}"#,
            "ValidationException: 1 validation error detected: Value null at 'streamModeDetails' \
             failed to satisfy constraint: Member must not be null",
        );
        let error = world.error("UpdateStreamMode", &input("SOMETIMES"));
        assert!(error.starts_with("ValidationException: "), "{error}");
    }
}
