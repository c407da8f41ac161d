//! How passing states of streams and consumers end: CREATING and UPDATING in ACTIVE, DELETING in nothing.
//!
//! Each is an intent that was durable before its state was seen. Finishing one is: the journal's step, then a single
//! change that publishes the result and drops the intent; whoever comes second finds the intent gone and does
//! nothing. After a crash it is done again from the start, which is why the journal's steps may be repeated.
//!
//! A reshard closes its parents in the journal, where each close is an entry in the queue of the writes: what was
//! acknowledged before it stands in the parent, what comes behind it is refused and waits (`append.rs`) for the one
//! change that shows closed parents and open children together. The journal knows of closed shards only as long as it
//! lives, and needs no more: frames are made only for the open shards of a snapshot (`append.rs`), and no snapshot of a
//! later life has a closed one open, since a plan is finished before anybody is served.

use std::{collections::BTreeMap, sync::Arc};

use nautilus_log::{
    Position, ShardLogId,
    mutant::{self, Mutant},
};

use crate::{
    catalog::{self, Address, Edit, Intent, Plan, Snapshot},
    error::Error,
    kinesis::Inner,
    limits,
    model::{
        consumer::{Consumer, ConsumerStatus},
        ids::ShardId,
        reshard::{Planner, Reshard},
        shard::Shard,
        stream::{Status, Stream, StreamMode},
    },
    quota,
};

/// How long to wait when the journal or the catalog did not let an intent be finished.
const RETRY_MS: u64 = 1000;

/// What a change of an ACTIVE stream's settings comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing was asked that is not so already: the stream stays ACTIVE and nothing is written.
    Nothing,
    /// The change is done at once.
    Immediate,
    /// The change is done and shown, and the stream passes through UPDATING.
    Passing,
}

/// Changes the settings of a stream that must be ACTIVE.
pub(crate) async fn update_stream<T: Send + 'static>(
    inner: &Inner,
    at: Address<'_>,
    update: impl FnOnce(&mut Stream) -> Result<(Effect, T), Error> + Send + 'static,
) -> Result<T, Error> {
    let due_ms = inner.now_ms() + inner.config.transition_delay_ms;
    let (account, region, name) = (at.account.to_owned(), at.region.to_owned(), at.name.to_owned());
    let change = move |snapshot: &Snapshot| {
        let at = Address { account: &account, region: &region, name: &name };
        let stream = snapshot.stream(at).ok_or_else(|| Error::stream_not_found(at))?;
        if stream.status != Status::Active {
            return Err(Error::not_active(at, stream.status));
        }
        let mut stream = Stream::clone(stream);
        let (effect, answer) = update(&mut stream)?;
        if effect == Effect::Nothing {
            return Ok(catalog::unchanged((effect, answer)));
        }
        let mut edit = Edit::new(snapshot);
        if effect == Effect::Passing {
            stream.status = Status::Updating;
            edit.add_intent(Intent::new(&stream, due_ms, Plan::Update));
        }
        edit.put_stream(stream);
        Ok(edit.finish((effect, answer)))
    };
    let (effect, answer) = inner.change(change).await?;
    if effect == Effect::Passing {
        inner.due_changed.notify_one();
    }
    Ok(answer)
}

/// Starts a reshard of a stream that must be ACTIVE and provisioned. Its shards stay as they are, and take records, until
/// the plan is due.
///
/// `plan` checks what is asked and says it to the planner; what it changes in the stream is kept if the planner has
/// something to do.
pub(crate) async fn reshard_stream<T: Send + 'static>(
    inner: &Inner,
    at: Address<'_>,
    plan: impl FnOnce(&Snapshot, &mut Stream, &mut Planner<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    reshard(inner, at, StreamMode::Provisioned, plan).await
}

/// The same for a stream on demand, which nobody asked for.
pub(crate) async fn reshard_on_demand<T: Send + 'static>(
    inner: &Inner,
    at: Address<'_>,
    plan: impl FnOnce(&Snapshot, &mut Stream, &mut Planner<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    reshard(inner, at, StreamMode::OnDemand, plan).await
}

async fn reshard<T: Send + 'static>(
    inner: &Inner,
    at: Address<'_>,
    mode: StreamMode,
    plan: impl FnOnce(&Snapshot, &mut Stream, &mut Planner<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let now_ms = inner.now_ms();
    let due_ms = now_ms + inner.config.transition_delay_ms;
    let (account, region, name) = (at.account.to_owned(), at.region.to_owned(), at.name.to_owned());
    let change = move |snapshot: &Snapshot| {
        let at = Address { account: &account, region: &region, name: &name };
        let before = snapshot.stream(at).ok_or_else(|| Error::stream_not_found(at))?;
        check_may_reshard(before, mode)?;
        let mut stream = Stream::clone(before);
        let created_second = (now_ms / 1000).max(before.last_created_second + 1);
        let mut planner = Planner::new(&before.shards, created_second);
        let answer = plan(snapshot, &mut stream, &mut planner)?;
        let count = planner.made();
        if count == 0 {
            return Ok(catalog::unchanged((false, answer)));
        }
        quota::check_shard_rows(before, count)?;

        let mut edit = Edit::new(snapshot);
        let reshard = planner.finish(edit.allot_shard_logs(count));
        // Noted with the plan: the name never gives these seconds again, whatever becomes of the stream.
        stream.last_created_second = reshard.last_created_second().unwrap_or(created_second);
        stream.status = Status::Updating;
        edit.add_intent(Intent::new(&stream, due_ms, Plan::Reshard(reshard)));
        edit.put_stream(stream);
        Ok(edit.finish((true, answer)))
    };
    let (started, answer) = inner.change(change).await?;
    if started {
        inner.due_changed.notify_one();
    }
    Ok(answer)
}

fn check_may_reshard(stream: &Stream, mode: StreamMode) -> Result<(), Error> {
    if stream.status != Status::Active {
        return Err(Error::not_active(Address::of(stream), stream.status));
    }
    if stream.mode == mode {
        return Ok(());
    }
    let present = match stream.mode {
        StreamMode::Provisioned => "Provisioned",
        StreamMode::OnDemand => "On-Demand",
    };
    Err(Error::Validation(format!(
        "Request is invalid. Stream {} under account {} is in {present} mode.",
        stream.name, stream.account
    )))
}

/// Finishes every intent; nobody is served yet, so nothing has to be closed.
pub(crate) async fn finish_all(inner: &Inner) -> Result<(), Error> {
    let snapshot = inner.catalog.snapshot();
    for (number, intent) in snapshot.intents() {
        tracing::info!(
            stream = intent.name,
            change = intent.plan.name(),
            "finishing what was under way"
        );
        match &intent.plan {
            Plan::Create { shards } => {
                inner.journal.create_shards(&logs_of(shards));
                publish(inner, number).await?;
            }
            Plan::Update => publish(inner, number).await?,
            Plan::Register { .. } | Plan::Deregister { .. } => {
                publish_consumer(inner, number).await?;
            }
            Plan::Reshard(reshard) => {
                inner.journal.create_shards(&logs_of(reshard.opening()));
                publish_reshard(inner, number, intent, reshard).await?;
            }
            Plan::Delete { logs } => remove(inner, number, intent, logs).await?,
        }
    }
    Ok(())
}

/// Finishes the intents that are due; answers when the next one is.
pub(crate) async fn finish_due(inner: &Inner) -> Option<u64> {
    let now = inner.now_ms();
    let snapshot = inner.catalog.snapshot();
    let mut next: Option<u64> = None;
    for (number, intent) in snapshot.intents() {
        // What would be due long after what begins now was begun before the clock was set back.
        let last_due = now + inner.config.transition_delay_ms + limits::SMALL_STEP_MS;
        let mut due = intent.due_ms;
        if due <= now || due > last_due {
            match finish(inner, number, intent).await {
                Ok(()) => continue,
                Err(error) => {
                    tracing::warn!(stream = intent.name, change = intent.plan.name(), %error, "a change waits");
                    due = now + RETRY_MS;
                }
            }
        }
        next = Some(next.map_or(due, |next| next.min(due)));
    }
    next
}

async fn finish(inner: &Inner, number: u64, intent: &Arc<Intent>) -> Result<(), Error> {
    match &intent.plan {
        Plan::Create { shards } => {
            inner.journal.create_shards(&logs_of(shards));
            publish(inner, number).await
        }
        Plan::Update => publish(inner, number).await,
        Plan::Register { .. } | Plan::Deregister { .. } => publish_consumer(inner, number).await,
        Plan::Reshard(reshard) => {
            inner.journal.create_shards(&logs_of(reshard.opening()));
            let snapshot = inner.catalog.snapshot();
            let stream = its_stream(&snapshot, intent);
            let parents = stream.map_or_else(Vec::new, |it| logs_of(closing(it, reshard)));
            if mutant::is(Mutant::ChildrenBeforeParentsEnd) {
                publish_reshard(inner, number, intent, reshard).await?;
                return close(inner, parents).await;
            }
            if !mutant::is(Mutant::CloseOutsideQueue) {
                close(inner, parents).await?;
            }
            publish_reshard(inner, number, intent, reshard).await
        }
        Plan::Delete { logs } => {
            // Closed first: what is acknowledged from now on is acknowledged by a stream that still exists.
            close(inner, living_logs(inner, intent)).await?;
            remove(inner, number, intent, logs).await
        }
    }
}

/// The stream is ACTIVE.
async fn publish(inner: &Inner, number: u64) -> Result<(), Error> {
    let change = move |snapshot: &Snapshot| {
        let Some(intent) = snapshot.intent(number) else {
            return Ok(catalog::unchanged(()));
        };
        let mut edit = Edit::new(snapshot);
        edit.drop_intent(number);
        if let Some(stream) = its_stream(snapshot, intent) {
            let mut stream = Stream::clone(stream);
            stream.status = Status::Active;
            if let Plan::Create { shards } = &intent.plan {
                stream.shards = shards.clone().into();
            }
            edit.put_stream(stream);
        }
        Ok(edit.finish(()))
    };
    inner.change(change).await
}

/// The consumer is ACTIVE, or gone.
async fn publish_consumer(inner: &Inner, number: u64) -> Result<(), Error> {
    let change = move |snapshot: &Snapshot| {
        let Some(intent) = snapshot.intent(number) else {
            return Ok(catalog::unchanged(()));
        };
        let mut edit = Edit::new(snapshot);
        edit.drop_intent(number);
        match (&intent.plan, its_consumer(snapshot, intent)) {
            (Plan::Register { .. }, Some(consumer)) => {
                let status = ConsumerStatus::Active;
                edit.put_consumer(Consumer { status, ..Consumer::clone(consumer) });
            }
            (_, Some(consumer)) => edit.remove_consumer(consumer),
            (_, None) => {}
        }
        Ok(edit.finish(()))
    };
    inner.change(change).await
}

/// Nothing more is taken by these logs. Doing it again is fine.
async fn close(inner: &Inner, logs: Vec<ShardLogId>) -> Result<(), Error> {
    if logs.is_empty() {
        return Ok(());
    }
    let closed = inner.journal.close(logs).await;
    closed.map(drop).map_err(|refusal| Error::Log(format!("close: {refusal:?}")))
}

/// The parents are closed where their logs end, the children are open, the stream is ACTIVE: at once.
///
/// The parents' logs take nothing any more, so that their ends stand: they were closed, or nobody is served yet.
async fn publish_reshard(
    inner: &Inner,
    number: u64,
    intent: &Intent,
    reshard: &Reshard,
) -> Result<(), Error> {
    let snapshot = inner.catalog.snapshot();
    let mut lasts = BTreeMap::<u32, Position>::new();
    // Not before anything that the parents have: a reader that starts at a moment finds in the shards of that moment,
    // and in those that follow them, all that came later.
    let mut closed_ms = inner.now_ms();
    if let Some(stream) = its_stream(&snapshot, intent) {
        for parent in closing(stream, reshard) {
            let tail = inner.journal.tail(parent.log_id()).ok_or_else(|| {
                Error::Log(format!("the log of {} in stream {} is gone", parent.id(), stream.name))
            })?;
            lasts.insert(parent.index, tail.visible_end - 1);
            closed_ms = closed_ms.max(tail.last_arrival_ms).max(parent.opened_ms);
        }
    }
    let change = move |snapshot: &Snapshot| {
        let Some(intent) = snapshot.intent(number) else {
            return Ok(catalog::unchanged(()));
        };
        let mut edit = Edit::new(snapshot);
        edit.drop_intent(number);
        if let (Plan::Reshard(reshard), Some(stream)) = (&intent.plan, its_stream(snapshot, intent))
        {
            let mut stream = Stream::clone(stream);
            stream.status = Status::Active;
            stream.shards.reshard(&reshard.make, &lasts, closed_ms);
            edit.put_stream(stream);
        }
        Ok(edit.finish(()))
    };
    inner.change(change).await
}

/// The open shards that a plan closes.
fn closing<'a>(stream: &'a Stream, reshard: &'a Reshard) -> impl Iterator<Item = &'a Shard> {
    reshard.close.iter().filter_map(|&index| stream.shard(ShardId(index)))
}

fn logs_of<'a>(shards: impl IntoIterator<Item = &'a Shard>) -> Vec<ShardLogId> {
    shards.into_iter().map(Shard::log_id).collect()
}

/// The stream is gone, then its logs.
async fn remove(inner: &Inner, number: u64, intent: &Intent, planned: &[u64]) -> Result<(), Error> {
    let mut logs = living_logs(inner, intent);
    logs.extend(planned.iter().copied().map(ShardLogId));
    let change = move |snapshot: &Snapshot| {
        let Some(intent) = snapshot.intent(number) else {
            return Ok(catalog::unchanged(()));
        };
        let mut edit = Edit::new(snapshot);
        edit.drop_intent(number);
        if let Some(stream) = its_stream(snapshot, intent) {
            edit.remove_stream(intent.address(), stream.last_created_second);
            let consumers = snapshot.consumers(intent.address());
            for consumer in consumers.iter().flat_map(|all| all.values()) {
                edit.remove_consumer(consumer);
            }
        }
        Ok(edit.finish(()))
    };
    inner.change(change).await?;
    inner.journal.forget_shards(&logs);
    Ok(())
}

fn its_stream<'a>(snapshot: &'a Snapshot, intent: &Intent) -> Option<&'a Arc<Stream>> {
    snapshot.stream(intent.address()).filter(|stream| stream.id == intent.stream_id)
}

fn its_consumer<'a>(snapshot: &'a Snapshot, intent: &Intent) -> Option<&'a Arc<Consumer>> {
    let (Plan::Register { consumer, .. } | Plan::Deregister { consumer, .. }) = &intent.plan else {
        return None;
    };
    snapshot.consumer(intent.address(), consumer).filter(|found| intent.is_of_consumer(found))
}

fn living_logs(inner: &Inner, intent: &Intent) -> Vec<ShardLogId> {
    let snapshot = inner.catalog.snapshot();
    let stream = its_stream(&snapshot, intent);
    stream.map_or_else(Vec::new, |stream| logs_of(stream.shards.all()))
}
