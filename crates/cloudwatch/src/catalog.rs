//! What this room keeps durable: the namespace `cloudwatch` of the catalog, its rows and its snapshot.
//!
//! ```text
//! meta                                 the next numbers
//! alarm/<account>/<region>/<name>      an alarm with its state and its tags
//! pending/<number, 20 digits>          what a change of a state makes to be done, and is not done
//! history/<number, 20 digits>/…        an item of an alarm's history: see `alarm/history.rs`
//! ```
//!
//! Always: a snapshot is what its rows say, since both come from one [`Edit`] · a change of an alarm's state, its item in
//! the history and its pending actions are one change · of the history a snapshot holds only where its items are.

use std::{collections::BTreeMap, sync::Arc};

use nautilus_store::{Change, Row, Store};
use serde::{Deserialize, Serialize};

use crate::{
    alarm::{
        actions::Pending,
        composite::{self, Parents},
        history::{self, History, Item},
        model::{About, Alarm},
    },
    error::Error,
    limits,
};

/// The namespace's name.
pub(crate) const NAMESPACE: &str = "cloudwatch";

const META: &str = "meta";
const ALARM: &str = "alarm/";
const PENDING: &str = "pending/";

/// Which alarm: names are unique in an account and region, also between metric and composite alarms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct AlarmId {
    pub account: String,
    pub region: String,
    pub name: String,
}

impl AlarmId {
    pub(crate) fn of(about: &About) -> AlarmId {
        AlarmId {
            account: about.account.clone(),
            region: about.region.clone(),
            name: about.name.clone(),
        }
    }

    /// `<account>/<region>/<name>`: only a name may hold a slash.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.name)
    }
}

/// The whole of the namespace at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Snapshot {
    meta: Meta,
    /// By account and region.
    regions: Vec<Arc<Region>>,
    alarm_count: usize,
    /// Of the alarms' rows, about.
    alarm_bytes: usize,
    pending: BTreeMap<u64, Arc<Pending>>,
    /// Of their messages.
    pending_bytes: usize,
    pub(crate) history: History,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Meta {
    next_pending: u64,
    next_item: u64,
}

impl Default for Meta {
    fn default() -> Meta {
        Meta { next_pending: 1, next_item: 1 }
    }
}

/// What one account has in one region.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Region {
    pub(crate) account: String,
    pub(crate) region: String,
    alarms: BTreeMap<Arc<str>, Arc<Alarm>>,
    parents: Parents,
}

impl Region {
    /// The alarms by name.
    pub(crate) fn alarms(&self) -> &BTreeMap<Arc<str>, Arc<Alarm>> {
        &self.alarms
    }

    pub(crate) fn alarm(&self, name: &str) -> Option<&Arc<Alarm>> {
        self.alarms.get(name)
    }

    /// Which composite alarms an alarm is in.
    pub(crate) fn parents(&self) -> &Parents {
        &self.parents
    }
}

impl Snapshot {
    /// The snapshot that the rows say.
    pub(crate) fn load(store: &Store) -> Result<Snapshot, Error> {
        let (mut snapshot, mut failed) = (Snapshot::default(), None);
        store.visit(NAMESPACE, |key, value| {
            if failed.is_none() {
                failed = snapshot.load_row(key, value).err();
            }
        })?;
        match failed {
            None => Ok(snapshot),
            Some(error) => Err(error),
        }
    }

    fn load_row(&mut self, key: &str, value: &[u8]) -> Result<(), Error> {
        if key == META {
            self.meta = parse(key, value)?;
        } else if key.starts_with(ALARM) {
            self.insert(parse(key, value)?, value.len());
        } else if let Some(number) = key.strip_prefix(PENDING) {
            let number = number.parse().map_err(|_| Error::catalog_row(key, "has no number"))?;
            self.set_pending(number, parse(key, value)?);
        } else if key.starts_with(history::ROWS) {
            let entry = history::Entry::of_row(key, value.len())
                .ok_or_else(|| Error::catalog_row(key, "names no item of a history"))?;
            self.history.push(entry);
        } else {
            return Err(Error::catalog_row(key, "is not known to this version"));
        }
        Ok(())
    }

    pub(crate) fn region(&self, account: &str, region: &str) -> Option<&Arc<Region>> {
        let index = self.region_index(account, region).ok()?;
        self.regions.get(index)
    }

    pub(crate) fn regions(&self) -> impl Iterator<Item = &Arc<Region>> {
        self.regions.iter()
    }

    pub(crate) fn alarm(&self, id: &AlarmId) -> Option<&Arc<Alarm>> {
        self.region(&id.account, &id.region)?.alarm(&id.name)
    }

    /// What is to be done, oldest first.
    pub(crate) fn pending(&self) -> impl Iterator<Item = (u64, &Arc<Pending>)> {
        self.pending.iter().map(|(&number, pending)| (number, pending))
    }

    /// Whether this still waits, as it is here.
    pub(crate) fn is_pending(&self, number: u64, pending: &Pending) -> bool {
        self.pending.get(&number).is_some_and(|waiting| **waiting == *pending)
    }

    /// Whether more may wait to be done.
    pub(crate) fn has_room_for_pending(&self) -> bool {
        self.pending.len() < limits::PENDING_MAX && self.pending_bytes < limits::PENDING_BYTES_MAX
    }

    fn set_pending(&mut self, number: u64, pending: Pending) {
        self.pending_bytes += pending.message.len();
        let before = self.pending.insert(number, Arc::new(pending));
        self.pending_bytes -= before.map_or(0, |before| before.message.len());
    }

    fn region_index(&self, account: &str, region: &str) -> Result<usize, usize> {
        self.regions.binary_search_by(|one| (&*one.account, &*one.region).cmp(&(account, region)))
    }

    fn region_mut(&mut self, account: &str, region: &str) -> &mut Region {
        let index = self.region_index(account, region).unwrap_or_else(|index| {
            let region = Region {
                account: account.to_owned(),
                region: region.to_owned(),
                alarms: BTreeMap::new(),
                parents: Parents::default(),
            };
            self.regions.insert(index, Arc::new(region));
            index
        });
        Arc::make_mut(&mut self.regions[index])
    }

    /// Puts an alarm, whose row has so many bytes, in the place of the one of its name.
    fn insert(&mut self, alarm: Alarm, bytes: usize) {
        let about = alarm.about();
        let name: Arc<str> = about.name.as_str().into();
        let (account, region) = (about.account.clone(), about.region.clone());
        let children = composite::children(&alarm);
        let region = self.region_mut(&account, &region);
        let before = region.alarms.insert(Arc::clone(&name), Arc::new(alarm));
        if let Some(before) = &before {
            region.parents.remove(&name, &composite::children(before));
        }
        region.parents.add(&name, &children);
        self.forget(before.as_deref());
        self.alarm_count += 1;
        self.alarm_bytes += bytes;
    }

    fn remove(&mut self, id: &AlarmId) {
        let Ok(index) = self.region_index(&id.account, &id.region) else { return };
        let region = Arc::make_mut(&mut self.regions[index]);
        let before = region.alarms.remove(id.name.as_str());
        if let Some(before) = &before {
            region.parents.remove(&id.name, &composite::children(before));
        }
        if region.alarms.is_empty() {
            self.regions.remove(index);
        }
        self.forget(before.as_deref());
    }

    /// An alarm's row is no more.
    fn forget(&mut self, alarm: Option<&Alarm>) {
        if let Some(alarm) = alarm {
            self.alarm_count = self.alarm_count.saturating_sub(1);
            self.alarm_bytes = self.alarm_bytes.saturating_sub(json(alarm).len());
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(value).map_err(|error| Error::catalog_row(key, &error.to_string()))
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("rows are maps with text as keys")
}

/// A change in the making: the next snapshot, and the rows that make it durable.
pub(crate) struct Edit {
    next: Snapshot,
    rows: Vec<Row>,
    meta_changed: bool,
}

impl Edit {
    pub(crate) fn new(snapshot: &Snapshot) -> Edit {
        Edit { next: snapshot.clone(), rows: Vec::new(), meta_changed: false }
    }

    /// How it stands so far.
    pub(crate) fn next(&self) -> &Snapshot {
        &self.next
    }

    /// Puts an alarm in the place of the one of its name.
    pub(crate) fn put_alarm(&mut self, alarm: Alarm) {
        let value = json(&alarm);
        self.put_alarm_row(alarm, value);
    }

    fn put_alarm_row(&mut self, alarm: Alarm, value: Vec<u8>) {
        let key = alarm_key(&AlarmId::of(alarm.about()));
        self.next.insert(alarm, value.len());
        self.rows.push(Row { key, value: Some(value) });
    }

    /// The same for one that a client defines: refused where there is no room for it.
    pub(crate) fn define_alarm(&mut self, alarm: Alarm) -> Result<(), Error> {
        let value = json(&alarm);
        if value.len() > limits::ALARM_BYTES_EACH_MAX {
            return Err(Error::Validation(format!(
                "The alarm's definition must not be larger than {} bytes.",
                limits::ALARM_BYTES_EACH_MAX
            )));
        }
        self.put_alarm_row(alarm, value);
        let (count, bytes) = (self.next.alarm_count, self.next.alarm_bytes);
        if count > limits::ALARMS_MAX || bytes > limits::ALARM_BYTES_MAX {
            return Err(Error::LimitExceeded(format!(
                "The maximum number of alarms is {}, and of bytes in them {}.",
                limits::ALARMS_MAX,
                limits::ALARM_BYTES_MAX
            )));
        }
        Ok(())
    }

    pub(crate) fn remove_alarm(&mut self, id: &AlarmId) {
        self.rows.push(Row { key: alarm_key(id), value: None });
        self.next.remove(id);
    }

    pub(crate) fn add_pending(&mut self, pending: Pending) {
        let number = self.next.meta.next_pending;
        self.next.meta.next_pending += 1;
        self.meta_changed = true;
        self.set_pending(number, pending);
    }

    /// What is left to be done.
    pub(crate) fn set_pending(&mut self, number: u64, pending: Pending) {
        self.rows.push(Row { key: pending_key(number), value: Some(json(&pending)) });
        self.next.set_pending(number, pending);
    }

    pub(crate) fn drop_pending(&mut self, number: u64) {
        self.rows.push(Row { key: pending_key(number), value: None });
        if let Some(pending) = self.next.pending.remove(&number) {
            self.next.pending_bytes -= pending.message.len();
        }
    }

    /// Writes an item into an alarm's history; the oldest of all go where there is no room.
    pub(crate) fn add_item(&mut self, item: &Item) {
        let value = json(&item.text);
        let entry = history::Entry::new(item, self.next.meta.next_item, value.len());
        self.next.meta.next_item += 1;
        self.meta_changed = true;
        self.rows.push(Row { key: entry.key(), value: Some(value) });
        self.next.history.push(entry);
        for entry in self.next.history.make_room() {
            self.rows.push(Row { key: entry.key(), value: None });
        }
    }

    /// Lets the items go that are too old or too many of one alarm.
    pub(crate) fn prune_history(&mut self, now_ms: u64) {
        for entry in self.next.history.prune(now_ms) {
            self.rows.push(Row { key: entry.key(), value: None });
        }
    }

    pub(crate) fn finish<T>(mut self, answer: T) -> Change<Snapshot, T> {
        if self.rows.is_empty() {
            return unchanged(answer);
        }
        if self.meta_changed {
            let value = Some(json(&self.next.meta));
            self.rows.push(Row { key: META.to_owned(), value });
        }
        Change { next: Some(self.next), rows: self.rows, answer }
    }
}

/// A change that leaves everything as it is.
pub(crate) fn unchanged<T>(answer: T) -> Change<Snapshot, T> {
    Change { next: None, rows: Vec::new(), answer }
}

fn alarm_key(id: &AlarmId) -> String {
    format!("{ALARM}{}", id.path())
}

fn pending_key(number: u64) -> String {
    format!("{PENDING}{number:020}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nautilus_log::{Threads, testing::MemoryDisk};
    use proptest::prelude::*;

    use super::*;
    use crate::alarm::{
        actions::Todo,
        history::{ItemKind, ItemText},
        model::{AlarmType, StateValue},
        tests::composite,
    };

    fn id(name: &str) -> AlarmId {
        let composite = composite(name, "TRUE");
        AlarmId::of(composite.about())
    }

    fn pending(name: &str) -> Pending {
        Pending {
            of: id(name),
            alarm_type: AlarmType::Composite,
            at_ms: 1,
            state: StateValue::Alarm,
            subject: "s".to_owned(),
            message: "m".repeat(100),
            todo: vec![Todo { action: "a".to_owned(), message_id: "i".to_owned() }],
            tries: 0,
            next_ms: 1,
        }
    }

    /// One step of an edit, by numbers that a test draws.
    fn step(edit: &mut Edit, what: u8, of: u8) {
        let name = format!("alarm/{}", of % 4);
        match what % 6 {
            0 => edit.put_alarm(composite(&name, "TRUE")),
            1 => edit.put_alarm(composite(&name, "ALARM(x) OR OK(\"y z\")")),
            2 => edit.remove_alarm(&id(&name)),
            3 => edit.add_pending(pending(&name)),
            4 => edit.drop_pending(u64::from(of % 8)),
            _ => edit.add_item(&Item {
                of: id(&name),
                alarm_type: AlarmType::Composite,
                at_ms: u64::from(of),
                kind: ItemKind::Action,
                text: ItemText { summary: name.clone(), data: String::new() },
            }),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_rows_say_what_the_snapshot_says(steps in prop::collection::vec((any::<u8>(), any::<u8>()), 1..40)) {
            let disk = Arc::new(MemoryDisk::default());
            let store = Store::open(&*disk, Threads::Stepped, Box::new(|_| {})).expect("it opens");
            let mut snapshot = Snapshot::load(&store).expect("no rows");
            for steps in steps.chunks(3) {
                let mut edit = Edit::new(&snapshot);
                steps.iter().for_each(|(what, of)| step(&mut edit, *what, *of));
                let change = edit.finish(());
                store.commit(NAMESPACE, &change.rows).expect("it commits");
                snapshot = change.next.unwrap_or(snapshot);
                let loaded = Snapshot::load(&store).expect("our own rows");
                prop_assert_eq!(&loaded, &snapshot);
            }
        }
    }

    #[test]
    fn an_alarm_without_room_is_refused() {
        let mut edit = Edit::new(&Snapshot::default());
        let large = format!("ALARM(\"{}\")", "x".repeat(limits::ALARM_BYTES_EACH_MAX));
        let refused = edit.define_alarm(composite("a", &large));
        assert!(matches!(refused, Err(Error::Validation(_))));
        edit.next.alarm_count = limits::ALARMS_MAX;
        let refused = edit.define_alarm(composite("a", "TRUE"));
        assert!(matches!(refused, Err(Error::LimitExceeded(_))));
    }

    #[test]
    fn no_more_waits_to_be_done_than_there_is_room_for() {
        let mut edit = Edit::new(&Snapshot::default());
        let large = Pending { message: "m".repeat(limits::PENDING_BYTES_MAX), ..pending("a") };
        edit.add_pending(large);
        assert!(!edit.next.has_room_for_pending());
        edit.drop_pending(1);
        assert!(edit.next.has_room_for_pending());
        assert_eq!(edit.next.pending_bytes, 0);
    }

    #[test]
    fn rows_of_a_later_version_are_refused() {
        for key in ["alarm/1/r/a", "history/1", "later/1", "pending/x"] {
            let refused = Snapshot::default().load_row(key, b"{}");
            assert!(matches!(refused, Err(Error::CatalogRow { .. })), "{key}");
        }
    }
}
