//! The room's state: alarms, metric store, clock, and what happens between calls.
//!
//! A [`CloudWatch`] is a handle; all clones share one state. Nothing here spawns a task or waits for a timer: whoever
//! opened it calls [`CloudWatch::tick`] when that asks to be called, and again when [`CloudWatch::next_due_changed`]
//! rings.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use nautilus_identity::{Authorized, Caller, Resource};
use nautilus_log::{Clock, Rng};
use nautilus_metrics::{MetricStore, Series};
use nautilus_sns::Sns;
use nautilus_store::{Change, ChangeError, Namespace, Store};
use nautilus_wire::{Answer, AwsError, Protocol, Value};
use tokio::sync::Notify;

use crate::{
    alarm::{
        actions,
        model::Alarm,
        reason,
        schedule::{self, Schedule},
        told::Told,
        transition::Ids,
    },
    catalog::{self, Edit, Snapshot},
    collect::{Collector, Need},
    error::Error,
    limits, ops,
    source::Source,
    totals::{Total, Totals},
};

/// What the room is made of.
pub struct Parts {
    /// The catalog: the room has a namespace of its own in it.
    pub store: Store,
    /// All samples.
    pub metrics: MetricStore,
    /// Who is told by alarms.
    pub sns: Sns,
    /// Who counts.
    pub sources: Vec<Arc<dyn Source>>,
    /// The service clock.
    pub clock: Arc<dyn Clock>,
    /// For ids.
    pub rng: Arc<dyn Rng>,
}

/// CloudWatch over one catalog and one metric store.
#[derive(Clone)]
pub struct CloudWatch {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) catalog: Namespace<Snapshot>,
    /// For what of the namespace is not in memory.
    pub(crate) store: Store,
    pub(crate) metrics: MetricStore,
    pub(crate) sns: Sns,
    pub(crate) sources: Vec<Arc<dyn Source>>,
    pub(crate) collector: Collector,
    pub(crate) totals: Totals,
    pub(crate) schedule: Schedule,
    pub(crate) told: Told,
    pub(crate) ids: Ids,
    next_prune_ms: AtomicU64,
    due_changed: Notify,
    clock: Arc<dyn Clock>,
}

impl CloudWatch {
    /// Opens the room with what its last life left.
    pub fn open(parts: Parts) -> Result<CloudWatch, Error> {
        let Parts { store, metrics, sns, sources, clock, rng } = parts;
        let snapshot = Snapshot::load(&store)?;
        tell_hints(&snapshot);
        let inner = Inner {
            catalog: Namespace::new(&store, catalog::NAMESPACE, snapshot),
            store,
            metrics,
            sns,
            sources,
            collector: Collector::default(),
            totals: Totals::default(),
            schedule: Schedule::default(),
            told: Told::default(),
            ids: Ids(rng),
            next_prune_ms: AtomicU64::new(0),
            due_changed: Notify::new(),
            clock,
        };
        Ok(CloudWatch { inner: Arc::new(inner) })
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// The names of all operations.
    pub fn operations() -> Vec<&'static str> {
        ops::Operation::ALL.iter().map(|operation| operation.name()).collect()
    }

    /// Whether there is such an operation here.
    pub fn knows(operation: &str) -> bool {
        ops::Operation::from_name(operation).is_some()
    }

    /// One call, in the client's protocol: what `input` means, and how the answer is written. Dropping the future does
    /// not take back what it has started.
    pub async fn call(
        &self,
        protocol: Protocol,
        caller: &Caller,
        operation: &str,
        input: Value<'_>,
    ) -> Result<Answer, AwsError> {
        let request = Request { inner: &self.inner, caller };
        let operation =
            ops::Operation::from_name(operation).ok_or_else(AwsError::unknown_operation)?;
        operation.call(request, input, protocol).await.map_err(AwsError::from)
    }

    /// Does what is due; answers when it wants to be called next, in ms of the clock.
    pub async fn tick(&self) -> Option<u64> {
        let inner = &*self.inner;
        if inner.collector.is_due(inner.now_ms())
            && let Err(error) = inner.collect(Need::Now).await
        {
            tracing::warn!(%error, "what was counted could not be stored");
        }
        actions::record_deliveries(inner).await;
        schedule::run_due(inner).await;
        let next_action = actions::run_due(inner).await;
        inner.prune_history().await;
        let now_ms = inner.now_ms();
        let next_look = inner.schedule.next_ms(&inner.catalog.load(), now_ms);
        let next_delivery = inner.sns.next_due().map(|_| now_ms + limits::DELIVERIES_INTERVAL_MS);
        let next = [next_action, next_look, next_delivery].into_iter().flatten();
        Some(next.fold(inner.collector.next_ms(now_ms), u64::min))
    }

    /// Brings what was counted into the store and the totals, unless that was done within this second.
    pub async fn refresh(&self) -> Result<(), Error> {
        self.inner.collect(Need::Fresh).await
    }

    /// What this server counted of itself since it started, by metric, up to the last [`CloudWatch::refresh`]. Takes as
    /// long as there are metrics.
    pub fn totals(&self) -> Vec<(Series, Total)> {
        self.inner.totals.all(self.inner.now_ms())
    }

    /// Brings what was counted into the store: the clock is about to be moved.
    pub async fn collect(&self) -> Result<(), Error> {
        self.inner.collect(Need::Now).await
    }

    /// Rings when the next tick is wanted earlier than the last one said.
    pub fn next_due_changed(&self) -> &Notify {
        &self.inner.due_changed
    }

    /// Brings what was counted in the open minute into the store: the server stops.
    pub async fn stop(&self) -> Result<(), Error> {
        actions::record_deliveries(&self.inner).await;
        self.inner.collect(Need::Now).await
    }
}

impl Inner {
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    pub(crate) fn monotonic_us(&self) -> u64 {
        self.clock.monotonic_us()
    }

    /// Something is due earlier than the last tick said.
    pub(crate) fn ring(&self) {
        self.due_changed.notify_one();
    }

    /// Lets the items of histories go that are too old or too many, once in a while.
    async fn prune_history(&self) {
        let now_ms = self.now_ms();
        if now_ms < self.next_prune_ms.load(Ordering::SeqCst) {
            return;
        }
        self.next_prune_ms.store(now_ms + limits::HISTORY_PRUNE_INTERVAL_MS, Ordering::SeqCst);
        let pruned = self.change(move |snapshot| {
            let mut edit = Edit::new(snapshot);
            edit.prune_history(now_ms);
            Ok(edit.finish(()))
        });
        if let Err(error) = pruned.await {
            tracing::warn!(%error, "the history of alarms could not be pruned");
        }
    }

    /// One change of the catalog: durable, then published, then answered.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Snapshot) -> Result<Change<Snapshot, T>, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.catalog.change(change).await.map_err(ChangeError::into_error)
    }
}

/// Tells the operator of alarms that can never get data.
fn tell_hints(snapshot: &Snapshot) {
    let alarms = snapshot.regions().flat_map(|region| region.alarms().values());
    let hints = alarms.filter_map(|alarm| match &**alarm {
        Alarm::Metric(alarm) => Some((&alarm.about.name, reason::hint(alarm)?)),
        Alarm::Composite(_) => None,
    });
    for (alarm, hint) in hints.take(limits::HINTS_TOLD_MAX) {
        tracing::warn!(alarm, hint, "an alarm has no data");
    }
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
    _authorized: Authorized,
}

impl<'a> Request<'a> {
    /// The only way to a [`Ctx`], and so to an operation's `act`.
    pub(crate) fn authorize(self, action: &str, resource: &str) -> Result<Ctx<'a>, Error> {
        let account = match resource.strip_prefix("arn:") {
            Some(rest) => rest.split(':').nth(3).unwrap_or_default(),
            None => &self.caller.account,
        };
        let resource = Resource { arn: resource, account, policy: None };
        let _authorized = nautilus_identity::authorize(self.caller, action, &resource)?;
        Ok(Ctx { inner: self.inner, caller: self.caller, _authorized })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, caller};

    #[test]
    fn an_operation_that_is_not_built_is_unknown() {
        let world = World::new();
        for name in ["PutDashboard", "PutLogAlarm", "PutAnomalyDetector", "putmetricalarm", ""] {
            assert!(!CloudWatch::knows(name), "{name}");
            assert_eq!(world.call_as(&caller(), name, "{}"), "UnknownOperationException");
        }
        assert!(CloudWatch::knows("PutMetricAlarm"));
    }

    #[test]
    fn a_call_may_move_between_threads() {
        fn is_send<T: Send>(_: T) {}
        let (world, caller) = (World::new(), caller());
        let input = Value::Map(Vec::new());
        is_send(world.room().call(Protocol::Json, &caller, "DescribeAlarms", input));
        is_send(world.room().tick());
        is_send(world.room().stop());
    }

    #[test]
    fn an_input_that_is_no_structure_is_refused() {
        let answer = World::new().call_as(&caller(), "DescribeAlarms", "[]");
        assert_eq!(answer, "SerializationException");
    }
}
