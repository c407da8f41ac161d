//! What bad input may never do: change anything, be answered with a 5xx, panic. For every operation and in all three
//! protocols: each constraint broken just so, and many requests that are wrong at random.

mod bases;

use std::sync::Arc;

use nautilus_log::{Rng, SeededRng};
use nautilus_wire::{
    AwsError, MemberSpec, Output, Protocol, Shape, Writer, cbor,
    rules::{IntegerRule, LengthRule, StringRule},
};
use serde_json::{Value, json};

use self::bases::{Bases, TIMES};
use crate::{
    catalog::Snapshot,
    ops::Operation,
    testing::{World, caller},
};

const PROTOCOLS: [Protocol; 3] = [Protocol::Json10, Protocol::RpcCbor, Protocol::Query];

/// A request's members on their way into CBOR.
struct Request<'a>(&'a Value);

impl Output for Request<'_> {
    fn write<W: Writer>(&self, w: &mut W) {
        match self.0 {
            Value::Null => w.f64(f64::NAN), // no protocol writes null: something that no member takes
            Value::Bool(value) => w.bool(*value),
            Value::String(text) => w.str(text),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => w.i64(integer),
                None => w.f64(number.as_f64().unwrap_or_default()),
            },
            Value::Array(items) => w.list(items, |w, item| Request(item).write(w)),
            Value::Object(members) => w.map(|w| {
                for (name, value) in members {
                    match value.as_u64().filter(|_| TIMES.contains(&name.as_str())) {
                        Some(seconds) => w.field_timestamp_ms(name, seconds.saturating_mul(1000)),
                        None => w.field(name, &Request(value)),
                    }
                }
            }),
        }
    }
}

fn encode(protocol: Protocol, input: &Value) -> Vec<u8> {
    match protocol {
        Protocol::RpcCbor => cbor::append_rpc(Vec::new(), &Request(input)),
        Protocol::Query => {
            let mut pairs = Vec::new();
            flatten("", input, &mut pairs);
            pairs.join("&").into_bytes()
        }
        _ => input.to_string().into_bytes(),
    }
}

/// A value as the parameters of a form.
fn flatten(path: &str, value: &Value, pairs: &mut Vec<String>) {
    let below =
        |step: &str| if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") };
    let mut pair = |text: &str| pairs.push(format!("{}={}", escaped(path), escaped(text)));
    match value {
        Value::Null => {}
        Value::Bool(value) => pair(if *value { "true" } else { "false" }),
        Value::Number(number) => pair(&number.to_string()),
        Value::String(text) => pair(text),
        Value::Array(items) if items.is_empty() => pair(""),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&below(&format!("member.{}", index + 1)), item, pairs);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                flatten(&below(name), value, pairs);
            }
        }
    }
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// What a refused call must leave as it was.
struct State {
    catalog: Arc<Snapshot>,
    /// How many metrics there are.
    series: usize,
}

impl State {
    fn of(world: &World) -> State {
        let inner = world.room().inner();
        let caller = caller();
        let listed = inner.metrics.list(&caller.account, &caller.region, None, 1000, |_| true);
        let listed = world.run(listed);
        State { catalog: inner.catalog.snapshot(), series: listed.len() }
    }

    fn is_that_of(&self, world: &World) -> bool {
        let now = State::of(world);
        Arc::ptr_eq(&self.catalog, &now.catalog) && self.series == now.series
    }
}

/// One call from its bytes on.
fn call(world: &World, protocol: Protocol, operation: &str, body: &[u8]) -> Result<(), AwsError> {
    let input = protocol.parse(body)?;
    world.run(world.room().call(protocol, &caller(), operation, input)).map(drop)
}

fn texts(rule: &StringRule) -> Vec<Value> {
    let mut breaches = Vec::new();
    if rule.min > 0 {
        breaches.push(json!(""));
    }
    if rule.max < usize::MAX {
        breaches.push("a".repeat(rule.max + 1).into());
    }
    if rule.pattern.is_some() {
        breaches.push(json!(":x"));
    }
    if let Some(word) = rule.one_of.first() {
        breaches.extend([json!("x"), word.to_lowercase().into()]);
    }
    breaches
}

fn integers(rule: &IntegerRule) -> Vec<Value> {
    let ends = if rule.long { (i64::MIN, i64::MAX) } else { (i32::MIN.into(), i32::MAX.into()) };
    let low = (rule.min > ends.0).then(|| json!(rule.min - 1));
    let high = (rule.max < ends.1).then(|| json!(rule.max + 1));
    low.into_iter().chain(high).collect()
}

fn lists(rule: &LengthRule, item: &Value) -> Vec<Value> {
    let few = (rule.min > 0).then(|| json!([]));
    let many = (rule.max < 10_000).then(|| json!(vec![item; rule.max + 1]));
    few.into_iter().chain(many).collect()
}

/// Values of a member that break its constraint.
fn breaches(spec: &MemberSpec, base: &Value) -> Vec<Value> {
    let mut found = match &spec.shape {
        Shape::String(rule) => texts(rule),
        Shape::Integer(rule) => integers(rule),
        Shape::Strings(rule, item) => {
            let item = texts(item).into_iter().map(|value| json!([value]));
            lists(rule, &base[0]).into_iter().chain(item).collect()
        }
        Shape::List(rule) => lists(rule, &base[0]),
        _ => Vec::new(),
    };
    if spec.required {
        found.push(Value::Null);
    }
    found
}

/// Puts a value at a path like `Dimensions.member.Name`; null takes the member away. False if there is no such place.
fn put(input: &mut Value, path: &str, value: Value) -> bool {
    let (mut at, mut steps) = (input, path.split('.').peekable());
    while let Some(step) = steps.next() {
        if step == "member" {
            match at.get_mut(0) {
                Some(item) => at = item,
                None => return false,
            }
        } else if steps.peek().is_some() {
            match at.get_mut(step) {
                Some(member) => at = member,
                None => return false,
            }
        } else if value.is_null() {
            return at.as_object_mut().is_some_and(|members| members.remove(step).is_some());
        } else {
            at[step] = value;
            return true;
        }
    }
    false
}

fn get<'v>(input: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(input, |at, step| if step == "member" { &at[0] } else { &at[step] })
}

#[test]
fn a_right_request_is_right_in_every_protocol() {
    for protocol in PROTOCOLS {
        for &operation in Operation::ALL {
            let bases = Bases::new();
            for base in bases.of(operation.name()) {
                let body = encode(protocol, &base);
                let answer = call(&bases.world, protocol, operation.name(), &body);
                assert_eq!(answer, Ok(()), "{} {protocol:?}", operation.name());
            }
        }
    }
}

#[test]
fn the_right_requests_have_every_member() {
    let bases = Bases::new();
    for &operation in Operation::ALL {
        let of = bases.of(operation.name());
        for spec in operation.input() {
            // Of another shape than all others, and for lists of other services' entities.
            let is_told = OTHERS_MEMBERS.iter().any(|other| spec.path.starts_with(other));
            let has = |base: &Value| !get(base, &spec.path).is_null();
            assert!(is_told || of.iter().any(has), "{} {}", operation.name(), spec.path);
        }
    }
}

/// Members that are read and that no right request here has.
const OTHERS_MEMBERS: &[&str] = &[
    "ThresholdMetricId",
    "NextToken",
    "AlarmContributorId",
    "EntityMetricData",
    "StrictEntityValidation",
];

#[test]
fn every_constraint_that_is_broken_is_told_and_nothing_is_changed() {
    let bases = Bases::new();
    let mut broken = 0;
    for &operation in Operation::ALL {
        let of = bases.of(operation.name());
        let cases =
            of.iter().flat_map(|base| operation.input().into_iter().map(move |spec| (base, spec)));
        for (base, spec) in cases.filter(|(base, spec)| !get(base, &spec.path).is_null()) {
            for value in breaches(&spec, get(base, &spec.path)) {
                let mut input = base.clone();
                assert!(put(&mut input, &spec.path, value.clone()));
                for protocol in PROTOCOLS {
                    // A form cannot say an empty text where a list or nothing may be meant.
                    if protocol == Protocol::Query && value == json!("") {
                        continue;
                    }
                    let state = State::of(&bases.world);
                    let body = encode(protocol, &input);
                    let answer = call(&bases.world, protocol, operation.name(), &body);
                    let case =
                        format!("{} {} {value:.60} {protocol:?}", operation.name(), spec.path);
                    let error = answer.expect_err(&case);
                    assert!(state.is_that_of(&bases.world), "{case} changed something");
                    assert_eq!(
                        (error.code.as_ref(), error.status),
                        ("ValidationException", 400),
                        "{case}"
                    );
                    let member = spec.path.rsplit('.').next().unwrap_or_default().to_lowercase();
                    let text = error.message.unwrap_or_default().to_lowercase();
                    assert!(text.contains(&member), "{case}: {text:.300}");
                    broken += 1;
                }
            }
        }
    }
    assert!(broken > 300, "{broken}");
}

#[test]
fn every_member_of_a_wrong_type_is_refused_and_nothing_is_changed() {
    let bases = Bases::new();
    for &operation in Operation::ALL {
        for base in bases.of(operation.name()) {
            for spec in operation.input() {
                let is_list =
                    matches!(spec.shape, Shape::Strings(..) | Shape::List(_) | Shape::Doubles(_));
                let others = match (&spec.shape, is_list) {
                    (Shape::Structure, _) => vec![json!("text"), json!(1)],
                    (_, true) => vec![json!("text"), json!(1), json!({"k": 1})],
                    (_, false) => vec![json!({"k": 1}), json!([1])],
                };
                for value in others {
                    let mut input = base.clone();
                    if !put(&mut input, &spec.path, value.clone()) {
                        continue;
                    }
                    for protocol in [Protocol::Json10, Protocol::RpcCbor] {
                        let state = State::of(&bases.world);
                        let body = encode(protocol, &input);
                        let answer = call(&bases.world, protocol, operation.name(), &body);
                        let case =
                            format!("{} {} {value} {protocol:?}", operation.name(), spec.path);
                        let error = answer.expect_err(&case);
                        assert_eq!(error.code, "SerializationException", "{case}: {error:.300}");
                        assert!(state.is_that_of(&bases.world), "{case} changed something");
                    }
                }
            }
        }
    }
}

/// Requests for each protocol.
const REQUESTS: usize = 6_000;
/// A world in which much has succeeded is no longer the one that the requests are about.
const CALLS_OF_A_WORLD: usize = 300;

fn below(rng: &SeededRng, end: usize) -> usize {
    (rng.next_u64() % end.max(1) as u64) as usize
}

/// Changes one thing somewhere in a value.
fn change(rng: &SeededRng, value: &mut Value) {
    match value {
        Value::Object(members) if !members.is_empty() && below(rng, 8) > 0 => {
            let name = members.keys().nth(below(rng, members.len())).cloned().unwrap_or_default();
            match below(rng, 8) {
                0 => drop(members.remove(&name)),
                1 => drop(members.insert("Unknown".to_owned(), bases::odd_value(rng))),
                _ => change(rng, &mut members[&name]),
            }
        }
        Value::Array(items) if !items.is_empty() && below(rng, 4) > 0 => {
            let at = below(rng, items.len());
            match below(rng, 4) {
                0 => items.push(items[at].clone()),
                1 => drop(items.remove(at)),
                _ => change(rng, &mut items[at]),
            }
        }
        Value::String(text) if !text.is_empty() && below(rng, 2) > 0 => {
            let at = text.floor_char_boundary(below(rng, text.len()));
            match below(rng, 3) {
                0 => text.truncate(at),
                1 => text.insert(at, ['0', 'A', '/', ':', '(', ' ', '\u{0}', '💧'][below(rng, 8)]),
                _ => drop(text.remove(at)),
            }
        }
        Value::Number(number) if below(rng, 2) > 0 => {
            let by = [-1, 1, 10, 1 << 20, 1 << 33][below(rng, 5)];
            *value = number.as_i64().unwrap_or(0).saturating_add(by).into();
        }
        other => *other = bases::odd_value(rng),
    }
}

fn spoil(rng: &SeededRng, body: &mut Vec<u8>) {
    let at = below(rng, body.len());
    match below(rng, 4) {
        _ if body.is_empty() => body.push(rng.next_u64() as u8),
        0 => body[at] ^= 1 << below(rng, 8),
        1 => body.truncate(at),
        2 => body.insert(at, rng.next_u64() as u8),
        _ => drop(body.remove(at)),
    }
}

#[test]
fn no_request_however_wrong_is_our_failure_or_changes_something_when_it_is_refused() {
    for protocol in PROTOCOLS {
        let rng = SeededRng::new(2026);
        let (mut bases, mut succeeded, mut refused) = (Bases::new(), 0, 0);
        for n in 0..REQUESTS {
            if n % CALLS_OF_A_WORLD == CALLS_OF_A_WORLD - 1 {
                bases.world.advance(60_000);
                bases = Bases::new();
            }
            let operation = Operation::ALL[n % Operation::ALL.len()].name();
            let mut of = bases.of(operation);
            let mut input = of.swap_remove(below(&rng, of.len()));
            (0..1 + below(&rng, 3)).for_each(|_| change(&rng, &mut input));
            let mut body = encode(protocol, &input);
            if below(&rng, 4) == 0 {
                spoil(&rng, &mut body);
            }
            let state = State::of(&bases.world);
            match call(&bases.world, protocol, operation, &body) {
                Ok(()) => succeeded += 1,
                Err(error) => {
                    let said =
                        || format!("{operation} {:.500}: {error}", String::from_utf8_lossy(&body));
                    assert!(error.status < 500, "{}", said());
                    assert!(state.is_that_of(&bases.world), "{} changed something", said());
                    refused += 1;
                }
            }
        }
        assert!(succeeded > REQUESTS / 20 && refused > REQUESTS / 20, "{succeeded} {refused}");
    }
}
