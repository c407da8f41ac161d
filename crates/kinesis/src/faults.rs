//! Faults that are injected into clients' calls, for tests of what they do about them.
//!
//! A fault says what fails, by the name that AWS's Fault Injection Service has for it, and which calls may meet it: of
//! one stream or shard, of some operations, of all; a share of them does, drawn from a seed, so that a test that
//! gives one meets the same ones again. Without a fault a call pays one look at an atomic.
//!
//! What a call's one shard decides is asked when the shard is known (`of_shard`): in PutRecords for each record, which
//! then fails by itself. Everything else is asked before the operation acts (`of_call`).

mod action;
#[cfg(test)]
mod tests;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use nautilus_log::{Clock, Rng, SeededRng};
use nautilus_wire::AwsError;
use parking_lot::RwLock;

pub use self::action::FaultAction;
use crate::{
    catalog::Address, error::Error, limits::FAULTS_MAX, model::ids::ShardId, ops::Operation,
    rates::control::CallRate,
};

/// What is to fail, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What fails.
    pub action: FaultAction,
    /// Only in the stream of this name.
    pub stream: Option<String>,
    /// Only in the shard of this id.
    pub shard: Option<String>,
    /// Only in these operations; if it is empty, in all that the action is for.
    pub operations: Vec<String>,
    /// How many of a hundred calls meet it.
    pub percentage: f64,
    /// For how long.
    pub duration_ms: Option<u64>,
    /// Decides which calls meet it.
    pub seed: Option<u64>,
}

/// A fault that was added, and what it has done.
#[derive(Debug, Clone, PartialEq)]
pub struct AddedFault {
    /// Its number, never given twice.
    pub id: u64,
    /// As it was added, but for its operations: those that it is in.
    pub fault: Fault,
    /// When it ends, in ms of the service clock.
    pub ends_ms: Option<u64>,
    /// Calls, or records of PutRecords, that might have met it.
    pub calls: u64,
    /// Those that did.
    pub injected: u64,
}

/// All faults of the process. They are forgotten when it ends.
pub struct Faults {
    /// Whether there are any: all that a call looks at if not.
    any: AtomicBool,
    list: RwLock<List>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

#[derive(Default)]
struct List {
    last_id: u64,
    faults: Vec<Active>,
}

struct Active {
    id: u64,
    fault: Fault,
    shard: Option<ShardId>,
    operations: Vec<Operation>,
    ends_ms: Option<u64>,
    rng: SeededRng,
    calls: AtomicU64,
    injected: AtomicU64,
}

impl Faults {
    pub(crate) fn new(clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Faults {
        Faults { any: AtomicBool::new(false), list: RwLock::default(), clock, rng }
    }

    /// Adds a fault; or says in a sentence what is wrong with it.
    pub fn add(&self, fault: Fault) -> Result<AddedFault, String> {
        self.change(|list| self.push(list, fault))
    }

    /// Puts faults in the place of those that there are; all or, if one is wrong, none.
    pub fn replace(&self, faults: Vec<Fault>) -> Result<Vec<AddedFault>, String> {
        self.change(|list| {
            let before = std::mem::take(&mut list.faults);
            let added = faults.into_iter().map(|fault| self.push(list, fault)).collect();
            if Result::is_err(&added) {
                list.faults = before;
            }
            added
        })
    }

    /// Takes one away; false if there is none of that number.
    pub fn remove(&self, id: u64) -> bool {
        self.change(|list| {
            let before = list.faults.len();
            list.faults.retain(|active| active.id != id);
            list.faults.len() < before
        })
    }

    /// Takes all away.
    pub fn clear(&self) {
        self.change(|list| list.faults.clear());
    }

    /// Those that have not ended.
    pub fn list(&self) -> Vec<AddedFault> {
        self.change(|list| list.faults.iter().map(Active::added).collect())
    }

    fn change<T>(&self, change: impl FnOnce(&mut List) -> T) -> T {
        let now_ms = self.clock.now_ms();
        let mut list = self.list.write();
        list.faults.retain(|active| !active.has_ended(now_ms));
        let changed = change(&mut list);
        self.any.store(!list.faults.is_empty(), Relaxed);
        changed
    }

    fn push(&self, list: &mut List, fault: Fault) -> Result<AddedFault, String> {
        if list.faults.len() >= FAULTS_MAX {
            return Err(format!("there are {FAULTS_MAX} faults already"));
        }
        let mut active = Active::new(fault)?;
        list.last_id += 1;
        active.id = list.last_id;
        active.rng = SeededRng::new(active.fault.seed.unwrap_or_else(|| self.rng.next_u64()));
        let ends_ms = |ms: u64| self.clock.now_ms().saturating_add(ms);
        active.ends_ms = active.fault.duration_ms.map(ends_ms);
        let added = active.added();
        list.faults.push(active);
        Ok(added)
    }

    /// Whether there are any.
    pub(crate) fn are_there(&self) -> bool {
        self.any.load(Relaxed)
    }

    /// The fault that a call meets before its shard is known.
    pub(crate) fn of_call(
        &self,
        operation: Operation,
        stream: Option<&str>,
    ) -> Option<FaultAction> {
        if !self.are_there() {
            return None;
        }
        self.draw(|active| active.is_of_call(operation) && active.is_in(operation, stream))
    }

    /// The fault that a call, or a record of PutRecords, meets in a shard.
    pub(crate) fn of_shard(
        &self,
        operation: Operation,
        stream: &str,
        shard: ShardId,
    ) -> Option<FaultAction> {
        if !self.are_there() {
            return None;
        }
        self.draw(|active| {
            !active.is_of_call(operation)
                && active.is_in(operation, Some(stream))
                && active.shard.is_none_or(|only| only == shard)
        })
    }

    /// The first that hits. Those behind it are not asked.
    fn draw(&self, is_met: impl Fn(&Active) -> bool) -> Option<FaultAction> {
        let now_ms = self.clock.now_ms();
        let list = self.list.read();
        let mut met =
            list.faults.iter().filter(|active| !active.has_ended(now_ms) && is_met(active));
        met.find(|active| active.hits()).map(|active| active.fault.action)
    }
}

impl Active {
    fn new(fault: Fault) -> Result<Active, String> {
        if !(fault.percentage > 0.0 && fault.percentage <= 100.0) {
            return Err("`percentage` is above 0 and 100 at most".to_owned());
        }
        let shard = fault
            .shard
            .as_deref()
            .map(|text| ShardId::parse(text).ok_or_else(|| format!("`{text}` is no shard's id")));
        let shard = shard.transpose()?;
        let mut operations = Vec::with_capacity(fault.operations.len());
        for name in &fault.operations {
            let operation = Operation::from_name(name);
            let operation = operation.ok_or_else(|| format!("there is no operation `{name}`"))?;
            if !fault.action.may_be_in(operation) {
                return Err(format!("{} is not for {name}", fault.action.name()));
            }
            if shard.is_some() && !is_of_a_shard(operation) {
                return Err(format!("{name} is not about one shard"));
            }
            operations.push(operation);
        }
        if operations.is_empty() {
            let all = Operation::ALL.iter().copied();
            let may_be = |it: &Operation| shard.is_none() || is_of_a_shard(*it);
            operations = all.filter(|it| fault.action.may_be_in(*it) && may_be(it)).collect();
        }
        Ok(Active {
            id: 0,
            fault,
            shard,
            operations,
            ends_ms: None,
            rng: SeededRng::new(0),
            calls: AtomicU64::new(0),
            injected: AtomicU64::new(0),
        })
    }

    fn added(&self) -> AddedFault {
        let operations = self.operations.iter().map(|it| it.name().to_owned()).collect();
        AddedFault {
            id: self.id,
            fault: Fault { operations, ..self.fault.clone() },
            ends_ms: self.ends_ms,
            calls: self.calls.load(Relaxed),
            injected: self.injected.load(Relaxed),
        }
    }

    fn has_ended(&self, now_ms: u64) -> bool {
        self.ends_ms.is_some_and(|ends_ms| ends_ms <= now_ms)
    }

    /// Whether it is asked before the call's shard is known. What the API injects into PutRecords fails the whole call.
    fn is_of_call(&self, operation: Operation) -> bool {
        let fails_whole = operation == Operation::PutRecords && self.fault.action.is_of_the_api();
        !is_of_a_shard(operation) || (fails_whole && self.shard.is_none())
    }

    fn is_in(&self, operation: Operation, stream: Option<&str>) -> bool {
        self.operations.contains(&operation)
            && self.fault.stream.as_deref().is_none_or(|only| stream == Some(only))
    }

    fn hits(&self) -> bool {
        self.calls.fetch_add(1, Relaxed);
        // 53 bits: as many as a fraction has.
        let drawn = (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let hits = drawn * 100.0 < self.fault.percentage;
        self.injected.fetch_add(u64::from(hits), Relaxed);
        hits
    }
}

/// What the call meets, in AWS's words.
pub(crate) fn error(action: FaultAction, at: Option<Address<'_>>, shard: Option<ShardId>) -> Error {
    match (action, at, shard) {
        (FaultAction::ProvisionedThroughput, Some(at), Some(shard)) => {
            Error::throughput_exceeded(at, shard)
        }
        (FaultAction::ProvisionedThroughput, ..) => {
            AwsError::provisioned_throughput_exceeded("Rate exceeded").into()
        }
        (FaultAction::ExpiredIterator, ..) => {
            AwsError::expired_iterator("Iterator expired.").into()
        }
        (FaultAction::Throttle, ..) => AwsError::throttling("Rate exceeded").into(),
        (FaultAction::Internal, ..) => AwsError::internal_failure().into(),
        (FaultAction::Unavailable, ..) => {
            AwsError::service_unavailable("Service is unavailable").into()
        }
    }
}

/// Whether a call of it is about shards that it names or that its records go to.
fn is_of_a_shard(operation: Operation) -> bool {
    operation.rate() == CallRate::OfShards
}
