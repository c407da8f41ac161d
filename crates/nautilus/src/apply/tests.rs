//! Walks the modules of `tests/apply`: each has the text that is expected of it beside it.
//!
//! The services are small models; Kinesis's passes through CREATING and UPDATING as the real one does. A module that was
//! applied is applied again and must then say `No changes`, unless what is left is drift or waits for somebody.
//! `present.json` are the streams before, `before.json` the calls of CloudWatch and SNS before, `options.json` what the
//! command line says.

mod alarms;
mod topics;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Mutex,
};

use serde::Deserialize;
use serde_json::{Value as Json, json};

use self::{alarms::Alarms, topics::Topics};
use super::{Api, ApiError, Options, Service, run};

#[derive(Debug, Deserialize)]
struct Stream {
    name: String,
    mode: String,
    shard_count: u64,
    retention_hours: u64,
    metrics: BTreeSet<String>,
    tags: BTreeMap<String, String>,
    /// By name.
    #[serde(default)]
    consumers: BTreeMap<String, Consumer>,
    #[serde(default)]
    policy: Option<String>,
    /// Looks at the stream until it is ACTIVE again.
    #[serde(default)]
    looks: u8,
}

#[derive(Debug, Deserialize)]
struct Consumer {
    created: u64,
    #[serde(default)]
    policy: Option<String>,
    /// Looks at the consumer until it is ACTIVE.
    #[serde(default)]
    looks: u8,
}

/// When the model's consumers are made.
const NOW: u64 = 1_700_000_000;

#[derive(Debug, Default)]
struct Model {
    streams: Mutex<BTreeMap<String, Stream>>,
    alarms: Mutex<Alarms>,
    topics: Mutex<Topics>,
    calls: Mutex<Vec<String>>,
}

impl Api for &Model {
    async fn call(&self, service: Service, operation: &str, input: Json) -> Result<Json, ApiError> {
        let reads = ["Describe", "Get", "List"];
        if !reads.iter().any(|verb| operation.starts_with(verb)) {
            self.calls.lock().unwrap().push(format!("{operation} {input}"));
        }
        match service {
            Service::CloudWatch => return self.alarms.lock().unwrap().call(operation, input),
            Service::Sns => return self.topics.lock().unwrap().call(operation, &input),
            Service::Kinesis => {}
        }
        let mut streams = self.streams.lock().unwrap();
        match (operation, &input["ResourceARN"], &input["ConsumerName"]) {
            ("CreateStream", ..) => Ok(create(&mut streams, &input)),
            (_, Json::String(arn), _) => policy(&mut streams, operation, arn, &input["Policy"]),
            (_, _, Json::String(name)) => {
                consumer(find(&mut streams, &input)?, operation, name, &input)
            }
            _ => answer(find(&mut streams, &input)?, operation, &input),
        }
    }
}

/// Tags of CloudWatch's and SNS's resources, by their ARNs.
#[derive(Debug, Default)]
struct Tags(BTreeMap<String, BTreeMap<String, String>>);

impl Tags {
    fn call(&mut self, operation: &str, arn: &str, input: &Json) -> Json {
        let tags = self.0.entry(arn.to_owned()).or_default();
        let items = |name: &str| input[name].as_array().cloned().unwrap_or_default();
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        match operation {
            "TagResource" => {
                tags.extend(
                    items("Tags").iter().map(|tag| (text(&tag["Key"]), text(&tag["Value"]))),
                );
            }
            "UntagResource" => {
                items("TagKeys").iter().for_each(|key| drop(tags.remove(&text(key))))
            }
            "ListTagsForResource" => return tag_list(tags),
            other => panic!("the model has no {other}"),
        }
        Json::Null
    }
}

fn error(code: &str, message: &str) -> ApiError {
    ApiError { code: code.to_owned(), message: message.to_owned() }
}

fn not_found(what: &str) -> ApiError {
    error("ResourceNotFoundException", what)
}

/// The stream that an input names.
fn find<'s>(
    streams: &'s mut BTreeMap<String, Stream>,
    input: &Json,
) -> Result<&'s mut Stream, ApiError> {
    let name = input["StreamName"].as_str().or_else(|| input["StreamARN"].as_str()).unwrap();
    let name = name.rsplit('/').next().unwrap();
    streams.get_mut(name).ok_or_else(|| not_found(name))
}

fn create(streams: &mut BTreeMap<String, Stream>, input: &Json) -> Json {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let stream = Stream {
        name: text(&input["StreamName"]),
        mode: text(&input["StreamModeDetails"]["StreamMode"]),
        shard_count: input["ShardCount"].as_u64().unwrap_or(4),
        retention_hours: 24,
        metrics: BTreeSet::new(),
        tags: serde_json::from_value(input["Tags"].clone()).unwrap_or_default(),
        consumers: BTreeMap::new(),
        policy: None,
        looks: 2,
    };
    streams.insert(stream.name.clone(), stream);
    Json::Null
}

/// Operations on the policy of a stream or a consumer.
fn policy(
    streams: &mut BTreeMap<String, Stream>,
    operation: &str,
    arn: &str,
    text: &Json,
) -> Result<Json, ApiError> {
    let path: Vec<&str> = arn.split(['/', ':']).skip(6).collect();
    let stream = streams.get_mut(path[0]).ok_or_else(|| not_found(arn))?;
    let (policy, looks) = match path[1..] {
        [_, name, second] => {
            let consumer = stream.consumers.get_mut(name);
            let consumer = consumer.filter(|consumer| consumer.created.to_string() == second);
            let consumer = consumer.ok_or_else(|| not_found(arn))?;
            (&mut consumer.policy, consumer.looks)
        }
        _ => (&mut stream.policy, stream.looks),
    };
    match operation {
        "GetResourcePolicy" => Ok(json!({ "Policy": policy.as_deref().unwrap_or("{}") })),
        "PutResourcePolicy" if looks > 0 => Err(error("ResourceInUseException", arn)),
        "PutResourcePolicy" => {
            *policy = Some(text.as_str().unwrap().to_owned());
            Ok(Json::Null)
        }
        other => panic!("the model has no {other}"),
    }
}

fn consumer(
    stream: &mut Stream,
    operation: &str,
    name: &str,
    input: &Json,
) -> Result<Json, ApiError> {
    match operation {
        "RegisterStreamConsumer" if stream.looks > 0 => Err(error("ResourceInUseException", name)),
        "RegisterStreamConsumer" => {
            let consumer = Consumer { created: NOW, policy: None, looks: 2 };
            stream.consumers.insert(name.to_owned(), consumer);
            Ok(Json::Null)
        }
        "DescribeStreamConsumer" => {
            let consumer = stream.consumers.get_mut(name).ok_or_else(|| not_found(name))?;
            let arn = input["StreamARN"].as_str().unwrap();
            let created = consumer.created;
            Ok(json!({ "ConsumerDescription": {
                "ConsumerStatus": if pass(&mut consumer.looks) { "CREATING" } else { "ACTIVE" },
                "ConsumerARN": format!("{arn}/consumer/{name}:{created}"),
                "ConsumerCreationTimestamp": created,
            } }))
        }
        other => panic!("the model has no {other}"),
    }
}

/// Operations on a stream that is there.
fn answer(stream: &mut Stream, operation: &str, input: &Json) -> Result<Json, ApiError> {
    if operation == "DescribeStreamSummary" {
        return Ok(summary(stream));
    }
    if stream.looks > 0 {
        return Err(error("ResourceInUseException", &stream.name));
    }
    let strings = |field: &str| -> Vec<String> {
        serde_json::from_value(input[field].clone()).unwrap_or_default()
    };
    match operation {
        "ListTagsForStream" => return Ok(tag_list(&stream.tags)),
        "AddTagsToStream" => {
            let tags: BTreeMap<String, String> =
                serde_json::from_value(input["Tags"].clone()).unwrap();
            stream.tags.extend(tags);
            return Ok(Json::Null);
        }
        "RemoveTagsFromStream" => {
            let keys = strings("TagKeys");
            stream.tags.retain(|key, _| !keys.contains(key));
            return Ok(Json::Null);
        }
        "IncreaseStreamRetentionPeriod" | "DecreaseStreamRetentionPeriod" => {
            stream.retention_hours = input["RetentionPeriodHours"].as_u64().unwrap();
        }
        "EnableEnhancedMonitoring" => stream.metrics.extend(strings("ShardLevelMetrics")),
        "DisableEnhancedMonitoring" => {
            let names = strings("ShardLevelMetrics");
            stream.metrics.retain(|name| !names.contains(name));
        }
        "UpdateShardCount" => stream.shard_count = input["TargetShardCount"].as_u64().unwrap(),
        "UpdateStreamMode" => {
            stream.mode = input["StreamModeDetails"]["StreamMode"].as_str().unwrap().to_owned();
        }
        other => panic!("the model has no {other}"),
    }
    stream.looks = 1;
    Ok(Json::Null)
}

/// Whether it is still passing; a look nearer to its end.
fn pass(looks: &mut u8) -> bool {
    let passing = *looks > 0;
    *looks = looks.saturating_sub(1);
    passing
}

fn summary(stream: &mut Stream) -> Json {
    json!({ "StreamDescriptionSummary": {
        "StreamName": stream.name,
        "StreamStatus": if pass(&mut stream.looks) { "UPDATING" } else { "ACTIVE" },
        "StreamModeDetails": { "StreamMode": stream.mode },
        "RetentionPeriodHours": stream.retention_hours,
        "OpenShardCount": stream.shard_count,
        "EnhancedMonitoring": [{ "ShardLevelMetrics": stream.metrics }],
    } })
}

fn tag_list(tags: &BTreeMap<String, String>) -> Json {
    let tags = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value }));
    json!({ "Tags": tags.collect::<Vec<_>>(), "HasMoreTags": false })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct OptionsFile {
    vars: Vec<String>,
    environment: BTreeMap<String, String>,
    apply_changes: bool,
}

/// The file's text, or nothing if there is none.
#[allow(clippy::disallowed_methods)] // a test's own files
fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn modules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apply")
}

/// Everything that a module makes `--apply` say and do.
async fn outcome(dir: &Path) -> String {
    let file: OptionsFile = match text(&dir.join("options.json")).as_str() {
        "" => OptionsFile::default(),
        text => serde_json::from_str(text).unwrap(),
    };
    let OptionsFile { vars, environment, apply_changes } = file;
    let options = Options { dir: dir.to_owned(), vars, apply_changes, environment };

    let model = Model::default();
    let present = text(&dir.join("present.json"));
    if !present.is_empty() {
        let streams: Vec<Stream> = serde_json::from_str(&present).unwrap();
        let streams = streams.into_iter().map(|stream| (stream.name.clone(), stream));
        model.streams.lock().unwrap().extend(streams);
    }
    let before = text(&dir.join("before.json"));
    if !before.is_empty() {
        let calls: Vec<(String, String, Json)> = serde_json::from_str(&before).unwrap();
        for (service, operation, input) in calls {
            let service = match &*service {
                "CloudWatch" => Service::CloudWatch,
                "Sns" => Service::Sns,
                other => panic!("{other} has a file of its own"),
            };
            (&model).call(service, &operation, input).await.unwrap();
        }
        model.calls.lock().unwrap().clear();
    }
    let shown = match run(&options, |_| &model).await {
        Ok(report) => {
            let calls = std::mem::take(&mut *model.calls.lock().unwrap());
            let again = run(&options, |_| &model).await.unwrap();
            let waits = again.plan.iter().any(|line| line.ends_with("is asked again"));
            if !waits && !report.plan.iter().any(|line| line.starts_with('!')) {
                assert_eq!(again.plan.last().unwrap(), "No changes", "{}", dir.display());
            }
            let repeated = std::mem::take(&mut *model.calls.lock().unwrap());
            let is_question = |call: &String| waits && call.starts_with("Subscribe ");
            assert!(repeated.iter().all(is_question), "{}: {repeated:?}", dir.display());
            let parts = [
                ("region", &vec![report.region]),
                ("plan", &report.plan),
                ("outputs", &report.outputs),
                ("calls", &calls),
            ];
            let parts = parts.iter().filter(|(_, lines)| !lines.is_empty());
            parts.map(|(name, lines)| format!("# {name}\n{}\n", lines.join("\n"))).collect()
        }
        Err(error) => {
            assert!(!error.is_half_way(), "{}", dir.display());
            assert!(model.calls.lock().unwrap().is_empty(), "{}", dir.display());
            format!("{error}\n")
        }
    };
    shown.replace(&format!("{}/", dir.display()), "").replace(&dir.display().to_string(), "DIR")
}

#[tokio::test]
async fn every_module_makes_apply_say_and_do_what_stands_beside_it() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(modules()).unwrap() {
        let dir = entry.unwrap().path();
        let expected = text(&dir.join("expected.txt"));
        let outcome = outcome(&dir).await;
        seen += 1;
        if outcome != expected {
            wrong.push(format!("=== {}\n{outcome}", dir.display()));
        }
    }
    assert!(seen >= 10, "only {seen} modules in {}", modules().display());
    assert!(wrong.is_empty(), "these say something else:\n{}", wrong.join("\n"));
}

/// The files of `terraform/`, with those of `terraform/optional/` beside them.
#[tokio::test]
async fn the_optional_files_are_read_beside_the_module() {
    let module = tempfile::tempdir().unwrap();
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../terraform");
    for dir in [files.clone(), files.join("optional")] {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "tf") {
                std::fs::copy(&path, module.path().join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    let options = Options {
        dir: module.path().to_owned(),
        vars: vec!["alarm_endpoint=https://alerts.example.com/kinesis".to_owned()],
        ..Options::default()
    };
    let model = Model::default();
    let report = run(&options, |_| &model).await.unwrap();
    let made = report.plan.iter().filter(|line| line.starts_with('+'));
    assert_eq!(
        made.collect::<Vec<_>>(),
        [
            "+ aws_kinesis_stream.nautilus_stream",
            "+ aws_sns_topic.stream_alarms",
            "+ aws_cloudwatch_metric_alarm.iterator_age",
            "+ aws_cloudwatch_metric_alarm.write_throttle",
            "+ aws_sns_topic_subscription.stream_alarms",
        ]
    );
    let again = run(&options, |_| &model).await.unwrap();
    assert_eq!(again.plan, ["No changes"]);
}

/// Throttles each call once, then refuses to create streams.
#[derive(Debug, Default)]
struct Refusing(Mutex<BTreeSet<String>>);

impl Api for &Refusing {
    async fn call(&self, _: Service, operation: &str, _: Json) -> Result<Json, ApiError> {
        let (code, message) = match operation {
            _ if self.0.lock().unwrap().insert(operation.to_owned()) => ("ThrottlingException", ""),
            "DescribeStreamSummary" => ("ResourceNotFoundException", ""),
            _ => ("LimitExceededException", "You already have 500 shards."),
        };
        Err(ApiError { code: code.to_owned(), message: message.to_owned() })
    }
}

#[tokio::test]
async fn a_refused_call_is_named_with_the_line_of_its_stream_and_a_throttled_one_made_again() {
    let dir = modules().join("the_document");
    let options = Options { dir: dir.clone(), ..Options::default() };
    let service = Refusing::default();
    let error = run(&options, |_| &service).await.unwrap_err();
    assert!(error.is_half_way());
    assert_eq!(
        error.to_string(),
        format!(
            "{}/main.tf:35: aws_kinesis_stream.nautilus_stream: CreateStream: LimitExceededException: You already \
             have 500 shards.",
            dir.display()
        )
    );
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_named() {
    let options = Options { dir: "no/such/place".into(), ..Options::default() };
    let model = Model::default();
    let error = run(&options, |_| &model).await.unwrap_err();
    assert_eq!(error.to_string(), "no/such/place: does not exist");
}
