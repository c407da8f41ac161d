//! An alarm's history: what changed it, which states it came to, what was done then.
//!
//! Items are rows of the catalog, written in the change that they tell of; so each is there exactly if that is. In memory
//! there is only where they are: a page's items are read when they are asked for. They outlive their alarm. Bounded in
//! time, in number for each alarm, and in number and bytes in all; the oldest go first, of the account that has most.
//!
//! ```text
//! history/<number, 20 digits>/<Unix ms>/<u, c or a>/<m or c>/<account>/<region>/<name>
//! ```

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::model::{AlarmType, State, StateValue};
use crate::{catalog::AlarmId, limits};

/// Before the rows' keys.
pub(crate) const ROWS: &str = "history/";
/// Entries of a piece: a change copies one of these, and not the whole.
const CHUNK: usize = 512;

/// What an item tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemKind {
    StateUpdate,
    ConfigurationUpdate,
    Action,
}

impl ItemKind {
    const ALL: [(ItemKind, &str, &str); 3] = [
        (ItemKind::StateUpdate, "u", "StateUpdate"),
        (ItemKind::ConfigurationUpdate, "c", "ConfigurationUpdate"),
        (ItemKind::Action, "a", "Action"),
    ];

    /// AWS's word.
    pub(crate) fn text(self) -> &'static str {
        let (_, _, text) = ItemKind::ALL[self as usize];
        text
    }

    /// What AWS's word means. Words of kinds that are not kept here mean none.
    pub(crate) fn parse(text: &str) -> Option<ItemKind> {
        ItemKind::ALL.iter().find(|(.., word)| *word == text).map(|(kind, ..)| *kind)
    }

    fn letter(self) -> &'static str {
        let (_, letter, _) = ItemKind::ALL[self as usize];
        letter
    }

    fn of_letter(letter: &str) -> Option<ItemKind> {
        ItemKind::ALL.iter().find(|(_, one, _)| *one == letter).map(|(kind, ..)| *kind)
    }
}

/// An item before it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub of: AlarmId,
    pub alarm_type: AlarmType,
    pub at_ms: u64,
    pub kind: ItemKind,
    pub text: ItemText,
}

/// What an item says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ItemText {
    pub summary: String,
    /// A JSON text.
    pub data: String,
}

impl Item {
    /// An alarm came to another state.
    pub(crate) fn state_update(
        of: AlarmId,
        alarm_type: AlarmType,
        old: &State,
        new: &State,
    ) -> Item {
        let state = |state: &State| {
            let mut value = json!({
                "stateValue": state.value.text(),
                "stateReason": state.reason,
            });
            if let Some(data) = &state.reason_data {
                let data = serde_json::from_str(data)
                    .unwrap_or_else(|_| serde_json::Value::String(data.clone()));
                value["stateReasonData"] = data;
            }
            value
        };
        let summary = format!("Alarm updated from {} to {}", old.value.text(), new.value.text());
        let data = json!({"version": "1.0", "oldState": state(old), "newState": state(new)});
        let text = ItemText { summary, data: data.to_string() };
        Item { of, alarm_type, at_ms: new.updated_ms, kind: ItemKind::StateUpdate, text }
    }

    /// An alarm was made, defined anew, or deleted; `definition` is what DescribeAlarms shows of it.
    pub(crate) fn configuration(
        of: AlarmId,
        alarm_type: AlarmType,
        at_ms: u64,
        act: Act,
        definition: &serde_json::Value,
    ) -> Item {
        let (verb, kind, member) = match act {
            Act::Create => ("created", "Create", "createdAlarm"),
            Act::Update => ("updated", "Update", "updatedAlarm"),
            Act::Delete => ("deleted", "Delete", "deletedAlarm"),
        };
        let data = json!({"version": "1.0", "type": kind, member: definition});
        let summary = format!("Alarm \"{}\" {verb}", of.name);
        let text = ItemText { summary, data: data.to_string() };
        Item { of, alarm_type, at_ms, kind: ItemKind::ConfigurationUpdate, text }
    }

    /// Something was done, or could not be.
    pub(crate) fn action(of: AlarmId, alarm_type: AlarmType, at_ms: u64, done: &Done<'_>) -> Item {
        let outcome = if done.error.is_none() { "Succeeded" } else { "Failed" };
        let mut data = json!({
            "version": "1.0",
            "actionState": outcome,
            "notificationResource": done.resource,
        });
        if let Some(state) = done.state {
            data["stateValue"] = state.text().into();
        }
        if let Some(id) = done.message_id {
            data["publishedMessageId"] = id.into();
        }
        if let Some(error) = done.error {
            data["error"] = error.into();
        }
        let text = ItemText { summary: done.summary.clone(), data: data.to_string() };
        Item { of, alarm_type, at_ms, kind: ItemKind::Action, text }
    }
}

/// What became of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Create,
    Update,
    Delete,
}

/// What was done for an alarm.
#[derive(Debug)]
pub(crate) struct Done<'a> {
    pub summary: String,
    /// The action's ARN, or an endpoint.
    pub resource: &'a str,
    /// What the alarm had come to.
    pub state: Option<StateValue>,
    pub message_id: Option<&'a str>,
    /// Why it could not be done.
    pub error: Option<&'a str>,
}

/// Where an item is, and what a list filters by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// In the order of writing.
    pub number: u64,
    pub at_ms: u64,
    pub kind: ItemKind,
    pub alarm_type: AlarmType,
    /// The alarm's path.
    path: Arc<str>,
    bytes: u32,
}

impl Entry {
    pub(crate) fn new(item: &Item, number: u64, value_bytes: usize) -> Entry {
        let path: Arc<str> = item.of.path().into();
        let bytes = u32::try_from(value_bytes + path.len()).unwrap_or(u32::MAX);
        let Item { at_ms, kind, alarm_type, .. } = *item;
        Entry { number, at_ms, kind, alarm_type, path, bytes }
    }

    /// The entry that a row's key says.
    pub(crate) fn of_row(key: &str, value_bytes: usize) -> Option<Entry> {
        let mut parts = key.strip_prefix(ROWS)?.splitn(5, '/');
        let number = parts.next()?.parse().ok()?;
        let at_ms = parts.next()?.parse().ok()?;
        let kind = ItemKind::of_letter(parts.next()?)?;
        let alarm_type = match parts.next()? {
            "m" => AlarmType::Metric,
            "c" => AlarmType::Composite,
            _ => return None,
        };
        let path: Arc<str> = parts.next()?.into();
        let bytes = u32::try_from(value_bytes + path.len()).unwrap_or(u32::MAX);
        Some(Entry { number, at_ms, kind, alarm_type, path, bytes })
    }

    pub(crate) fn key(&self) -> String {
        let alarm_type = match self.alarm_type {
            AlarmType::Metric => "m",
            AlarmType::Composite => "c",
        };
        let (number, at_ms, kind) = (self.number, self.at_ms, self.kind.letter());
        format!("{ROWS}{number:020}/{at_ms}/{kind}/{alarm_type}/{}", self.path)
    }

    fn account(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// The alarm's name, if it is one of this account and region.
    pub(crate) fn name_in(&self, account: &str, region: &str) -> Option<&str> {
        let rest = self.path.strip_prefix(account)?.strip_prefix('/')?;
        rest.strip_prefix(region)?.strip_prefix('/')
    }
}

/// Where all items are, oldest first. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct History {
    chunks: VecDeque<Arc<VecDeque<Entry>>>,
    count: usize,
    bytes: usize,
}

impl History {
    pub(crate) fn push(&mut self, entry: Entry) {
        self.count += 1;
        self.bytes += entry.bytes as usize;
        match self.chunks.back_mut() {
            Some(chunk) if chunk.len() < CHUNK => Arc::make_mut(chunk).push_back(entry),
            _ => self.chunks.push_back(Arc::new(VecDeque::from([entry]))),
        }
    }

    /// Takes out the oldest items of the account that has most of them, if there are more than there is room for: one
    /// account's noise does not cost the others their history. Some more go than need to, as it looks at all.
    pub(crate) fn make_room(&mut self) -> Vec<Entry> {
        let is_too_many = self.count > limits::HISTORY_ITEMS_MAX;
        if !is_too_many && self.bytes <= limits::HISTORY_BYTES_MAX {
            return Vec::new();
        }
        let weight = |entry: &Entry| if is_too_many { 1 } else { entry.bytes as usize };
        let mut weights: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in self.entries() {
            *weights.entry(entry.account()).or_default() += weight(entry);
        }
        let heaviest = weights.into_iter().max_by_key(|(_, weight)| *weight);
        let Some((account, _)) = heaviest else { return Vec::new() };
        let mut left = match is_too_many {
            true => self.count - limits::HISTORY_ITEMS_MAX + limits::HISTORY_ITEMS_MAX / 16,
            false => self.bytes - limits::HISTORY_BYTES_MAX + limits::HISTORY_BYTES_MAX / 16,
        };
        let mut gone = Vec::new();
        for entry in self.entries().filter(|entry| entry.account() == account) {
            if left == 0 {
                break;
            }
            left = left.saturating_sub(weight(entry));
            gone.push(entry.clone());
        }
        self.remove(&gone);
        gone
    }

    /// Takes out what is too old, and of each alarm what is too much.
    pub(crate) fn prune(&mut self, now_ms: u64) -> Vec<Entry> {
        let oldest_ms = now_ms.saturating_sub(limits::HISTORY_LIFE_MS);
        let mut counts: HashMap<Arc<str>, usize> = HashMap::new();
        let mut gone = Vec::new();
        // From the newest: those are kept.
        for entry in self.entries().rev() {
            let count = counts.entry(Arc::clone(&entry.path)).or_default();
            *count += 1;
            if entry.at_ms < oldest_ms || *count > limits::HISTORY_ALARM_ITEMS_MAX {
                gone.push(entry.clone());
            }
        }
        self.remove(&gone);
        gone
    }

    fn remove(&mut self, gone: &[Entry]) {
        if gone.is_empty() {
            return;
        }
        let mut numbers: Vec<u64> = gone.iter().map(|entry| entry.number).collect();
        numbers.sort_unstable();
        let mut kept = History::default();
        for entry in self.entries() {
            if numbers.binary_search(&entry.number).is_err() {
                kept.push(entry.clone());
            }
        }
        *self = kept;
    }

    /// All entries, in the order of writing.
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, at_ms: u64) -> Item {
        Item {
            of: AlarmId { account: "1".to_owned(), region: "r".to_owned(), name: name.to_owned() },
            alarm_type: AlarmType::Composite,
            at_ms,
            kind: ItemKind::Action,
            text: ItemText { summary: String::new(), data: String::new() },
        }
    }

    #[test]
    fn a_key_says_its_entry() {
        for name in ["a", "a/b", "größe/", "/"] {
            let entry = Entry::new(&item(name, 17), 3, 10);
            assert_eq!(Entry::of_row(&entry.key(), 10), Some(entry.clone()));
            assert_eq!(entry.name_in("1", "r"), Some(name));
            assert_eq!(entry.name_in("1", "other"), None);
        }
        for bad in ["history/", "history/1/2/u/m", "history/x/2/u/m/p", "history/1/2/x/m/p"] {
            assert_eq!(Entry::of_row(bad, 0), None, "{bad}");
        }
    }

    #[test]
    fn every_kind_has_its_word_and_its_letter() {
        for (kind, letter, text) in ItemKind::ALL {
            assert_eq!((kind.letter(), kind.text()), (letter, text));
            assert_eq!(ItemKind::parse(text), Some(kind));
            assert_eq!(ItemKind::of_letter(letter), Some(kind));
        }
    }

    fn of_account(account: &str) -> Item {
        let mut item = item("a", 0);
        item.of.account = account.to_owned();
        item
    }

    /// The first number that went, and how many did.
    fn gone(history: &mut History) -> (Option<u64>, usize) {
        let gone = history.make_room();
        (gone.first().map(|entry| entry.number), gone.len())
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_of_the_account_that_has_most() {
        let mut history = History::default();
        history.push(Entry::new(&of_account("quiet"), 0, 10));
        for number in 1..limits::HISTORY_ITEMS_MAX as u64 {
            history.push(Entry::new(&of_account("loud"), number, 10));
        }
        assert_eq!(gone(&mut history), (None, 0));
        history.push(Entry::new(&of_account("quiet"), limits::HISTORY_ITEMS_MAX as u64, 10));
        let some = limits::HISTORY_ITEMS_MAX / 16 + 1;
        assert_eq!(gone(&mut history), (Some(1), some));
        assert_eq!(history.count, limits::HISTORY_ITEMS_MAX + 1 - some);
        assert_eq!(history.entries().next().map(|entry| entry.number), Some(0));
        assert_eq!(gone(&mut history), (None, 0));
    }

    #[test]
    fn the_oldest_go_when_they_are_too_large() {
        let mut history = History::default();
        let third = limits::HISTORY_BYTES_MAX / 3;
        for (number, account) in (0..).zip(["quiet", "loud", "loud", "loud"]) {
            history.push(Entry::new(&of_account(account), number, third));
        }
        assert_eq!(gone(&mut history), (Some(1), 2));
        assert_eq!(gone(&mut history), (None, 0));
    }

    #[test]
    fn old_items_go_and_those_that_one_alarm_has_too_many_of() {
        let now_ms = 2 * limits::HISTORY_LIFE_MS;
        let mut history = History::default();
        history.push(Entry::new(&item("old", now_ms - limits::HISTORY_LIFE_MS - 1), 1, 1));
        history.push(Entry::new(&item("young", now_ms - limits::HISTORY_LIFE_MS), 2, 1));
        for number in 3..limits::HISTORY_ALARM_ITEMS_MAX as u64 + 5 {
            history.push(Entry::new(&item("busy", now_ms), number, 1));
        }
        let mut gone: Vec<u64> =
            history.prune(now_ms).into_iter().map(|entry| entry.number).collect();
        gone.sort_unstable();
        assert_eq!(gone, [1, 3, 4]);
        assert_eq!(history.prune(now_ms), []);
        assert_eq!(history.entries().next().map(|entry| entry.number), Some(2));
    }
}
