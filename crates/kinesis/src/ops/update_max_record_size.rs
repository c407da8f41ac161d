//! UpdateMaxRecordSize: how large a record with its key may be that the stream takes from now on.
//!
//! The present size is accepted and changes nothing.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateMaxRecordSize.html>

use nautilus_wire::{Done, Members, rules::kinesis as rules};

use crate::{
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    transitions::{self, Effect},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub max_record_kib: i64,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read_optional_arn(members),
            max_record_kib: members.required_integer("MaxRecordSizeInKiB", &rules::MAX_RECORD_SIZE),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let at = input.stream.address(ctx.caller)?;
    let kib = u32::try_from(input.max_record_kib).expect("the rule keeps it small and positive");
    transitions::update_stream(ctx.inner, at, move |stream| {
        if stream.max_record_kib == kib {
            return Ok((Effect::Nothing, ()));
        }
        stream.max_record_kib = kib;
        Ok((Effect::Passing, ()))
    })
    .await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    fn input(kib: u32) -> String {
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
        format!(r#"{{"StreamARN":"{arn}","MaxRecordSizeInKiB":{kib}}}"#)
    }

    fn put(bytes: usize) -> String {
        let data = base64_simd::STANDARD.encode_to_string(vec![0; bytes]);
        format!(r#"{{"StreamName":"s","PartitionKey":"k","Data":"{data}"}}"#)
    }

    #[test]
    fn the_new_size_holds_for_what_is_put() {
        let world = World::with_stream(1);
        let too_large = |bytes: usize| {
            format!(
                "ValidationException: 1 validation error detected: Value at 'data' failed to \
                 satisfy constraint: Member must have length less than or equal to {bytes}"
            )
        };
        world.check("PutRecord", &put(2 << 20), &too_large(1 << 20));
        world.check("UpdateMaxRecordSize", &input(10_240), "");
        assert_eq!(world.status("s"), "UPDATING");
        world.settle();
        assert_eq!(world.summary("s")["MaxRecordSizeInKiB"], 10_240);
        world.ok("PutRecord", &put((10 << 20) - 1));

        world.check("UpdateMaxRecordSize", &input(2048), "");
        world.settle();
        world.check("PutRecord", &put(2 << 20), &too_large(2 << 20));
        world.check("UpdateMaxRecordSize", &input(2048), "");
        assert_eq!(world.status("s"), "ACTIVE", "nothing changed");
    }

    #[test]
    fn a_size_out_of_range_or_without_a_stream_is_refused() {
        let world = World::with_stream(1);
        world.check(
            "UpdateMaxRecordSize",
            &input(1023),
            "ValidationException: 1 validation error detected: Value '1023' at \
             'maxRecordSizeInKiB' failed to satisfy constraint: Member must have value greater \
             than or equal to 1024",
        );
        let error = world.error("UpdateMaxRecordSize", &input(10_241));
        assert!(error.ends_with("Member must have value less than or equal to 10240"), "{error}");
        let error = world.error("UpdateMaxRecordSize", r#"{"MaxRecordSizeInKiB":2048}"#);
        assert!(error.starts_with("InvalidArgumentException: "), "{error}");
    }
}
