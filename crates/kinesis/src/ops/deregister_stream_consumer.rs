//! DeregisterStreamConsumer: takes a consumer away from its stream.
//!
//! The consumer is DELETING until its time is over; then it is not found. Asking again meanwhile changes nothing.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeregisterStreamConsumer.html>

use nautilus_wire::Done;

pub(crate) use super::describe_stream_consumer::Input;
use crate::{consumers, error::Error, kinesis::Ctx};

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let consumer = input.consumer.find(&ctx.inner.catalog.snapshot(), ctx.caller)?;
    consumers::deregister(ctx.inner, &consumer).await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    const BY_NAME: &str =
        r#"{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s","ConsumerName":"c"}"#;

    fn by_arn(arn: &str) -> String {
        format!(r#"{{"ConsumerARN":"{arn}"}}"#)
    }

    #[test]
    fn a_consumer_passes_through_deleting() {
        let world = World::with_stream(1);
        let arn = world.register("c");
        world.settle();
        world.check("DeregisterStreamConsumer", &by_arn(&arn), "");
        assert_eq!(world.consumer_status("c"), "DELETING");
        world.check("DeregisterStreamConsumer", BY_NAME, "");
        assert_eq!(world.summary("s")["ConsumerCount"], 1);

        world.settle();
        assert_eq!(world.summary("s")["ConsumerCount"], 0);
        let not_found = "ResourceNotFoundException: Consumer c, account 000000000000 not found.";
        world.check("DeregisterStreamConsumer", BY_NAME, not_found);
        let not_found =
            format!("ResourceNotFoundException: Consumer {arn}, account 000000000000 not found.");
        world.check("DeregisterStreamConsumer", &by_arn(&arn), &not_found);
    }

    #[test]
    fn a_consumer_may_go_while_it_comes() {
        let mut world = World::with_stream(1);
        world.register("c");
        world.check("DeregisterStreamConsumer", BY_NAME, "");
        assert_eq!(world.consumer_status("c"), "DELETING");
        world.settle();
        assert_eq!(world.summary("s")["ConsumerCount"], 0);

        world.register("c");
        world.check("DeregisterStreamConsumer", BY_NAME, "");
        world.kill();
        assert_eq!(world.summary("s")["ConsumerCount"], 0);
    }

    #[test]
    fn the_arn_of_an_earlier_consumer_does_not_name_its_namesake() {
        let world = World::with_stream(1);
        let old = world.register("c");
        world.check("DeregisterStreamConsumer", &by_arn(&old), "");
        world.settle();
        let new = world.register("c");
        let error = world.error("DeregisterStreamConsumer", &by_arn(&old));
        assert!(error.starts_with("ResourceNotFoundException: "), "{error}");
        world.check("DeregisterStreamConsumer", &by_arn(&new), "");
    }
}
