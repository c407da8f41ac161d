//! DeleteStream: deletes a stream with its shards, records and tags.
//!
//! The stream is DELETING until its time is over and answers reads and writes that long; then it is not found.
//! Its consumers stand in the way, unless EnforceConsumerDeletion says that they shall go with it.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeleteStream.html>

use nautilus_wire::{Done, Members};

use crate::{
    catalog::{Address, Edit, Intent, Plan, Snapshot},
    consumers,
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    model::stream::{Status, Stream},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub enforce_consumer_deletion: bool,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read(members),
            enforce_consumer_deletion: members.boolean("EnforceConsumerDeletion").unwrap_or(false),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let at = input.stream.address(ctx.caller)?;
    let due_ms = ctx.inner.now_ms() + ctx.inner.config.transition_delay_ms;

    let (account, region, name) = (at.account.to_owned(), at.region.to_owned(), at.name.to_owned());
    let enforce = input.enforce_consumer_deletion;
    let change = move |snapshot: &Snapshot| {
        let at = Address { account: &account, region: &region, name: &name };
        start_deleting(snapshot, at, due_ms, enforce).map(|edit| edit.finish(()))
    };
    ctx.inner.change(change).await?;
    ctx.inner.due_changed.notify_one();
    Ok(Done)
}

fn start_deleting(
    snapshot: &Snapshot,
    at: Address<'_>,
    due_ms: u64,
    enforce: bool,
) -> Result<Edit, Error> {
    let stream = snapshot.stream(at).ok_or_else(|| Error::stream_not_found(at))?;
    let mut edit = Edit::new(snapshot);
    let mut logs = Vec::new();
    match stream.status {
        Status::Active => {}
        // The creation is given up: its intent goes, and its logs go with this one.
        Status::Creating => {
            let creation = snapshot.intents().find(|(_, intent)| intent.stream_id == stream.id);
            if let Some((number, intent)) = creation {
                if let Plan::Create { shards } = &intent.plan {
                    logs = shards.iter().map(|shard| shard.log).collect();
                }
                edit.drop_intent(number);
            }
        }
        Status::Updating | Status::Deleting => return Err(Error::not_active(at, stream.status)),
    }
    for consumer in snapshot.consumers(at).iter().flat_map(|all| all.values()) {
        if !enforce {
            let (stream, account) = (at.name.to_owned(), at.account.to_owned());
            return Err(Error::ConsumersRemain { stream, account });
        }
        consumers::start_deleting(&mut edit, snapshot, consumer);
    }
    let stream = Stream { status: Status::Deleting, ..Stream::clone(stream) };
    edit.add_intent(Intent::new(&stream, due_ms, Plan::Delete { logs }));
    edit.put_stream(stream);
    Ok(edit)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    const S: &str = r#"{"StreamName":"s"}"#;
    const NOT_FOUND: &str =
        "ResourceNotFoundException: Stream s under account 000000000000 not found.";

    #[test]
    fn a_stream_passes_through_deleting() {
        let world = World::with_stream(1);
        world.check("DeleteStream", r#"{"StreamName":"s","EnforceConsumerDeletion":true}"#, "");
        assert_eq!(world.status("s"), "DELETING");
        world.check(
            "DeleteStream",
            S,
            "ResourceInUseException: Stream s under account 000000000000 not ACTIVE, instead in \
             state DELETING",
        );

        world.settle();
        world.check("DescribeStreamSummary", S, NOT_FOUND);
        world.check("DeleteStream", S, NOT_FOUND);
    }

    #[test]
    fn a_stream_that_is_deleted_takes_and_gives_records_to_the_end() {
        let world = World::with_stream(1);
        world.put("s", "k", b"before");
        world.check("DeleteStream", S, "");
        world.put("s", "k", b"meanwhile");
        assert_eq!(world.read_all("s", 0), [&b"before"[..], b"meanwhile"]);

        world.settle();
        let input = r#"{"StreamName":"s","PartitionKey":"k","Data":""}"#;
        world.check("PutRecord", input, NOT_FOUND);
    }

    #[test]
    fn a_stream_may_be_deleted_while_it_is_created() {
        let world = World::new();
        world.check("CreateStream", r#"{"StreamName":"s","ShardCount":2}"#, "");
        world.check("DeleteStream", S, "");
        assert_eq!(world.status("s"), "DELETING");

        world.settle();
        world.check("DescribeStreamSummary", S, NOT_FOUND);
    }

    #[test]
    fn consumers_stand_in_the_way_or_go_too() {
        let mut world = World::with_stream(1);
        world.register("a");
        world.settle();
        world.register("b");
        world.check(
            "DeleteStream",
            S,
            "ResourceInUseException: DeleteStream can't delete 000000000000:s because there are \
             consumers associated with this data stream. To delete s anyway, set the \
             EnforceConsumerDeletion parameter to true to force the deletion of all the consumers \
             that are associated with it.",
        );
        let enforced = r#"{"StreamName":"s","EnforceConsumerDeletion":true}"#;
        world.check("DeleteStream", enforced, "");
        assert_eq!((world.consumer_status("a"), world.consumer_status("b")), {
            let deleting = "DELETING".to_owned();
            (deleting.clone(), deleting)
        });
        world.kill();
        world.check("DescribeStreamSummary", S, NOT_FOUND);
        world.create("s", 1);
        assert_eq!(world.summary("s")["ConsumerCount"], 0);
    }

    #[test]
    fn what_was_being_deleted_is_gone_after_a_restart() {
        let mut world = World::with_stream(1);
        world.put("s", "k", b"a");
        world.check("DeleteStream", S, "");
        world.restart();
        world.check("DescribeStreamSummary", S, NOT_FOUND);
        world.restart();
        world.create("s", 1);
        assert_eq!(world.read_all("s", 0), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_namesake_has_none_of_the_records_and_greater_numbers() {
        let world = World::with_stream(1);
        let old = world.put("s", "k", b"old");
        world.check("DeleteStream", S, "");
        world.settle();
        world.create("s", 1);

        assert_eq!(world.read_all("s", 0), Vec::<Vec<u8>>::new());
        let new = world.put("s", "k", b"new");
        assert!((new.len(), &new) > (old.len(), &old), "{old} {new}");
    }
}
