//! UpdateStreamMode: lets a stream's capacity be given or be found on demand.
//!
//! The shards stay as they are. The present mode is accepted, changes nothing and counts against no quota.
//! Back to provisioned, what only streams on demand have is gone.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamMode.html>

use nautilus_wire::{Done, Members, rules::kinesis as rules};

use crate::{
    catalog::Address,
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    limits::{self, Limit},
    model::stream::{Distribution, Stream, StreamMode},
    on_demand, quota,
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
    let (now, limits) = (ctx.inner.now_ms(), ctx.inner.config.limits);
    if ctx.inner.stream(at)?.mode != mode {
        quota::check_on_demand(&ctx.inner.catalog.snapshot(), at, mode, &limits)?;
    }

    let warm = input.warm_throughput.filter(|wanted| *wanted > 0);
    let snapshot = ctx.inner.catalog.snapshot();
    transitions::update_stream(ctx.inner, at, move |stream| {
        if warm.is_some() && (mode, stream.mode) != (StreamMode::OnDemand, StreamMode::Provisioned)
        {
            let text =
                "WarmThroughputMiBps is only for a stream that is switched to On-Demand mode.";
            return Err(Error::InvalidArgument(text.to_owned()));
        }
        if stream.mode == mode {
            return Ok((Effect::Nothing, ()));
        }
        let warm_mibps = match warm {
            Some(wanted) => {
                on_demand::warm_throughput(&snapshot, Address::of(stream), now, wanted)?
            }
            None => None,
        };
        note_switch(stream, now, limits.get(Limit::ModeSwitches))?;
        stream.mode = mode;
        stream.warm_mibps = warm_mibps;
        stream.distribution = Distribution::default();
        Ok((Effect::Passing, ()))
    })
    .await?;
    Ok(Done)
}

/// Counts a switch against the daily quota.
fn note_switch(stream: &mut Stream, now: u64, limit: Option<u64>) -> Result<(), Error> {
    stream
        .mode_switches_ms
        .retain(|then| now.saturating_sub(*then) < limits::MODE_SWITCHES_WINDOW_MS);
    // Without the quota nobody counts, and the row stays small.
    let Some(limit) = limit else { return Ok(()) };
    if stream.mode_switches_ms.len() >= quota::as_count(limit) {
        return Err(Error::LimitExceeded(format!(
            "Stream {} under account {} has switched its mode {limit} times in the last 24 hours, \
             which is the limit.",
            stream.name, stream.account,
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
    fn warm_throughput_comes_only_with_the_switch_to_on_demand() {
        let world = World::with_stream(1);
        let warm = |mode: &str| {
            input(mode).replace(r#""StreamARN""#, r#""WarmThroughputMiBps":7,"StreamARN""#)
        };
        world.check(
            "UpdateStreamMode",
            &warm("PROVISIONED"),
            "InvalidArgumentException: WarmThroughputMiBps is only for a stream that is switched \
             to On-Demand mode.",
        );
        let error = world.error("UpdateStreamMode", &warm("ON_DEMAND"));
        assert!(error.ends_with("MinimumThroughputBillingCommitment."), "{error}");
        let commitment = r#"{"MinimumThroughputBillingCommitment":{"Status":"ENABLED"}}"#;
        world.ok("UpdateAccountSettings", commitment);
        world.check("UpdateStreamMode", &warm("ON_DEMAND"), "");
        (0..4).for_each(|_| world.settle()); // it gets its shards, too
        assert_eq!(world.summary("s")["WarmThroughput"]["TargetMiBps"], 7);
        assert_eq!(world.open_shard_count("s"), 7);

        world.check("UpdateStreamMode", &input("PROVISIONED"), "");
        world.settle();
        assert!(world.summary("s").get("WarmThroughput").is_none());
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
