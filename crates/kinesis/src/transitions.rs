//! How passing states end: CREATING and UPDATING in ACTIVE, DELETING in nothing.
//!
//! Each is an intent that was durable before its state was seen. Finishing one is: the journal's step, then a single
//! change that publishes the result and drops the intent; whoever comes second finds the intent gone and does
//! nothing. After a crash it is done again from the start, which is why the journal's steps may be repeated.

use std::sync::Arc;

use nautilus_log::ShardLogId;

use crate::{
    catalog::{self, Address, Edit, Intent, Plan, Snapshot},
    error::Error,
    kinesis::Inner,
    model::stream::{Status, Stream},
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
                let logs: Vec<_> = shards.iter().map(|shard| shard.log_id()).collect();
                inner.journal.create_shards(&logs);
                publish(inner, number).await?;
            }
            Plan::Update => publish(inner, number).await?,
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
        let mut due = intent.due_ms;
        if due <= now {
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
            let logs: Vec<_> = shards.iter().map(|shard| shard.log_id()).collect();
            inner.journal.create_shards(&logs);
            publish(inner, number).await
        }
        Plan::Update => publish(inner, number).await,
        Plan::Delete { logs } => {
            // Closed first: what is acknowledged from now on is acknowledged by a stream that still exists.
            let open = living_logs(inner, intent);
            if !open.is_empty() {
                let closed = inner.journal.close(open).await;
                closed.map_err(|refusal| Error::Log(format!("close: {refusal:?}")))?;
            }
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
                stream.shards = shards.clone();
            }
            edit.put_stream(stream);
        }
        Ok(edit.finish(()))
    };
    inner.change(change).await
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

fn living_logs(inner: &Inner, intent: &Intent) -> Vec<ShardLogId> {
    let snapshot = inner.catalog.snapshot();
    let stream = its_stream(&snapshot, intent);
    stream
        .map_or_else(Vec::new, |stream| stream.shards.iter().map(|shard| shard.log_id()).collect())
}
