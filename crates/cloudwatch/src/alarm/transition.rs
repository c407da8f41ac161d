//! How an alarm comes to another state: the state, the item in its history and what is to be done are one change.

use std::{collections::BTreeSet, sync::Arc};

use nautilus_log::Rng;
use nautilus_wire::Uuid;

use super::{
    actions::{Pending, Todo},
    composite,
    history::{Done, Item},
    message::{self, Child},
    model::{Alarm, State, StateValue},
};
use crate::catalog::{AlarmId, Edit};

/// Gives the ids of messages.
#[derive(Clone)]
pub(crate) struct Ids(pub Arc<dyn Rng>);

impl Ids {
    /// A UUID of random bits.
    pub(crate) fn next(&self) -> String {
        let mut bytes = [0; 16];
        self.0.fill(&mut bytes);
        Uuid::v4(u128::from_be_bytes(bytes)).to_string()
    }
}

/// What an alarm comes to, and why.
#[derive(Debug)]
pub(crate) struct NewState {
    pub value: StateValue,
    pub reason: String,
    /// A JSON text.
    pub reason_data: Option<String>,
    /// The children that made a composite alarm change.
    pub triggering: Vec<Child>,
}

/// Brings an alarm to a state. Nothing happens if it is in that state already, or is no more; true if it came to it.
pub(crate) fn enter(edit: &mut Edit, ids: &Ids, id: &AlarmId, new: NewState, now_ms: u64) -> bool {
    let Some(alarm) = edit.next().alarm(id) else { return false };
    let (mut alarm, alarm_type) = (Alarm::clone(alarm), alarm.kind());
    let old = alarm.about().state.clone();
    if old.value == new.value {
        return false;
    }
    let NewState { value, reason, reason_data, triggering } = new;
    let state = State { value, reason, reason_data, updated_ms: now_ms, transitioned_ms: now_ms };
    alarm.about_mut().state = state.clone();
    edit.add_item(&Item::state_update(id.clone(), alarm_type, &old, &state));
    let actions = match alarm.about().actions_enabled {
        true => alarm.about().actions(value).to_vec(),
        false => Vec::new(),
    };
    if !actions.is_empty() {
        let message = match &alarm {
            Alarm::Metric(alarm) => message::of_metric_alarm(alarm, old.value, &state),
            Alarm::Composite(alarm) => {
                message::of_composite_alarm(alarm, old.value, &state, &triggering)
            }
        };
        let todo = actions.into_iter().map(|action| Todo { action, message_id: ids.next() });
        let pending = Pending {
            of: id.clone(),
            alarm_type,
            at_ms: now_ms,
            state: value,
            subject: message::subject(alarm.about(), value),
            message,
            todo: todo.collect(),
            tries: 0,
            next_ms: now_ms,
        };
        add_pending(edit, pending);
    }
    edit.put_alarm(alarm);
    true
}

/// Puts down what is to be done; where too much waits already, that it was not.
fn add_pending(edit: &mut Edit, pending: Pending) {
    if edit.next().has_room_for_pending() {
        return edit.add_pending(pending);
    }
    let Pending { of, alarm_type, at_ms, state, todo, .. } = pending;
    for Todo { action, .. } in todo {
        let error = "Too many actions wait to be executed.";
        let done = Done {
            summary: format!("Failed to execute action {action}. Received error: \"{error}\""),
            resource: &action,
            state: Some(state),
            message_id: None,
            error: Some(error),
        };
        edit.add_item(&Item::action(of.clone(), alarm_type, at_ms, &done));
    }
}

/// Brings alarms of any kind to states, and the composite alarms above them to theirs.
pub(crate) fn enter_all(edit: &mut Edit, ids: &Ids, states: Vec<(AlarmId, NewState)>, now_ms: u64) {
    let mut changed: Vec<(String, String, BTreeSet<Arc<str>>)> = Vec::new();
    for (id, new) in states {
        if !enter(edit, ids, &id, new, now_ms) {
            continue;
        }
        let at = changed
            .iter_mut()
            .find(|(account, region, _)| *account == id.account && *region == id.region);
        match at {
            Some((_, _, names)) => drop(names.insert(id.name.as_str().into())),
            None => {
                let names = BTreeSet::from([Arc::from(id.name.as_str())]);
                changed.push((id.account, id.region, names));
            }
        }
    }
    for (account, region, names) in changed {
        composite::follow(edit, ids, &account, &region, names, now_ms);
    }
}

#[cfg(test)]
mod tests {
    use nautilus_log::SeededRng;

    use super::*;

    #[test]
    fn ids_look_like_those_of_sns() {
        let ids = Ids(Arc::new(SeededRng::new(1)));
        let (one, other) = (ids.next(), ids.next());
        assert_ne!(one, other);
        let lengths: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&one[14..15], "4");
        assert!("89ab".contains(&one[19..20]));
    }
}
