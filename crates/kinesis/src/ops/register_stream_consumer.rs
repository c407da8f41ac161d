//! RegisterStreamConsumer: gives a stream a consumer, which may then subscribe to its shards.
//!
//! The consumer is CREATING until its time is over. Its ARN ends in its creation second and is given once.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_RegisterStreamConsumer.html>

use std::borrow::Cow;

use nautilus_wire::{Members, Output as WireOutput, Writer, rules::kinesis as rules};

use crate::{
    consumers,
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    model::consumer::Consumer,
    tags::{self, Given},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub consumer_name: Cow<'a, str>,
    pub tags: Given<'a>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read_arn(members),
            consumer_name: members.required_string("ConsumerName", &rules::CONSUMER_NAME),
            tags: members.string_map("Tags", &rules::TAG_MAP).unwrap_or_default(),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

#[derive(Debug)]
pub(crate) struct Output(Consumer);

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let at = input.stream.address(ctx.caller)?;
    if !input.tags.is_empty() {
        let consumer = format!("{}/consumer/{}:*", at.arn(), input.consumer_name);
        ctx.authorize_too("kinesis:TagResource", &consumer)?;
    }
    let (name, tags) = (input.consumer_name.into_owned(), tags::owned(input.tags));
    Ok(Output(consumers::register(ctx.inner, at, name, tags).await?))
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| w.field("Consumer", &self.0));
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Limit, Limits,
        testing::{NOW_MS, World},
    };

    const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

    fn input(name: &str) -> String {
        format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"{name}"}}"#)
    }

    #[test]
    fn a_consumer_passes_through_creating() {
        let world = World::with_stream(1);
        let second = world.now_ms() / 1000;
        world.check(
            "RegisterStreamConsumer",
            &input("c"),
            &format!(
                r#"{{"Consumer":{{"ConsumerName":"c","ConsumerARN":"{ARN}/consumer/c:{second}","ConsumerStatus":"CREATING","ConsumerCreationTimestamp":{second}}}}}"#
            ),
        );
        assert_eq!(world.consumer_status("c"), "CREATING");
        assert_eq!(world.summary("s")["ConsumerCount"], 1);
        world.settle();
        assert_eq!(world.consumer_status("c"), "ACTIVE");
        world.check(
            "RegisterStreamConsumer",
            &input("c"),
            "ResourceInUseException: Consumer c under stream s and account 000000000000 already \
             exists.",
        );
    }

    #[test]
    fn a_consumer_is_there_after_a_restart_and_active() {
        let mut world = World::with_stream(1);
        let arn = world.register("c");
        world.kill();
        assert_eq!(world.consumer_status("c"), "ACTIVE");
        let described =
            world.ok("DescribeStreamConsumer", &format!(r#"{{"ConsumerARN":"{arn}"}}"#));
        assert_eq!(described["ConsumerDescription"]["ConsumerARN"], *arn);
    }

    #[test]
    fn a_name_that_comes_again_has_another_arn() {
        let world = World::with_stream(1);
        let mut arns = Vec::new();
        for _ in 0..3 {
            arns.push(world.register("c"));
            world.check("DeregisterStreamConsumer", &input("c"), "");
            world.settle_without_time();
        }
        arns.sort();
        arns.dedup();
        assert_eq!(arns.len(), 3, "{arns:?}");
    }

    #[test]
    fn the_stream_must_be_there_and_active() {
        let world = World::new();
        let not_found = "ResourceNotFoundException: Stream s under account 000000000000 not found.";
        world.check("RegisterStreamConsumer", &input("c"), not_found);
        world.check("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#, "");
        world.check(
            "RegisterStreamConsumer",
            &input("c"),
            "ResourceInUseException: Stream s under account 000000000000 not ACTIVE, instead in \
             state CREATING",
        );
    }

    #[test]
    fn five_may_be_creating_at_once_and_twenty_may_be() {
        let world = World::with_stream(1);
        for n in 0..20 {
            if n > 0 && n % 5 == 0 {
                world.check(
                    "RegisterStreamConsumer",
                    &input("too-soon"),
                    "LimitExceededException: This request would exceed the limit on the number of \
                     consumers that can simultaneously be in CREATING for the stream s under \
                     account 000000000000. Limit: 5.",
                );
                world.settle();
            }
            world.register(&format!("c{n}"));
        }
        world.settle();
        world.check(
            "RegisterStreamConsumer",
            &input("one-more"),
            "LimitExceededException: This request would exceed the limit of consumers for the \
             stream s under account 000000000000. Limit: 20.",
        );
        let commitment = r#"{"MinimumThroughputBillingCommitment":{"Status":"ENABLED"}}"#;
        world.ok("UpdateAccountSettings", commitment);
        world.register("one-more");
    }

    #[test]
    fn without_limits_there_may_be_more() {
        let world = World::with_limits(Limits::off().with(Limit::ConsumersPerStream, Some(30)));
        world.create("s", 1);
        (0..30).for_each(|n| drop(world.register(&format!("c{n}"))));
        let error = world.error("RegisterStreamConsumer", &input("c30"));
        assert!(error.ends_with("Limit: 30."), "{error}");
    }

    #[test]
    fn tags_are_there_from_the_beginning_and_must_be_right() {
        let world = World::with_stream(1);
        let with_tags = |name: &str, tags: &str| {
            format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"{name}","Tags":{tags}}}"#)
        };
        world.check(
            "RegisterStreamConsumer",
            &with_tags("c", r#"{"a%b":"1"}"#),
            "InvalidArgumentException: Failed to add tags to consumer c under account 000000000000 \
             because some tags contained illegal characters. The allowed characters are Unicode \
             letters, white-spaces, '_',',','/','=','+','-','@'.",
        );
        assert_eq!(world.summary("s")["ConsumerCount"], 0);
        world.ok("RegisterStreamConsumer", &with_tags("c", r#"{"a:b":"1"}"#));
        world.check(
            "ListTagsForResource",
            &format!(r#"{{"ResourceARN":"{ARN}/consumer/c:{}"}}"#, (NOW_MS + 2000) / 1000),
            r#"{"Tags":[{"Key":"a:b","Value":"1"}]}"#,
        );
    }

    #[test]
    fn name_and_arn_must_be_given() {
        let error = World::new().error("RegisterStreamConsumer", "{}");
        assert!(
            error.starts_with("ValidationException: 2 validation errors detected: "),
            "{error}"
        );
    }
}
