//! IncreaseStreamRetentionPeriod: keeps a stream's records longer.
//!
//! What has expired by then stays expired. The present value is accepted and changes nothing.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_IncreaseStreamRetentionPeriod.html>

use nautilus_wire::Done;

pub(crate) use crate::retention_period::Input;
use crate::{
    error::Error,
    kinesis::Ctx,
    retention_period::{self, Refused},
};

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let refused = Refused { goes: u32::lt, word: "shorter", instead: "DecreaseRetentionPeriod" };
    retention_period::change(ctx, input, refused).await
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    fn input(hours: i64) -> String {
        format!(r#"{{"StreamName":"s","RetentionPeriodHours":{hours}}}"#)
    }

    #[test]
    fn the_stream_passes_through_updating() {
        let world = World::with_stream(1);
        world.check("IncreaseStreamRetentionPeriod", &input(48), "");
        assert_eq!(world.status("s"), "UPDATING");
        world.put("s", "k", b"meanwhile");
        world.check(
            "IncreaseStreamRetentionPeriod",
            &input(72),
            "ResourceInUseException: Stream s under account 000000000000 not ACTIVE, instead in \
             state UPDATING",
        );
        world.settle();
        assert_eq!(world.status("s"), "ACTIVE");
        let summary = world.ok("DescribeStreamSummary", r#"{"StreamName":"s"}"#);
        assert_eq!(summary["StreamDescriptionSummary"]["RetentionPeriodHours"], 48);
    }

    #[test]
    fn a_stream_that_was_updating_is_active_after_a_restart() {
        let mut world = World::with_stream(1);
        world.check("IncreaseStreamRetentionPeriod", &input(48), "");
        world.restart();
        assert_eq!(world.status("s"), "ACTIVE");
        world.check("IncreaseStreamRetentionPeriod", &input(48), "");
        assert_eq!(world.status("s"), "ACTIVE", "48 is the present value");
    }

    #[test]
    fn the_present_value_leaves_the_stream_active() {
        let world = World::with_stream(1);
        world.check("IncreaseStreamRetentionPeriod", &input(24), "");
        assert_eq!(world.status("s"), "ACTIVE");
    }

    #[test]
    fn what_is_out_of_range_is_refused_in_awss_words() {
        let world = World::with_stream(1);
        let check = |hours, expected: &str| {
            let expected = format!("InvalidArgumentException: {expected}");
            world.check("IncreaseStreamRetentionPeriod", &input(hours), &expected);
        };
        check(
            23,
            "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) \
             is too short.",
        );
        check(
            8761,
            "Maximum allowed retention period is 8760 hours. Requested retention period (8761 \
             hours) is too long.",
        );
        world.check("IncreaseStreamRetentionPeriod", &input(8760), "");
        world.settle();
        check(
            48,
            "Requested retention period (48 hours) for stream s can not be shorter than existing \
             retention period (8760 hours). Use DecreaseRetentionPeriod API.",
        );
    }
}
