//! How the consumers of streams change: registered, labelled, deregistered.
//!
//! What ends CREATING and DELETING stands in an intent, which `transitions.rs` finishes.

use std::{collections::BTreeMap, sync::Arc};

use nautilus_wire::{Output, Writer};

use crate::{
    catalog::{self, Address, Edit, Intent, Plan, Snapshot},
    error::Error,
    kinesis::Inner,
    limits::Limits,
    model::{
        arn::ConsumerArn,
        consumer::{Consumer, ConsumerStatus},
        live::Counted,
        stream::{Status, Stream},
    },
    quota,
    resource::Attached,
    tags::{self, Door},
};

/// Registers a consumer with a stream that must be ACTIVE. It is CREATING until its time is over.
pub(crate) async fn register(
    inner: &Inner,
    at: Address<'_>,
    consumer: String,
    tags: BTreeMap<String, String>,
) -> Result<Consumer, Error> {
    let (now_ms, limits) = (inner.now_ms(), inner.config.limits);
    let due_ms = now_ms + inner.config.transition_delay_ms;
    let (account, region, name) = (at.account.to_owned(), at.region.to_owned(), at.name.to_owned());
    let change = move |snapshot: &Snapshot| {
        let at = Address { account: &account, region: &region, name: &name };
        let stream = snapshot.stream(at).ok_or_else(|| Error::stream_not_found(at))?;
        check_may_register(snapshot, stream, &consumer)?;
        let mut edit = Edit::new(snapshot);
        let mut consumer = new_consumer(stream, consumer, edit.consumer_second(now_ms / 1000));
        tags::add(Attached::of_consumer(&mut consumer), &tags, Door::Resource)?;
        check_quotas(snapshot, at, now_ms, &limits)?;

        let plan =
            Plan::Register { consumer: consumer.name.clone(), created_ms: consumer.created_ms };
        edit.add_intent(Intent::new(stream, due_ms, plan));
        edit.put_consumer(consumer.clone());
        Ok(edit.finish(consumer))
    };
    let consumer = inner.change(change).await?;
    inner.due_changed.notify_one();
    Ok(consumer)
}

fn check_may_register(snapshot: &Snapshot, stream: &Stream, name: &str) -> Result<(), Error> {
    let at = Address::of(stream);
    if stream.status != Status::Active {
        return Err(Error::not_active(at, stream.status));
    }
    match snapshot.consumer(at, name) {
        None => Ok(()),
        Some(_) => Err(Error::ConsumerExists {
            consumer: name.to_owned(),
            stream: at.name.to_owned(),
            account: at.account.to_owned(),
        }),
    }
}

fn check_quotas(
    snapshot: &Snapshot,
    at: Address<'_>,
    now_ms: u64,
    limits: &Limits,
) -> Result<(), Error> {
    let is_advantage = snapshot.commitment(at.account, at.region).holds_at(now_ms);
    quota::check_new_consumer(snapshot, at, is_advantage, limits)
}

fn new_consumer(stream: &Stream, name: String, created_second: u64) -> Consumer {
    Consumer {
        account: stream.account.clone(),
        region: stream.region.clone(),
        stream: stream.name.clone(),
        stream_id: stream.id,
        name,
        status: ConsumerStatus::Creating,
        created_ms: created_second * 1000,
        tags: BTreeMap::new(),
        policy: None,
        counted: Counted::default(),
    }
}

/// Takes a consumer away: it is DELETING until its time is over. One that is DELETING already stays so.
pub(crate) async fn deregister(inner: &Inner, consumer: &Consumer) -> Result<(), Error> {
    let due_ms = inner.now_ms() + inner.config.transition_delay_ms;
    let arn = consumer.arn();
    let change = move |snapshot: &Snapshot| {
        let consumer = newest(snapshot, &arn)?;
        if consumer.status == ConsumerStatus::Deleting {
            return Ok(catalog::unchanged(()));
        }
        let at = Address::of_consumer(consumer);
        let stream = snapshot.stream(at).ok_or_else(|| Error::stream_not_found(at))?;
        let mut edit = Edit::new(snapshot);
        start_deleting(&mut edit, snapshot, consumer);
        let plan =
            Plan::Deregister { consumer: consumer.name.clone(), created_ms: consumer.created_ms };
        edit.add_intent(Intent::new(stream, due_ms, plan));
        Ok(edit.finish(()))
    };
    inner.change(change).await?;
    inner.due_changed.notify_one();
    Ok(())
}

/// The consumer is DELETING, and what would have ended another state of it is dropped. Whoever calls plans its end.
pub(crate) fn start_deleting(edit: &mut Edit, snapshot: &Snapshot, consumer: &Consumer) {
    for (number, intent) in snapshot.intents() {
        if intent.is_of_consumer(consumer) {
            edit.drop_intent(number);
        }
    }
    edit.retire_consumer_second(consumer.created_second());
    edit.put_consumer(Consumer { status: ConsumerStatus::Deleting, ..consumer.clone() });
}

/// Changes what a consumer that must be ACTIVE is labelled with.
pub(crate) async fn update(
    inner: &Inner,
    consumer: &Consumer,
    update: impl FnOnce(&mut Consumer) -> Result<(), Error> + Send + 'static,
) -> Result<(), Error> {
    let arn = consumer.arn();
    let change = move |snapshot: &Snapshot| {
        let consumer = newest(snapshot, &arn)?;
        if consumer.status != ConsumerStatus::Active {
            return Err(Error::consumer_not_active(consumer));
        }
        let mut consumer = Consumer::clone(consumer);
        update(&mut consumer)?;
        let mut edit = Edit::new(snapshot);
        edit.put_consumer(consumer);
        Ok(edit.finish(()))
    };
    inner.change(change).await
}

/// A consumer as it is now, by the ARN that it had a moment ago.
fn newest<'s>(snapshot: &'s Snapshot, arn: &str) -> Result<&'s Arc<Consumer>, Error> {
    let parts = ConsumerArn::parse(arn);
    let consumer = parts.and_then(|parts| snapshot.consumer_by_arn(&parts));
    consumer.ok_or_else(|| {
        Error::consumer_not_found(arn, parts.map_or("", |parts| parts.stream.account))
    })
}

/// What every description of a consumer begins with.
pub(crate) fn write_members<W: Writer>(w: &mut W, consumer: &Consumer) {
    w.field_str("ConsumerName", &consumer.name);
    w.field_str("ConsumerARN", &consumer.arn());
    w.field_str("ConsumerStatus", consumer.status.as_str());
    w.field_timestamp_ms("ConsumerCreationTimestamp", consumer.created_ms);
}

/// As RegisterStreamConsumer and ListStreamConsumers show it.
impl Output for Consumer {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| write_members(w, self));
    }
}
