//! What is missing between the module and the service: lines for a person, calls for the service.
//!
//! Compares only; what was found is given. What loses nothing is a change; drift becomes a change only with
//! `--apply-changes`. Nothing here deletes.

use std::path::Path;

use super::{
    Options,
    resource::{Difference, Step},
    scope::Found,
    wanted::{Item, Wanted},
};

/// What is to be done, resource by resource.
#[derive(Debug)]
pub(super) struct Plan<'w> {
    pub lines: Vec<String>,
    pub work: Vec<Work<'w>>,
}

/// The calls for one resource, in order. None for one that waits for another: it is planned again when that is made.
#[derive(Debug)]
pub(super) struct Work<'w> {
    pub item: &'w Item,
    pub steps: Vec<Step>,
}

impl Work<'_> {
    /// The address of what waits for another.
    pub(super) fn waits(&self) -> Option<String> {
        self.steps.is_empty().then(|| self.item.address.clone())
    }
}

impl<'w> Plan<'w> {
    pub(super) fn make(wanted: &'w Wanted, found: &Found, options: &Options) -> Plan<'w> {
        let mut plan = Plan { lines: Vec::new(), work: Vec::new() };
        let (mut created, mut changed, mut drifted) = (0, 0, 0);
        for item in &wanted.items {
            let Some(present) = found.get(&item.address) else {
                created += 1;
                plan.lines.extend(created_lines(item));
                plan.work.push(Work { item, steps: item.resource.creation() });
                continue;
            };
            let (drift, changes): (Vec<_>, Vec<_>) = item
                .resource
                .differences(present)
                .into_iter()
                .partition(|difference| difference.is_drift && !options.apply_changes);
            if !changes.is_empty() {
                changed += 1;
                plan.lines.push(format!("~ {}", item.address));
                plan.lines.extend(changes.iter().map(|change| format!("    {}", change.line)));
                let steps = changes.into_iter().flat_map(|change| change.steps).collect();
                plan.work.push(Work { item, steps });
            }
            if !drift.is_empty() {
                drifted += 1;
                plan.lines.extend(drift_lines(item, &drift, &options.dir));
            }
        }
        plan.lines.push(match (created, changed, drifted) {
            (0, 0, 0) => "No changes".to_owned(),
            (_, _, 0) => format!("Plan: {created} to create, {changed} to change"),
            _ => format!("Plan: {created} to create, {changed} to change, {drifted} drifted"),
        });
        plan
    }
}

fn created_lines(item: &Item) -> Vec<String> {
    let mut lines = vec![format!("+ {}", item.address)];
    let described = item.resource.described();
    let width = described.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(19);
    let described = described.into_iter();
    lines.extend(described.map(|(name, value)| format!("    {name:<width$} = {value}")));
    lines
}

fn drift_lines(item: &Item, drift: &[Difference], dir: &Path) -> Vec<String> {
    let mut lines = vec![format!("! {} has drifted and stays as it is", item.address)];
    lines.extend(drift.iter().map(|difference| format!("    {}", difference.line)));
    let dir = dir.display();
    lines.push(format!("    to do it: nautilus serve … --apply {dir} --apply-changes"));
    lines
}
