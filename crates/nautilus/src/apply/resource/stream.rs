//! `aws_kinesis_stream`.
//!
//! What loses nothing is a change; what could lose records or moves the stream to other shards is drift.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::{Value as Json, json};

use super::{
    Call, Difference, Look, Nested, Resource, Schema, Step, items, lines_of,
    tags::{self, Tags},
};
use crate::apply::{arguments::Arguments, fault::Fault, value::Value};

pub(super) const SCHEMA: Schema = Schema {
    name: "aws_kinesis_stream",
    arguments: &[
        "encryption_type",
        "enforce_consumer_deletion",
        "kms_key_id",
        "name",
        "retention_period",
        "shard_count",
        "shard_level_metrics",
        "tags",
    ],
    nested: &[
        Nested { block: "stream_mode_details", required: &["stream_mode"], optional: &[] },
        Nested { block: "timeouts", required: &[], optional: &["create", "delete", "update"] },
    ],
    repeated: &[],
    answered: &["arn", "id", "tags_all"],
    unread: &["max_record_size_in_kib", "region"],
    read: |arguments| Ok(Box::new(Stream::read(arguments)?)),
};

/// One stream as the module wants it.
#[derive(Debug)]
struct Stream {
    name: String,
    arn: String,
    mode: Mode,
    retention_hours: u64,
    metrics: BTreeSet<String>,
    enforce_consumer_deletion: bool,
    tags: Tags,
    create_wait: Duration,
    update_wait: Duration,
}

/// The capacity mode, and the shards of a stream that has a fixed number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Provisioned { shard_count: u64 },
    OnDemand,
}

/// A stream as the service has it.
#[derive(Debug)]
struct Present {
    mode: &'static str,
    shard_count: u64,
    retention_hours: u64,
    metrics: BTreeSet<String>,
    tags: BTreeMap<String, String>,
}

const PROVISIONED: &str = "PROVISIONED";
const ON_DEMAND: &str = "ON_DEMAND";

const METRICS: &[&str] = &[
    "IncomingBytes",
    "IncomingRecords",
    "IteratorAgeMilliseconds",
    "OutgoingBytes",
    "OutgoingRecords",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
];

impl Mode {
    fn read(arguments: &Arguments<'_, '_>) -> Result<Mode, Fault> {
        let (count, mode) = ("shard_count", "stream_mode_details.stream_mode");
        let shard_count = arguments.whole(count, 0..=100_000)?.unwrap_or(0);
        match arguments.text(mode)?.as_deref().unwrap_or(PROVISIONED) {
            PROVISIONED if shard_count == 0 => {
                let reason = "`shard_count` must be at least 1 when the stream mode is PROVISIONED";
                Err(arguments.fault(count, reason))
            }
            PROVISIONED => Ok(Mode::Provisioned { shard_count }),
            ON_DEMAND if shard_count > 0 => {
                let reason = "`shard_count` must not be set when the stream mode is ON_DEMAND";
                Err(arguments.fault(count, reason))
            }
            ON_DEMAND => Ok(Mode::OnDemand),
            other => {
                let reason = format!("the stream mode is PROVISIONED or ON_DEMAND, not {other:?}");
                Err(arguments.fault(mode, reason))
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Mode::Provisioned { .. } => PROVISIONED,
            Mode::OnDemand => ON_DEMAND,
        }
    }
}

impl Stream {
    fn read(arguments: &Arguments<'_, '_>) -> Result<Stream, Fault> {
        arguments.provider()?; // what is wrong with it is told before what is wrong here
        let name = arguments.name("stream")?;
        let retention_hours = arguments.whole("retention_period", 24..=8760)?;
        refuse_encryption(arguments)?;
        arguments.duration("timeouts.delete", Duration::ZERO)?; // nothing is deleted, but it must be one

        Ok(Stream {
            arn: arguments.stream_arn(&name)?,
            name,
            mode: Mode::read(arguments)?,
            retention_hours: retention_hours.unwrap_or(24),
            metrics: metrics(arguments)?,
            enforce_consumer_deletion: arguments.flag("enforce_consumer_deletion")?,
            tags: Tags::read(arguments)?,
            create_wait: arguments.duration("timeouts.create", Duration::from_mins(5))?,
            update_wait: arguments.duration("timeouts.update", Duration::from_mins(120))?,
        })
    }

    fn changes(&self, present: &Present) -> Vec<Difference> {
        let mut all = self.tag_changes(present);
        all.extend(self.mode_change(present));
        all.extend(self.shard_count_change(present));
        all.extend(self.retention_change(present));
        all.extend(self.metric_changes(present));
        all
    }

    fn tag_changes(&self, present: &Present) -> Vec<Difference> {
        let mut changes = Vec::new();
        // Ten keys a call, removals first: as the provider does it.
        for gone in self.tags.gone(&present.tags).chunks(10) {
            let keys: Vec<&str> = gone.iter().map(|tag| tag.key).collect();
            let input = json!({ "StreamName": self.name, "TagKeys": keys });
            changes.extend(tags::lines(gone, Call::kinesis("RemoveTagsFromStream", input)));
        }
        for set in self.tags.set(&present.tags).chunks(10) {
            let tags: BTreeMap<&str, &str> = set.iter().map(|tag| (tag.key, tag.value)).collect();
            let input = json!({ "StreamName": self.name, "Tags": tags });
            changes.extend(tags::lines(set, Call::kinesis("AddTagsToStream", input)));
        }
        changes
    }

    fn mode_change(&self, present: &Present) -> Option<Difference> {
        let (old, new) = (present.mode, self.mode.name());
        let input = json!({ "StreamARN": self.arn, "StreamModeDetails": { "StreamMode": new } });
        (old != new).then(|| Difference {
            line: format!("~ stream_mode = {old:?} -> {new:?}"),
            steps: vec![Step::awaited(Call::kinesis("UpdateStreamMode", input), self.update_wait)],
            is_drift: true,
        })
    }

    fn shard_count_change(&self, present: &Present) -> Option<Difference> {
        let Mode::Provisioned { shard_count: new } = self.mode else { return None };
        let old = present.shard_count;
        let input = json!({
            "StreamName": self.name,
            "TargetShardCount": new,
            "ScalingType": "UNIFORM_SCALING",
        });
        (old != new).then(|| Difference {
            line: format!("~ shard_count = {old} -> {new}"),
            steps: vec![Step::awaited(Call::kinesis("UpdateShardCount", input), self.update_wait)],
            is_drift: true,
        })
    }

    /// Raising loses nothing; lowering expires records at once.
    fn retention_change(&self, present: &Present) -> Option<Difference> {
        let (old, new) = (present.retention_hours, self.retention_hours);
        let (operation, is_drift) = match new.cmp(&old) {
            Ordering::Equal => return None,
            Ordering::Greater => ("IncreaseStreamRetentionPeriod", false),
            Ordering::Less => ("DecreaseStreamRetentionPeriod", true),
        };
        let input = json!({ "StreamName": self.name, "RetentionPeriodHours": new });
        let steps = vec![Step::awaited(Call::kinesis(operation, input), self.update_wait)];
        Some(Difference { line: format!("~ retention_period = {old} -> {new}"), steps, is_drift })
    }

    fn metric_changes(&self, present: &Present) -> Vec<Difference> {
        let mut changes = Vec::new();
        let off: Vec<&String> = present.metrics.difference(&self.metrics).collect();
        let on: Vec<&String> = self.metrics.difference(&present.metrics).collect();
        for (operation, sign, metrics) in
            [("DisableEnhancedMonitoring", '-', off), ("EnableEnhancedMonitoring", '+', on)]
        {
            let lines = metrics.iter().map(|name| format!("{sign} shard_level_metrics {name:?}"));
            let input = json!({ "StreamName": self.name, "ShardLevelMetrics": metrics });
            let call = Call::kinesis(operation, input);
            changes.extend(lines_of(lines, Step::awaited(call, self.update_wait)));
        }
        changes
    }
}

impl Resource for Stream {
    fn identity(&self) -> String {
        self.name.clone()
    }

    fn look(&self, answers: &[Json]) -> Look {
        let call = |operation| Call::kinesis(operation, json!({ "StreamName": self.name }));
        match answers {
            [] => Look::Ask(call("DescribeStreamSummary")),
            [stream, ..] if stream["StreamDescriptionSummary"]["StreamStatus"] != "ACTIVE" => {
                Look::Passing
            }
            [_] => Look::Ask(call("ListTagsForStream")),
            _ => Look::Settled,
        }
    }

    fn patience(&self) -> Duration {
        self.update_wait
    }

    fn attributes(&self, _: Option<&Json>) -> Value {
        let shard_count = match self.mode {
            Mode::Provisioned { shard_count } => Value::Number(shard_count as f64),
            Mode::OnDemand => Value::Null,
        };
        let mode = Value::object([("stream_mode", Value::string(self.mode.name()))]);
        Value::object([
            ("arn", Value::string(&self.arn)),
            ("encryption_type", Value::string("NONE")),
            ("enforce_consumer_deletion", Value::Bool(self.enforce_consumer_deletion)),
            ("id", Value::string(&self.arn)),
            ("kms_key_id", Value::Null),
            ("name", Value::string(&self.name)),
            ("retention_period", Value::Number(self.retention_hours as f64)),
            ("shard_count", shard_count),
            ("shard_level_metrics", Value::Set(Value::strings(&self.metrics))),
            ("stream_mode_details", Value::List(vec![mode])),
            ("tags", Value::texts(&self.tags.own)),
            ("tags_all", Value::texts(&self.tags.all)),
        ])
    }

    fn described(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("name", format!("{:?}", self.name))];
        if let Mode::Provisioned { shard_count } = self.mode {
            lines.push(("shard_count", shard_count.to_string()));
        }
        lines.push(("retention_period", self.retention_hours.to_string()));
        lines.push((
            "shard_level_metrics",
            format!("{:?}", self.metrics.iter().collect::<Vec<_>>()),
        ));
        lines.push(("stream_mode", format!("{:?}", self.mode.name())));
        lines.extend(self.tags.described());
        lines
    }

    fn creation(&self) -> Vec<Step> {
        let mut input = json!({
            "StreamName": self.name,
            "StreamModeDetails": { "StreamMode": self.mode.name() },
        });
        let mut fresh = Present {
            mode: self.mode.name(),
            shard_count: 0,
            retention_hours: 24,
            metrics: BTreeSet::new(),
            tags: self.tags.all.clone(),
        };
        if let Mode::Provisioned { shard_count } = self.mode {
            input["ShardCount"] = json!(shard_count);
            fresh.shard_count = shard_count;
        }
        if !self.tags.all.is_empty() {
            input["Tags"] = json!(self.tags.all);
        }
        let mut steps = vec![Step::awaited(Call::kinesis("CreateStream", input), self.create_wait)];
        let later = self.changes(&fresh).into_iter().flat_map(|difference| difference.steps);
        steps.extend(later.map(|step| Step { wait: Some(self.create_wait), ..step }));
        steps
    }

    fn differences(&self, found: &Json) -> Vec<Difference> {
        self.changes(&Present::of(found))
    }
}

impl Present {
    fn of(found: &Json) -> Present {
        let summary = &found["StreamDescriptionSummary"];
        let number = |name: &str| summary[name].as_u64().unwrap_or_default();
        let on_demand = summary["StreamModeDetails"]["StreamMode"] == ON_DEMAND;
        let metrics = items(summary, "EnhancedMonitoring")
            .flat_map(|monitoring| items(monitoring, "ShardLevelMetrics"));
        Present {
            mode: if on_demand { ON_DEMAND } else { PROVISIONED },
            shard_count: number("OpenShardCount"),
            retention_hours: number("RetentionPeriodHours"),
            metrics: metrics.filter_map(Json::as_str).map(str::to_owned).collect(),
            tags: tags::present(found),
        }
    }
}

fn metrics(arguments: &Arguments<'_, '_>) -> Result<BTreeSet<String>, Fault> {
    let at = "shard_level_metrics";
    let metrics = arguments.texts(at)?;
    for name in &metrics {
        if name == "ALL" {
            let reason =
                "\"ALL\" is a change at every plan of Terraform (AWS answers names): name them";
            return Err(arguments.fault(at, reason));
        }
        if !METRICS.contains(&name.as_str()) {
            let reason = format!("{name:?} is not a metric: {}", METRICS.join(", "));
            return Err(arguments.fault(at, reason));
        }
    }
    Ok(metrics.into_iter().collect())
}

fn refuse_encryption(arguments: &Arguments<'_, '_>) -> Result<(), Fault> {
    let refuse = |name: &str, reason: &str| Err(arguments.fault(name, reason));
    match arguments.text("encryption_type")?.as_deref() {
        Some("KMS") => refuse(
            "encryption_type",
            "encryption_type KMS is refused: records are not encrypted at rest by this version",
        ),
        None | Some("NONE") => match arguments.text("kms_key_id")? {
            Some(_) => refuse("kms_key_id", "`kms_key_id` has no meaning without KMS"),
            None => Ok(()),
        },
        Some(other) => {
            refuse("encryption_type", &format!("encryption_type is NONE or KMS, not {other:?}"))
        }
    }
}
