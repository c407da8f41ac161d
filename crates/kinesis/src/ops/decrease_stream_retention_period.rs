//! DecreaseStreamRetentionPeriod: keeps a stream's records shorter.
//!
//! What is older than the new period expires at once. The present value is accepted and changes nothing.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DecreaseStreamRetentionPeriod.html>

use nautilus_wire::{Members, rules::kinesis as rules};

use super::Done;
use crate::{
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    retention,
    transitions::{self, Effect},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub retention_period_hours: i64,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read(members),
            retention_period_hours: members
                .required_integer("RetentionPeriodHours", &rules::RETENTION_PERIOD_HOURS),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let at = input.stream.address(ctx.caller)?;
    let (wanted, now) = (input.retention_period_hours, ctx.inner.expiry_now_ms());

    transitions::update_stream(ctx.inner, at, move |stream| {
        let hours = retention::checked_hours(wanted)?;
        let existing = stream.retention_hours;
        if hours > existing {
            return Err(Error::InvalidArgument(format!(
                "Requested retention period ({hours} hours) for stream {} can not be longer \
                 than existing retention period ({existing} hours). Use IncreaseRetentionPeriod \
                 API.",
                stream.name
            )));
        }
        if hours == existing {
            return Ok((Effect::Nothing, ()));
        }
        retention::set(stream, hours, now);
        Ok((Effect::Passing, ()))
    })
    .await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    fn input(hours: i64) -> String {
        format!(r#"{{"StreamName":"s","RetentionPeriodHours":{hours}}}"#)
    }

    #[test]
    fn older_records_expire_at_once_and_for_good() {
        let world = World::with_stream(1);
        world.check("IncreaseStreamRetentionPeriod", &input(48), "");
        world.settle();
        world.put("s", "k", b"old");
        world.advance(30 * 3_600_000);
        assert_eq!(world.read_all("s", 0), [b"old"]);

        world.check("DecreaseStreamRetentionPeriod", &input(24), "");
        assert_eq!(world.read_all("s", 0), Vec::<Vec<u8>>::new());
        world.settle();
        world.check("IncreaseStreamRetentionPeriod", &input(48), "");
        assert_eq!(world.read_all("s", 0), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn what_is_not_shorter_is_refused_in_awss_words() {
        let world = World::with_stream(1);
        world.check(
            "DecreaseStreamRetentionPeriod",
            &input(25),
            "InvalidArgumentException: Requested retention period (25 hours) for stream s can not \
             be longer than existing retention period (24 hours). Use IncreaseRetentionPeriod API.",
        );
        world.check(
            "DecreaseStreamRetentionPeriod",
            &input(-1),
            "InvalidArgumentException: Minimum allowed retention period is 24 hours. Requested \
             retention period (-1 hours) is too short.",
        );
        world.check("DecreaseStreamRetentionPeriod", &input(24), "");
        assert_eq!(world.status("s"), "ACTIVE");
    }
}
