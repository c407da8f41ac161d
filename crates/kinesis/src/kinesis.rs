//! The room's state: catalog, journal, clock, and what happens between calls.
//!
//! A [`Kinesis`] is a handle; all clones share one state. Nothing here spawns a task or waits for a timer: whoever
//! opened it calls [`Kinesis::tick`] when that asks to be called, and again when [`Kinesis::next_due_changed`] rings.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use nautilus_identity::{Authorized, Caller};
use nautilus_log::{Clock, Journal, Rng, ShardLogId, wait};
use nautilus_store::{Change, ChangeError, Namespace, Store};
use nautilus_wire::{Answer, AwsError, Protocol, Value};
use tokio::sync::Notify;

use crate::{
    catalog::{self, Address, Edit, Snapshot},
    error::Error,
    faults::Faults,
    limits::{self, Limits},
    metrics::Meters,
    model::{seal::Seal, stream::Stream},
    on_demand::{Spread, scaling, scaling::Looks},
    ops::{self, Response},
    policy,
    rates::Rates,
    retention,
    subscription::{Register, Wheel},
    transitions,
};

/// What an operator may choose.
#[derive(Debug, Clone)]
pub struct Config {
    /// How long a stream stays CREATING, UPDATING, DELETING.
    pub transition_delay_ms: u64,
    /// Which rates, quotas and counts hold. Validation always does.
    pub limits: Limits,
    /// Whether the data operations are counted for CloudWatch.
    pub metrics: bool,
}

/// Kinesis Data Streams over one catalog and one journal.
#[derive(Clone)]
pub struct Kinesis {
    inner: Arc<Inner>,
}

/// Which shard logs the catalog knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shards {
    /// Those that may hold records.
    pub living: Vec<ShardLogId>,
    /// The first id that was never given.
    pub next_id: u64,
}

pub(crate) struct Inner {
    pub(crate) catalog: Namespace<Snapshot>,
    pub(crate) journal: Journal,
    pub(crate) seal: Seal,
    pub(crate) config: Config,
    pub(crate) rates: Rates,
    pub(crate) faults: Faults,
    pub(crate) meters: Meters,
    pub(crate) spread: Spread,
    pub(crate) looks: Looks,
    pub(crate) subscriptions: Register,
    pub(crate) wheel: Wheel,
    pub(crate) due_changed: Notify,
    /// Rung at each tick: writes that wait for a newer catalog look at the clock then.
    pub(crate) ticked: Notify,
    pub(crate) rerouting: AtomicUsize,
    pub(crate) next_trim_ms: AtomicU64,
    clock: Arc<dyn Clock>,
    /// The furthest that the clock was, as long as it is near.
    furthest_ms: AtomicU64,
}

/// Reads from the catalog which shard logs exist: the journal is opened with them.
pub fn living_shards(store: &Store) -> Result<Shards, Error> {
    Ok(match Snapshot::load(store.rows(catalog::NAMESPACE)?)? {
        Some(snapshot) => {
            Shards { living: snapshot.shard_logs(), next_id: snapshot.next_shard_log() }
        }
        None => Shards { living: Vec::new(), next_id: 1 },
    })
}

impl Kinesis {
    /// Opens the room. When it answers, every change that the last life left under way is finished.
    pub fn open(
        store: Store,
        journal: Journal,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        config: Config,
    ) -> Result<Kinesis, Error> {
        let now_ms = clock.now_ms();
        let mut is_new = false;
        let catalog = Namespace::open(&store, catalog::NAMESPACE, |rows| {
            let loaded = Snapshot::load(rows)?;
            is_new = loaded.is_none();
            Ok::<_, Error>(loaded.unwrap_or_else(|| Snapshot::new(&*rng)))
        })?;
        let inner = Inner {
            seal: catalog.snapshot().seal(),
            catalog,
            journal,
            rates: Rates::new(&config.limits),
            faults: Faults::new(Arc::clone(&clock), rng),
            meters: Meters::new(config.metrics),
            spread: Spread::default(),
            looks: Looks::default(),
            config,
            subscriptions: Register::default(),
            wheel: Wheel::default(),
            due_changed: Notify::new(),
            ticked: Notify::new(),
            rerouting: AtomicUsize::new(0),
            next_trim_ms: AtomicU64::new(0),
            clock,
            furthest_ms: AtomicU64::new(now_ms),
        };
        if is_new {
            wait(inner.change(|snapshot| Ok(Edit::first(snapshot).finish(()))))?;
        }
        wait(transitions::finish_all(&inner))?;
        Ok(Kinesis { inner: Arc::new(inner) })
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    pub(crate) fn catalog_snapshot(&self) -> Arc<Snapshot> {
        self.inner.catalog.snapshot()
    }

    /// What is made to fail.
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// Whether there is such an operation here.
    pub fn knows(operation: &str) -> bool {
        ops::Operation::from_name(operation).is_some()
    }

    /// One call of the operator's, in JSON: neither account rates nor policies hold for it, and operations that answer
    /// with events are not for it. Dropping the future does not take back what it has started.
    pub async fn call(
        &self,
        caller: &Caller,
        operation: &str,
        input: Value<'_>,
    ) -> Result<Answer, AwsError> {
        match self.call_by(Door::Operator, Protocol::Json, caller, operation, input).await? {
            Response::Answer(answer) => Ok(answer),
            Response::Events(_) => Err(AwsError::unknown_operation()),
        }
    }

    /// One call of a client's, in its protocol: what `input` means, and how the answer is written.
    pub async fn call_in(
        &self,
        protocol: Protocol,
        caller: &Caller,
        operation: &str,
        input: Value<'_>,
    ) -> Result<Response, AwsError> {
        self.call_by(Door::Clients, protocol, caller, operation, input).await
    }

    async fn call_by(
        &self,
        door: Door,
        protocol: Protocol,
        caller: &Caller,
        operation: &str,
        input: Value<'_>,
    ) -> Result<Response, AwsError> {
        let request = Request { inner: &self.inner, caller };
        let operation =
            ops::Operation::from_name(operation).ok_or_else(AwsError::unknown_operation)?;
        operation.call(request, input, protocol, door).await.map_err(AwsError::from)
    }

    /// Finishes what is due and lets expired records go; answers when it wants to be called next, in ms of the clock.
    pub async fn tick(&self) -> Option<u64> {
        let inner = &*self.inner;
        // First: they are not to wait for a change that takes long.
        inner.wheel.ring(inner.now_ms());
        let next_transition = transitions::finish_due(inner).await;
        let next_trim = retention::trim(inner).await.min(scaling::scale(inner).await);
        inner.ticked.notify_waiters();
        let next_ring = inner.wheel.next_ms();
        let next = [next_transition, next_ring].into_iter().flatten().fold(next_trim, u64::min);
        Some(match inner.rerouting.load(Ordering::SeqCst) {
            0 => next,
            _ => next.min(inner.now_ms() + limits::REROUTE_TICK_MS),
        })
    }

    /// Ends all subscriptions as if their time were over: the server stops.
    pub fn end_subscriptions(&self) {
        self.inner.subscriptions.stop();
    }

    /// Rings when the next tick is wanted earlier than the last one said.
    pub fn next_due_changed(&self) -> &Notify {
        &self.inner.due_changed
    }
}

impl Inner {
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// For durations.
    pub(crate) fn monotonic_us(&self) -> u64 {
        self.clock.monotonic_us()
    }

    /// [`Inner::now_ms`] and [`Inner::monotonic_us`].
    pub(crate) fn now_ms_and_monotonic_us(&self) -> (u64, u64) {
        self.clock.now_ms_and_monotonic_us()
    }

    /// The latest moment that is not in the future: while the wall clock has jumped, either clock may be right.
    pub(crate) fn latest_ms(&self) -> u64 {
        self.now_ms().max(self.clock.wall_ms())
    }

    /// True while nobody knows what time it is.
    pub(crate) fn time_is_unsure(&self) -> bool {
        self.clock.is_unsure()
    }

    /// The time by which records expire. It stands still while time is unsure, and when the clock is set back a little;
    /// when it is set back far, it was wrong before: then the journal knows what had expired.
    pub(crate) fn expiry_now_ms(&self) -> u64 {
        if self.time_is_unsure() {
            return self.furthest_ms.load(Ordering::SeqCst);
        }
        let now = self.now_ms();
        let furthest = self.furthest_ms.fetch_max(now, Ordering::SeqCst);
        if furthest.saturating_sub(now) <= limits::SMALL_STEP_MS {
            return furthest.max(now);
        }
        let _ =
            self.furthest_ms.compare_exchange(furthest, now, Ordering::SeqCst, Ordering::SeqCst);
        now
    }

    /// The newest state of a stream.
    pub(crate) fn stream(&self, at: Address<'_>) -> Result<Arc<Stream>, Error> {
        let snapshot = self.catalog.load();
        snapshot.stream(at).cloned().ok_or_else(|| Error::stream_not_found(at))
    }

    /// One change of the catalog: durable, then published, then answered.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Snapshot) -> Result<Change<Snapshot, T>, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.catalog.change(change).await.map_err(ChangeError::into_error)
    }
}

/// By which door a call came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// The network: rates and policies hold.
    Clients,
    /// This process: whose data it is.
    Operator,
}

/// A call that is not authorised yet: enough to name its resource.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub inner: &'a Arc<Inner>,
    pub caller: &'a Caller,
}

/// An authorised call.
pub(crate) struct Ctx<'a> {
    pub inner: &'a Arc<Inner>,
    pub caller: &'a Caller,
    door: Door,
    _authorized: Authorized,
}

impl<'a> Request<'a> {
    /// The only way to a [`Ctx`], and so to an operation's `act`.
    pub(crate) fn authorize(
        self,
        door: Door,
        action: &str,
        resource: &str,
    ) -> Result<Ctx<'a>, Error> {
        let _authorized = policy::authorize(self, door, action, resource)?;
        Ok(Ctx { inner: self.inner, caller: self.caller, door, _authorized })
    }
}

impl Ctx<'_> {
    /// For what an operation does besides, as AWS has an action of its own for it.
    pub(crate) fn authorize_too(&self, action: &str, resource: &str) -> Result<(), Error> {
        let request = Request { inner: self.inner, caller: self.caller };
        let _authorized = policy::authorize(request, self.door, action, resource)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, World};

    #[test]
    fn an_operation_that_is_not_built_is_unknown() {
        let world = World::new();
        assert!(Kinesis::knows("PutRecord") && !Kinesis::knows("CreateQueue"));
        let answer = world.call_as(&testing::caller(), "CreateQueue", "{}");
        assert_eq!(answer, "UnknownOperationException");
    }

    #[test]
    fn a_call_may_move_between_threads() {
        fn is_send<T: Send>(_: T) {}
        let (world, caller) = (World::new(), testing::caller());
        is_send(world.room().kinesis.call(&caller, "ListStreams", Value::Map(Vec::new())));
        is_send(world.room().kinesis.tick());
    }

    #[test]
    fn the_next_tick_is_wanted_when_a_transition_is_due() {
        let world = World::new();
        let tick = || world.run(world.room().kinesis.tick());
        let idle = tick();
        assert_eq!(idle, Some(testing::NOW_MS + limits::TRIM_INTERVAL_MS));

        world.check("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#, "");
        let rung = world.room().kinesis.next_due_changed().notified();
        world.run(rung);
        assert_eq!(tick(), Some(testing::NOW_MS + testing::DELAY_MS));
        world.settle();
        assert_eq!(tick(), idle);
    }

    #[test]
    fn an_input_that_is_no_structure_is_refused() {
        let answer = World::new().call_as(&testing::caller(), "ListStreams", "[]");
        assert_eq!(answer, "SerializationException");
    }
}
