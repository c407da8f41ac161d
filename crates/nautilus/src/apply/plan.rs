//! What is missing between the module and the service: lines for a person, calls for the service.
//!
//! Reading only. What loses nothing is a change; what could lose records or moves a stream to other shards is drift,
//! and becomes a change only with `--apply-changes`. Nothing here deletes a stream.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use serde_json::{Value as Json, json};

use super::{
    Options,
    api::Api,
    fault::ApplyError,
    perform,
    stream::{Mode, Stream, Wanted},
    value::Value,
};

/// What is to be done, stream by stream.
#[derive(Debug)]
pub(super) struct Plan {
    pub lines: Vec<String>,
    pub work: Vec<Work>,
}

/// The calls for one stream, in order.
#[derive(Debug)]
pub(super) struct Work {
    pub stream: Stream,
    pub steps: Vec<Step>,
}

/// One call, and how long to wait for the stream to be ACTIVE again, if it leaves that state.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub operation: &'static str,
    pub input: Json,
    pub wait: Option<Duration>,
}

/// A stream as the service has it.
#[derive(Debug)]
pub(super) struct Present {
    pub mode: &'static str,
    pub shard_count: u64,
    pub retention_hours: u64,
    pub metrics: BTreeSet<String>,
    pub tags: BTreeMap<String, String>,
}

/// One difference: its line, and the calls that take it away.
struct Difference {
    line: String,
    steps: Vec<Step>,
    /// Could lose records or move the stream to other shards.
    is_drift: bool,
}

impl Plan {
    pub(super) async fn make(
        api: &impl Api,
        wanted: &Wanted,
        options: &Options,
        notes: Vec<String>,
    ) -> Result<Plan, ApplyError> {
        let mut plan = Plan { lines: notes, work: Vec::new() };
        let (mut created, mut changed, mut drifted) = (0, 0, 0);
        for stream in &wanted.streams {
            let Some(present) = perform::present(api, stream).await? else {
                created += 1;
                plan.lines.extend(described(stream));
                plan.work.push(Work { stream: stream.clone(), steps: creation(stream) });
                continue;
            };
            let (drift, changes): (Vec<_>, Vec<_>) = differences(stream, &present)
                .into_iter()
                .partition(|difference| difference.is_drift && !options.apply_changes);
            if !changes.is_empty() {
                changed += 1;
                plan.lines.push(format!("~ {}", stream.address));
                plan.lines.extend(changes.iter().map(|change| format!("    {}", change.line)));
                let steps = changes.into_iter().flat_map(|change| change.steps).collect();
                plan.work.push(Work { stream: stream.clone(), steps });
            }
            if !drift.is_empty() {
                drifted += 1;
                plan.lines.extend(drift_lines(stream, &drift, &options.dir));
            }
        }
        plan.lines.push(match (created, changed, drifted) {
            (0, 0, 0) => "No changes".to_owned(),
            (_, _, 0) => format!("Plan: {created} to create, {changed} to change"),
            _ => format!("Plan: {created} to create, {changed} to change, {drifted} drifted"),
        });
        Ok(plan)
    }
}

/// The arguments of a new stream, as Terraform's plan shows them.
fn described(stream: &Stream) -> Vec<String> {
    let Value::Map(mut attributes) = stream.attributes() else { return Vec::new() };
    let mut lines = vec![format!("+ {}", stream.address)];
    for name in ["name", "shard_count", "retention_period", "shard_level_metrics"] {
        if let Some(value) = attributes.remove(name).filter(|value| *value != Value::Null) {
            lines.push(format!("    {name:<19} = {value}"));
        }
    }
    lines.push(format!("    {:<19} = {:?}", "stream_mode", stream.mode.name()));
    if let Some(tags) = attributes.remove("tags_all").filter(|_| !stream.tags_all.is_empty()) {
        lines.push(format!("    {:<19} = {tags}", "tags"));
    }
    lines
}

/// The calls that Terraform's provider makes for a new stream.
fn creation(stream: &Stream) -> Vec<Step> {
    let mut input = json!({
        "StreamName": stream.name,
        "StreamModeDetails": { "StreamMode": stream.mode.name() },
    });
    if let Mode::Provisioned { shard_count } = stream.mode {
        input["ShardCount"] = json!(shard_count);
    }
    if !stream.tags_all.is_empty() {
        input["Tags"] = json!(stream.tags_all);
    }
    let wait = Some(stream.create_wait);
    let mut steps = vec![Step { operation: "CreateStream", input, wait }];

    let fresh = Present {
        mode: stream.mode.name(),
        shard_count: match stream.mode {
            Mode::Provisioned { shard_count } => shard_count,
            Mode::OnDemand => 0,
        },
        retention_hours: 24,
        metrics: BTreeSet::new(),
        tags: stream.tags_all.clone(),
    };
    let later = differences(stream, &fresh).into_iter().flat_map(|difference| difference.steps);
    steps.extend(later.map(|step| Step { wait, ..step }));
    steps
}

/// Everything that differs, in the order in which the provider changes it.
fn differences(stream: &Stream, present: &Present) -> Vec<Difference> {
    let mut all = tag_changes(stream, present);
    all.extend(shape_changes(stream, present));
    all.extend(retention_change(stream, present));
    all.extend(metric_changes(stream, present));
    all
}

fn tag_changes(stream: &Stream, present: &Present) -> Vec<Difference> {
    let (wanted, had) = (&stream.tags_all, &present.tags);
    let gone: Vec<&String> = had.keys().filter(|key| !wanted.contains_key(*key)).collect();
    let set: Vec<(&String, &String)> =
        wanted.iter().filter(|(key, value)| had.get(*key) != Some(value)).collect();

    let mut changes = Vec::new();
    // Ten keys a call, removals first: as the provider does it.
    for keys in gone.chunks(10) {
        let lines = keys.iter().map(|key| format!("- tags.{key} = {:?}", had[*key]));
        let input = json!({ "StreamName": stream.name, "TagKeys": keys });
        let step = Step { operation: "RemoveTagsFromStream", input, wait: None };
        changes.extend(lines_of(lines, step));
    }
    for tags in set.chunks(10) {
        let lines = tags.iter().map(|(key, value)| match had.get(*key) {
            Some(old) => format!("~ tags.{key} = {old:?} -> {value:?}"),
            None => format!("+ tags.{key} = {value:?}"),
        });
        let tags: BTreeMap<&String, &String> = tags.iter().copied().collect();
        let input = json!({ "StreamName": stream.name, "Tags": tags });
        let step = Step { operation: "AddTagsToStream", input, wait: None };
        changes.extend(lines_of(lines, step));
    }
    changes
}

/// Several lines that one call answers for.
fn lines_of(lines: impl Iterator<Item = String>, step: Step) -> Vec<Difference> {
    let mut step = Some(step);
    lines
        .map(|line| Difference { line, steps: step.take().into_iter().collect(), is_drift: false })
        .collect()
}

/// Differences in mode and shards.
fn shape_changes(stream: &Stream, present: &Present) -> Vec<Difference> {
    let wait = Some(stream.update_wait);
    let mut drift = Vec::new();
    let (old, new) = (present.mode, stream.mode.name());
    if old != new {
        let input = json!({ "StreamARN": stream.arn, "StreamModeDetails": { "StreamMode": new } });
        drift.push(Difference {
            line: format!("~ stream_mode = {old:?} -> {new:?}"),
            steps: vec![Step { operation: "UpdateStreamMode", input, wait }],
            is_drift: true,
        });
    }
    if let Mode::Provisioned { shard_count: new } = stream.mode
        && new != present.shard_count
    {
        let old = present.shard_count;
        let input = json!({
            "StreamName": stream.name,
            "TargetShardCount": new,
            "ScalingType": "UNIFORM_SCALING",
        });
        drift.push(Difference {
            line: format!("~ shard_count = {old} -> {new}"),
            steps: vec![Step { operation: "UpdateShardCount", input, wait }],
            is_drift: true,
        });
    }
    drift
}

/// Raising loses nothing; lowering expires records at once.
fn retention_change(stream: &Stream, present: &Present) -> Option<Difference> {
    let (old, new) = (present.retention_hours, stream.retention_hours);
    let (operation, is_drift) = match new.cmp(&old) {
        Ordering::Equal => return None,
        Ordering::Greater => ("IncreaseStreamRetentionPeriod", false),
        Ordering::Less => ("DecreaseStreamRetentionPeriod", true),
    };
    let input = json!({ "StreamName": stream.name, "RetentionPeriodHours": new });
    let steps = vec![Step { operation, input, wait: Some(stream.update_wait) }];
    Some(Difference { line: format!("~ retention_period = {old} -> {new}"), steps, is_drift })
}

fn metric_changes(stream: &Stream, present: &Present) -> Vec<Difference> {
    let mut changes = Vec::new();
    let off: Vec<&String> = present.metrics.difference(&stream.metrics).collect();
    let on: Vec<&String> = stream.metrics.difference(&present.metrics).collect();
    for (operation, sign, metrics) in
        [("DisableEnhancedMonitoring", '-', off), ("EnableEnhancedMonitoring", '+', on)]
    {
        if metrics.is_empty() {
            continue;
        }
        let lines = metrics.iter().map(|name| format!("{sign} shard_level_metrics {name:?}"));
        let input = json!({ "StreamName": stream.name, "ShardLevelMetrics": metrics });
        let wait = Some(stream.update_wait);
        changes.extend(lines_of(lines, Step { operation, input, wait }));
    }
    changes
}

fn drift_lines(stream: &Stream, drift: &[Difference], dir: &Path) -> Vec<String> {
    let mut lines = vec![format!("! {} has drifted and stays as it is", stream.address)];
    lines.extend(drift.iter().map(|difference| format!("    {}", difference.line)));
    let dir = dir.display();
    lines.push(format!("    to do it: nautilus serve … --apply {dir} --apply-changes"));
    lines
}
