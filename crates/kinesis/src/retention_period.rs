//! What IncreaseStreamRetentionPeriod and DecreaseStreamRetentionPeriod share: all but which way it goes.

use nautilus_wire::{Done, Members, rules::kinesis as rules};

use crate::{
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    retention,
    transitions::{self, Effect},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    stream: StreamRef<'a>,
    retention_period_hours: i64,
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

/// A way that an operation does not go, in AWS's words.
pub(crate) struct Refused {
    /// Whether the wanted hours go that way from the existing ones.
    pub goes: fn(wanted: &u32, existing: &u32) -> bool,
    /// What the period can not be.
    pub word: &'static str,
    /// The operation that goes there.
    pub instead: &'static str,
}

/// Sets the retention, unless that goes the wrong way; the present value changes nothing.
pub(crate) async fn change(
    ctx: &Ctx<'_>,
    input: Input<'_>,
    refused: Refused,
) -> Result<Done, Error> {
    let at = input.stream.address(ctx.caller)?;
    let (wanted, now) = (input.retention_period_hours, ctx.inner.expiry_now_ms());

    transitions::update_stream(ctx.inner, at, move |stream| {
        let hours = retention::checked_hours(wanted)?;
        let existing = stream.retention_hours;
        if (refused.goes)(&hours, &existing) {
            let Refused { word, instead, .. } = refused;
            return Err(Error::InvalidArgument(format!(
                "Requested retention period ({hours} hours) for stream {} can not be {word} than \
                 existing retention period ({existing} hours). Use {instead} API.",
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
