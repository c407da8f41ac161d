//! DescribeStreamConsumer: a consumer, by its ARN or by its stream and name.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStreamConsumer.html>

use std::sync::Arc;

use nautilus_wire::{Members, Output as WireOutput, Writer};

use crate::{
    catalog::Address,
    consumers,
    error::Error,
    input::ConsumerRef,
    kinesis::{Ctx, Request},
    model::consumer::Consumer,
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub consumer: ConsumerRef<'a>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input { consumer: ConsumerRef::read(members) }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        self.consumer.resource(&request.inner.catalog.load(), request.caller)
    }
}

#[derive(Debug)]
pub(crate) struct Output(Arc<Consumer>);

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    Ok(Output(input.consumer.find(&ctx.inner.catalog.load(), ctx.caller)?))
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_map("ConsumerDescription", |w| {
                consumers::write_members(w, &self.0);
                w.field_str("StreamARN", &Address::of_consumer(&self.0).arn());
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

    #[test]
    fn a_consumer_is_found_by_all_that_names_it() {
        let world = World::with_stream(1);
        let arn = world.register("c");
        let second = arn.rsplit(':').next().expect("a second").to_owned();
        world.settle();
        let expected = format!(
            r#"{{"ConsumerDescription":{{"ConsumerName":"c","ConsumerARN":"{arn}","ConsumerStatus":"ACTIVE","ConsumerCreationTimestamp":{second},"StreamARN":"{ARN}"}}}}"#
        );
        for input in [
            format!(r#"{{"ConsumerARN":"{arn}"}}"#),
            format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"c"}}"#),
            format!(r#"{{"ConsumerARN":"{arn}","StreamARN":"{ARN}","ConsumerName":"c"}}"#),
        ] {
            world.check("DescribeStreamConsumer", &input, &expected);
        }
    }

    #[test]
    fn what_names_none_or_two_is_refused() {
        let world = World::with_stream(1);
        let arn = world.register("c");
        let neither = "InvalidArgumentException: Either ConsumerARN or both StreamARN and \
                       ConsumerName should be provided.";
        world.check("DescribeStreamConsumer", "{}", neither);
        world.check("DescribeStreamConsumer", r#"{"ConsumerName":"c"}"#, neither);
        world.check("DescribeStreamConsumer", &format!(r#"{{"StreamARN":"{ARN}"}}"#), neither);
        for (rest, what) in [
            (r#""ConsumerName":"d""#.to_owned(), "ConsumerName d".to_owned()),
            (format!(r#""StreamARN":"{ARN}x""#), format!("StreamARN {ARN}x")),
        ] {
            let input = format!(r#"{{"ConsumerARN":"{arn}",{rest}}}"#);
            let expected = format!(
                "InvalidArgumentException: {what} and ConsumerARN {arn} do not name the same \
                 consumer."
            );
            world.check("DescribeStreamConsumer", &input, &expected);
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let world = World::with_stream(1);
        let unknown = format!("{ARN}/consumer/c:7");
        world.check(
            "DescribeStreamConsumer",
            &format!(r#"{{"ConsumerARN":"{unknown}"}}"#),
            &format!(
                "ResourceNotFoundException: Consumer {unknown}, account 000000000000 not found."
            ),
        );
        world.check(
            "DescribeStreamConsumer",
            &format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"c"}}"#),
            "ResourceNotFoundException: Consumer c, account 000000000000 not found.",
        );
        world.check(
            "DescribeStreamConsumer",
            &format!(r#"{{"StreamARN":"{ARN}x","ConsumerName":"c"}}"#),
            "ResourceNotFoundException: Stream sx under account 000000000000 not found.",
        );
    }

    #[test]
    fn an_arn_must_look_like_a_consumers() {
        World::new().check(
            "DescribeStreamConsumer",
            &format!(r#"{{"ConsumerARN":"{ARN}"}}"#),
            &format!(
                "ValidationException: 1 validation error detected: Value '{ARN}' at 'consumerARN' \
                 failed to satisfy constraint: Member must satisfy regular expression pattern: \
                 ^(arn):aws.*:kinesis:.*:\\d{{12}}:.*stream\\/[a-zA-Z0-9_.-]+\\/consumer\\/\
                 [a-zA-Z0-9_.-]+:[0-9]+"
            ),
        );
    }
}
