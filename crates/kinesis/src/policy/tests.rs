//! What is a policy, and what two accounts may do with each other's streams and consumers.

use nautilus_identity::Caller;
use serde_json::{Value, json};

use super::*;
use crate::{
    Response,
    testing::{World, caller, caller_of},
};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
const OTHER: &str = "123456789012";

fn statement() -> Value {
    json!({
        "Sid": "one",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": ["kinesis:GetRecords", "kinesis:PutRecord"],
        "Resource": ARN,
    })
}

fn policy(statement: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn check(text: &str) -> Result<ResourcePolicy, Error> {
    ResourcePolicy::parse(text.to_owned(), ARN)
}

fn check_with(name: &str, value: Value) -> Result<ResourcePolicy, Error> {
    let mut statement = statement();
    match value {
        Value::Null => drop(statement.as_object_mut().map(|it| it.remove(name))),
        value => statement[name] = value,
    }
    check(&policy(statement).to_string())
}

#[test]
fn what_says_who_may_do_what_on_the_resource_is_a_policy() {
    assert!(check(&policy(statement()).to_string()).is_ok());
    let single = json!({"Version": "2008-10-17", "Id": "x", "Statement": statement()});
    assert!(check(&single.to_string()).is_ok(), "one statement needs no list");
    for (name, value) in [
        ("Sid", Value::Null),
        ("Effect", json!("Deny")),
        ("Principal", json!("*")),
        ("Principal", json!({"AWS": ["123456789012", "arn:aws:iam::000000000000:user/u"]})),
        ("Action", json!("kinesis:*")),
        ("Resource", json!([ARN])),
        ("Condition", json!({"StringEquals": {"aws:SourceAccount": "1"}})),
    ] {
        assert!(check_with(name, value.clone()).is_ok(), "{name} {value}");
    }
}

#[test]
fn everything_else_is_refused() {
    for (name, value) in [
        ("Sid", json!(1)),
        ("Effect", json!("Perhaps")),
        ("Effect", Value::Null),
        ("Principal", Value::Null),
        ("Principal", json!("someone")),
        ("Principal", json!({})),
        ("Principal", json!({"Aws": "*"})),
        ("Action", Value::Null),
        ("Action", json!([])),
        ("Action", json!("s3:GetObject")),
        ("Action", json!("GetRecords")),
        ("Action", json!("*")),
        ("NotAction", json!("kinesis:GetRecords")),
        ("Resource", Value::Null),
        ("Resource", json!([ARN, "*"])),
        ("Condition", json!("often")),
        ("Condition", json!({"Often": {"aws:SourceAccount": "1"}})),
        ("Condition", json!({"StringEquals": "1"})),
    ] {
        let refused = check_with(name, value.clone());
        assert!(matches!(refused, Err(Error::InvalidArgument(_))), "{name} {value}");
    }
    for text in ["", "[]", "{", r#""text""#, "{}", r#"{"Version":"2012-10-17","Statement":[]}"#] {
        assert!(matches!(check(text), Err(Error::InvalidArgument(_))), "{text}");
    }
}

#[test]
fn neither_depth_nor_size_does_harm() {
    let deep = "[".repeat(limits::POLICY_BYTES_MAX);
    assert!(matches!(check(&deep), Err(Error::InvalidArgument(_))));
    let large = format!("{deep}[");
    assert!(matches!(check(&large), Err(Error::LimitExceeded(_))));
}

#[test]
fn a_row_of_an_earlier_version_may_have_any_condition() {
    let mut statement = statement();
    statement["Condition"] = json!({"Often": 5, "StringEquals": {"a": {}}});
    let row = Value::String(policy(statement).to_string()).to_string();
    let kept: ResourcePolicy = serde_json::from_str(&row).expect("it was taken once");
    assert_eq!(serde_json::to_string(&kept).expect("a text"), row);
}

/// The stream `s` of the account 000000000000, and a caller of another.
struct Two {
    world: World,
    other: Caller,
}

impl Two {
    fn new() -> Two {
        let world = World::with_stream(1);
        world.put("s", "k", b"theirs");
        Two { world, other: caller_of(OTHER, "us-east-1") }
    }

    fn put_policy(&self, arn: &str, statements: Value) {
        let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let input = json!({"ResourceARN": arn, "Policy": policy}).to_string();
        assert_eq!(self.call(&caller(), "PutResourcePolicy", &input), Ok(String::new()));
    }

    fn delete_policy(&self, arn: &str) {
        let input = json!({"ResourceARN": arn}).to_string();
        assert_eq!(self.call(&caller(), "DeleteResourcePolicy", &input), Ok(String::new()));
    }

    /// The answer, or the error's text.
    fn call(&self, caller: &Caller, operation: &str, input: &str) -> Result<String, String> {
        match self.world.client_call(caller, operation, input) {
            Ok(Response::Answer(answer)) => Ok(String::from_utf8_lossy(&answer.body).into_owned()),
            Ok(Response::Events(_)) => Ok("events".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn is_let_in(&self, operation: &str, input: &Value) {
        let answer = self.call(&self.other, operation, &input.to_string());
        assert!(answer.is_ok(), "{operation} {input}: {answer:?}");
    }

    fn is_refused(&self, operation: &str, input: &Value, arn: &str) {
        let answer = self.call(&self.other, operation, &input.to_string());
        assert_eq!(answer, Err(refusal(OTHER, operation, arn, None)), "{operation} {input}");
    }

    /// What the other account sends to do each thing that can be shared.
    fn shared_calls(&self) -> Vec<(&'static str, Value)> {
        let iterator = self.world.iterator("s", 0, "TRIM_HORIZON");
        let shard = "shardId-000000000000";
        vec![
            ("DescribeStream", json!({"StreamARN": ARN})),
            ("DescribeStreamSummary", json!({"StreamARN": ARN})),
            ("GetRecords", json!({"StreamARN": ARN, "ShardIterator": iterator})),
            (
                "GetShardIterator",
                json!({"StreamARN": ARN, "ShardId": shard, "ShardIteratorType": "LATEST"}),
            ),
            ("ListShards", json!({"StreamARN": ARN})),
            ("PutRecord", json!({"StreamARN": ARN, "PartitionKey": "k", "Data": "AA=="})),
            (
                "PutRecords",
                json!({"StreamARN": ARN, "Records": [{"PartitionKey": "k", "Data": "AA=="}]}),
            ),
        ]
    }
}

fn refusal(account: &str, operation: &str, arn: &str, why: Option<&str>) -> String {
    let why = why.map_or_else(
        || format!("because no resource-based policy allows the kinesis:{operation} action"),
        str::to_owned,
    );
    format!(
        "AccessDeniedException: User: arn:aws:iam::{account}:user/nautilus is not authorized to \
         perform: kinesis:{operation} on resource: {arn} {why}"
    )
}

fn everything(effect: &str, principal: &str, arn: &str) -> Value {
    json!({
        "Effect": effect,
        "Principal": {"AWS": principal},
        "Action": "kinesis:*",
        "Resource": arn,
    })
}

#[test]
fn another_account_is_let_in_where_a_policy_says_so() {
    let two = Two::new();
    for (operation, input) in two.shared_calls() {
        two.is_refused(operation, &input, ARN);
        let mut allow = everything("Allow", OTHER, ARN);
        allow["Action"] = json!(format!("kinesis:{operation}"));
        two.put_policy(ARN, json!([allow]));
        two.is_let_in(operation, &input);
        for (another, its_input) in two.shared_calls() {
            if another != operation {
                two.is_refused(another, &its_input, ARN);
            }
        }
        two.delete_policy(ARN);
        two.is_refused(operation, &input, ARN);
    }
}

#[test]
fn a_policy_for_others_is_not_for_this_one_and_a_restart_changes_nothing() {
    let mut two = Two::new();
    two.put_policy(ARN, json!([everything("Allow", "210987654321", ARN)]));
    two.is_refused("ListShards", &json!({"StreamARN": ARN}), ARN);
    two.put_policy(ARN, json!([everything("Allow", OTHER, ARN)]));
    two.world.kill();
    two.is_let_in("ListShards", &json!({"StreamARN": ARN}));
    let arn = ARN.replace("stream/s", "stream/t");
    two.world.create("t", 1);
    two.is_refused("ListShards", &json!({"StreamARN": arn}), &arn);
}

#[test]
fn an_explicit_deny_is_for_the_owners_account_too() {
    let two = Two::new();
    let why = Some("with an explicit deny in a resource-based policy");
    let mut deny = everything("Deny", "*", ARN);
    deny["Action"] = json!("kinesis:List*");
    two.put_policy(ARN, json!([everything("Allow", OTHER, ARN), deny]));
    let input = json!({"StreamARN": ARN}).to_string();
    for caller in [&caller(), &two.other] {
        let refused = Err(refusal(&caller.account, "ListShards", ARN, why));
        assert_eq!(two.call(caller, "ListShards", &input), refused);
        assert!(two.call(caller, "DescribeStreamSummary", &input).is_ok());
    }
    let named = two.call(&caller(), "ListTagsForStream", r#"{"StreamName":"s"}"#);
    assert_eq!(named, Err(refusal("000000000000", "ListTagsForStream", ARN, why)));
    assert!(two.call(&caller(), "ListStreams", "{}").is_ok(), "it is about no single stream");
    two.world.ok("ListShards", &input);

    two.put_policy(ARN, json!([everything("Deny", "*", ARN)]));
    let get = json!({"ResourceARN": ARN}).to_string();
    assert!(two.call(&caller(), "GetResourcePolicy", &get).is_ok(), "there is a way out");
    two.delete_policy(ARN);
    assert!(two.call(&caller(), "ListShards", &input).is_ok());
}

#[test]
fn a_deny_of_others_and_a_deny_under_a_condition_that_is_not_met_leave_the_owner_alone() {
    let two = Two::new();
    let mut elsewhere = everything("Deny", "*", ARN);
    elsewhere["Condition"] = json!({"StringNotEquals": {"aws:PrincipalAccount": "000000000000"}});
    two.put_policy(ARN, json!([everything("Deny", OTHER, ARN), elsewhere]));
    assert!(two.call(&caller(), "ListShards", r#"{"StreamName":"s"}"#).is_ok());
}

#[test]
fn what_changes_a_stream_or_shows_more_of_it_is_never_shared() {
    let two = Two::new();
    let consumer = two.world.register("c");
    two.world.settle();
    two.put_policy(ARN, json!([everything("Allow", "*", ARN)]));
    two.put_policy(&consumer, json!([everything("Allow", "*", &consumer)]));
    let policy = policy(statement()).to_string();
    for (operation, input, arn) in [
        ("DeleteStream", json!({"StreamARN": ARN}), ARN),
        (
            "SplitShard",
            json!({"StreamARN": ARN, "ShardToSplit": "0", "NewStartingHashKey": "9"}),
            ARN,
        ),
        ("AddTagsToStream", json!({"StreamARN": ARN, "Tags": {"a": "b"}}), ARN),
        ("ListTagsForStream", json!({"StreamARN": ARN}), ARN),
        ("ListTagsForResource", json!({"ResourceARN": ARN}), ARN),
        ("TagResource", json!({"ResourceARN": consumer, "Tags": {"a": "b"}}), &consumer),
        ("GetResourcePolicy", json!({"ResourceARN": ARN}), ARN),
        ("DeleteResourcePolicy", json!({"ResourceARN": consumer}), &consumer),
        ("PutResourcePolicy", json!({"ResourceARN": ARN, "Policy": policy}), ARN),
        ("RegisterStreamConsumer", json!({"StreamARN": ARN, "ConsumerName": "d"}), ARN),
        ("ListStreamConsumers", json!({"StreamARN": ARN}), ARN),
        ("DeregisterStreamConsumer", json!({"ConsumerARN": consumer}), &consumer),
        ("DescribeStreamConsumer", json!({"StreamARN": ARN, "ConsumerName": "c"}), ARN),
    ] {
        two.is_refused(operation, &input, arn);
    }
}

#[test]
fn a_refusal_does_not_tell_what_is_there() {
    let two = Two::new();
    let consumer = two.world.register("c");
    two.world.settle();
    for (there, not) in [(ARN, "stream/t"), (&consumer, "stream/s/consumer/d:1")] {
        let nowhere = format!("arn:aws:kinesis:us-east-1:000000000000:{not}");
        for arn in [there, &nowhere] {
            two.is_refused("ListTagsForResource", &json!({"ResourceARN": arn}), arn);
        }
    }
    for name in ["c", "d"] {
        let input = json!({"StreamARN": ARN, "ConsumerName": name});
        two.is_refused("DescribeStreamConsumer", &input, ARN);
    }
    let nowhere = ARN.replace("stream/s", "stream/t");
    for (operation, mut input) in two.shared_calls() {
        if operation != "GetRecords" {
            input["StreamARN"] = json!(nowhere);
            two.is_refused(operation, &input, &nowhere);
        }
    }
    let queue = "arn:aws:kinesis:us-east-1:000000000000:queue/stream/q";
    two.is_refused("ListTagsForResource", &json!({"ResourceARN": queue}), queue);
}

#[test]
fn a_consumers_own_policy_is_what_counts() {
    let two = Two::new();
    let consumer = two.world.register("c");
    two.world.settle();
    let position = json!({"Type": "TRIM_HORIZON"});
    let subscribe = json!({"ConsumerARN": consumer, "ShardId": "0", "StartingPosition": position});
    let describe = json!({"ConsumerARN": consumer});
    two.put_policy(ARN, json!([everything("Allow", OTHER, ARN)]));
    two.is_refused("SubscribeToShard", &subscribe, &consumer);
    two.is_refused("DescribeStreamConsumer", &describe, &consumer);
    two.delete_policy(ARN);
    two.put_policy(&consumer, json!([everything("Allow", OTHER, &consumer)]));
    two.is_let_in("SubscribeToShard", &subscribe);
    two.is_let_in("DescribeStreamConsumer", &describe);
    two.is_refused("ListShards", &json!({"StreamARN": ARN}), ARN);
    two.put_policy(&consumer, json!([everything("Deny", "*", &consumer)]));
    let why = Some("with an explicit deny in a resource-based policy");
    let refused = Err(refusal("000000000000", "SubscribeToShard", &consumer, why));
    assert_eq!(two.call(&caller(), "SubscribeToShard", &subscribe.to_string()), refused);
    let other_spelling = consumer.replace("arn:aws:", "arn:aws-cn:");
    let input =
        json!({"ConsumerARN": other_spelling, "ShardId": "0", "StartingPosition": position});
    let answer = two.call(&caller(), "SubscribeToShard", &input.to_string());
    assert!(answer.is_err_and(|error| error.starts_with("ResourceNotFoundException")));
}

#[test]
fn an_iterator_or_a_token_is_no_key() {
    let two = Two::new();
    let iterator = two.world.iterator("s", 0, "TRIM_HORIZON");
    let own = ARN.replace("000000000000", OTHER);
    let missing = |account: &str| {
        Err(format!(
            "ResourceNotFoundException: Shard shardId-000000000000 in stream s under account \
             {account} does not exist"
        ))
    };
    let without = json!({"ShardIterator": iterator}).to_string();
    let with_own = json!({"ShardIterator": iterator, "StreamARN": own}).to_string();
    for input in [&without, &with_own] {
        assert_eq!(two.call(&two.other, "GetRecords", input), missing(OTHER));
    }
    // A stream of the same name is another stream.
    let create = r#"{"StreamName":"s","ShardCount":1}"#;
    assert_eq!(two.call(&two.other, "CreateStream", create), Ok(String::new()));
    two.world.settle();
    for input in [&without, &with_own] {
        assert_eq!(two.call(&two.other, "GetRecords", input), missing(OTHER));
    }
    two.is_refused("GetRecords", &json!({"ShardIterator": iterator, "StreamARN": ARN}), ARN);

    two.world.create("many", 2);
    let first = two.world.ok("ListShards", r#"{"StreamName":"many","MaxResults":1}"#);
    let token = json!({"NextToken": first["NextToken"]});
    two.is_refused("ListShards", &token, &ARN.replace("stream/s", "stream/many"));
    assert!(two.call(&caller(), "ListShards", &token.to_string()).is_ok());
}

#[test]
fn records_of_another_account_go_both_ways() {
    let two = Two::new();
    two.put_policy(ARN, json!([everything("Allow", OTHER, ARN)]));
    two.is_let_in("PutRecord", &json!({"StreamARN": ARN, "PartitionKey": "k", "Data": "AA=="}));
    assert_eq!(two.world.read_all("s", 0), [b"theirs".to_vec(), vec![0]]);
    let input = json!({"StreamARN": ARN, "ShardId": "0", "ShardIteratorType": "TRIM_HORIZON"});
    let answer = two.call(&two.other, "GetShardIterator", &input.to_string()).expect("let in");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let input = json!({"StreamARN": ARN, "ShardIterator": answer["ShardIterator"]});
    let answer = two.call(&two.other, "GetRecords", &input.to_string()).expect("let in");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["Records"].as_array().map(Vec::len), Some(2));
}
