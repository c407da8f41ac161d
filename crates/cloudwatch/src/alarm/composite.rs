//! Composite alarms: who is in whom, and how a change of a child reaches its parents.
//!
//! Parents follow in the change of their child, children first, each at most once. Where rules speak of each other in a
//! circle, the order is that of the names: such alarms have no other.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use super::{
    message::Child,
    model::{Alarm, CompositeAlarm, StateValue},
    reason,
    rule::{Rule, child_name},
    transition::{Ids, NewState, enter},
};
use crate::catalog::{AlarmId, Edit, Region};

/// The names of the alarms that a composite alarm is made of; of a metric alarm none.
pub(crate) fn children(alarm: &Alarm) -> Vec<Arc<str>> {
    match alarm {
        Alarm::Metric(_) => Vec::new(),
        Alarm::Composite(alarm) => children_of(alarm),
    }
}

fn children_of(alarm: &CompositeAlarm) -> Vec<Arc<str>> {
    let CompositeAlarm { about, rule, .. } = alarm;
    // It was read before it was kept.
    let Ok(rule) = Rule::parse(rule) else { return Vec::new() };
    let names = rule.children().iter();
    names
        .filter_map(|child| child_name(child, &about.account, &about.region))
        .map(Arc::from)
        .collect()
}

/// The composite alarms that each alarm of a region is in. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Parents {
    by_child: Arc<BTreeMap<Arc<str>, BTreeSet<Arc<str>>>>,
}

impl Parents {
    /// Of one alarm, by name.
    pub(crate) fn of(&self, child: &str) -> impl Iterator<Item = &Arc<str>> {
        self.by_child.get(child).into_iter().flatten()
    }

    pub(crate) fn add(&mut self, parent: &Arc<str>, children: &[Arc<str>]) {
        if children.is_empty() {
            return;
        }
        let by_child = Arc::make_mut(&mut self.by_child);
        for child in children {
            by_child.entry(Arc::clone(child)).or_default().insert(Arc::clone(parent));
        }
    }

    pub(crate) fn remove(&mut self, parent: &str, children: &[Arc<str>]) {
        if children.is_empty() {
            return;
        }
        let by_child = Arc::make_mut(&mut self.by_child);
        for child in children {
            if let Some(parents) = by_child.get_mut(child) {
                parents.remove(parent);
                if parents.is_empty() {
                    by_child.remove(child);
                }
            }
        }
    }
}

/// Brings the parents of changed alarms, and theirs, to the state that their rules say.
pub(crate) fn follow(
    edit: &mut Edit,
    ids: &Ids,
    account: &str,
    region: &str,
    changed: BTreeSet<Arc<str>>,
    now_ms: u64,
) {
    let Some(at) = edit.next().region(account, region).cloned() else { return };
    let mut changed = changed;
    for name in order(&at, &changed) {
        let Some(Alarm::Composite(alarm)) = at.alarm(&name).map(|alarm| &**alarm) else { continue };
        // The region as it was tells who is whose child; the states are those of now.
        let triggering: Vec<Child> = children_of(alarm)
            .iter()
            .filter(|child| changed.contains(*child))
            .filter_map(|child| child_now(edit, account, region, child))
            .collect();
        let Some(first) = triggering.first() else { continue };
        let state = state_of(edit, alarm);
        let told: Vec<_> = triggering
            .iter()
            .map(|child| (child.arn.as_str(), child.state, child.since_ms))
            .collect();
        let new = NewState {
            value: state,
            reason: reason::of_child(&first.arn, first.state, first.since_ms),
            reason_data: Some(reason::composite_data(&told)),
            triggering,
        };
        if enter(edit, ids, &AlarmId::of(&alarm.about), new, now_ms) {
            changed.insert(name);
        }
    }
}

/// Brings a composite alarm that was just defined to the state that its rule says.
pub(crate) fn settle(edit: &mut Edit, ids: &Ids, id: &AlarmId, is_new: bool, now_ms: u64) -> bool {
    let Some(alarm) = edit.next().alarm(id).cloned() else { return false };
    let Alarm::Composite(alarm) = &*alarm else { return false };
    let value = state_of(edit, alarm);
    let new = NewState {
        value,
        reason: reason::of_rule(&alarm.about.arn(), is_new, value),
        reason_data: Some(reason::composite_data(&[])),
        triggering: Vec::new(),
    };
    enter(edit, ids, id, new, now_ms)
}

/// What the rule says now: a composite alarm is OK or ALARM.
fn state_of(edit: &Edit, alarm: &CompositeAlarm) -> StateValue {
    let (account, region) = (&alarm.about.account, &alarm.about.region);
    let Ok(rule) = Rule::parse(&alarm.rule) else { return alarm.about.state.value };
    let at = edit.next().region(account, region);
    let is_alarm = rule.is_alarm(|child| {
        let name = child_name(child, account, region)?;
        Some(at?.alarm(name)?.about().state.value)
    });
    if is_alarm { StateValue::Alarm } else { StateValue::Ok }
}

fn child_now(edit: &Edit, account: &str, region: &str, name: &str) -> Option<Child> {
    let alarm = edit.next().region(account, region)?.alarm(name)?;
    let about = alarm.about();
    Some(Child {
        arn: about.arn(),
        state: about.state.value,
        since_ms: about.state.transitioned_ms,
    })
}

/// The composite alarms that these may change, children first.
fn order(at: &Region, changed: &BTreeSet<Arc<str>>) -> Vec<Arc<str>> {
    let mut affected: BTreeMap<Arc<str>, usize> = BTreeMap::new(); // and how many of its children are affected
    let mut reached: VecDeque<Arc<str>> = changed.iter().cloned().collect();
    while let Some(child) = reached.pop_front() {
        for parent in at.parents().of(&child) {
            if !affected.contains_key(parent) {
                affected.insert(Arc::clone(parent), 0);
                reached.push_back(Arc::clone(parent));
            }
        }
    }
    let names: Vec<Arc<str>> = affected.keys().cloned().collect();
    for child in &names {
        for parent in at.parents().of(child) {
            if let Some(count) = affected.get_mut(parent) {
                *count += 1;
            }
        }
    }
    let mut ready: VecDeque<Arc<str>> =
        names.iter().filter(|name| affected.get(*name) == Some(&0)).cloned().collect();
    let mut order = Vec::with_capacity(names.len());
    while let Some(name) = ready.pop_front() {
        affected.remove(&name);
        for parent in at.parents().of(&name) {
            if let Some(count) = affected.get_mut(parent) {
                *count -= 1;
                if *count == 0 {
                    ready.push_back(Arc::clone(parent));
                }
            }
        }
        order.push(name);
    }
    // What is left is in a circle, or behind one.
    order.extend(affected.into_keys());
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::tests::{composite, region};

    fn names(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().copied().map(Arc::from).collect()
    }

    #[test]
    fn a_parent_is_known_by_its_children_until_it_goes() {
        let mut parents = Parents::default();
        let (p, q): (Arc<str>, Arc<str>) = ("p".into(), "q".into());
        parents.add(&p, &names(&["a", "b"]));
        parents.add(&q, &names(&["a"]));
        let of = |parents: &Parents, child| parents.of(child).cloned().collect::<Vec<_>>();
        assert_eq!(of(&parents, "a"), names(&["p", "q"]));
        parents.remove("p", &names(&["a", "b"]));
        assert_eq!(of(&parents, "a"), names(&["q"]));
        assert_eq!(of(&parents, "b"), names(&[]));
        parents.remove("q", &names(&["a"]));
        assert_eq!(parents, Parents::default());
    }

    #[test]
    fn children_come_before_their_parents_and_circles_come_last() {
        let region = region(&[
            composite("a", "ALARM(d) AND ALARM(x)"),
            composite("b", "ALARM(x)"),
            composite("c", "ALARM(b)"),
            composite("d", "ALARM(c) OR ALARM(b)"),
            composite("e", "OK(f)"),
            composite("f", "OK(e) OR ALARM(x)"),
            composite("other", "ALARM(y)"),
        ]);
        let changed = BTreeSet::from(["x".into()]);
        assert_eq!(order(&region, &changed), names(&["b", "c", "d", "a", "e", "f"]));
        assert_eq!(order(&region, &BTreeSet::from(["unknown".into()])), names(&[]));
    }
}
