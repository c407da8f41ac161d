//! Requests that are wrong at random: never a 5xx, never a panic, and what is refused changes nothing.

use std::collections::BTreeMap;

use nautilus_log::{Rng, SeededRng};
use nautilus_wire::Protocol;
use serde_json::{Value, json};

use super::{State, bases::Bases, call, encode};
use crate::operations;

/// Requests for each protocol; `NAUTILUS_MUTATIONS` asks for more.
const REQUESTS: usize = 20_000;
/// A world in which much has succeeded is no longer the one that the requests are about.
const CALLS_OF_A_WORLD: usize = 400;

fn below(rng: &SeededRng, end: usize) -> usize {
    (rng.next_u64() % end.max(1) as u64) as usize
}

/// A value that somebody might send.
fn odd_value(rng: &SeededRng) -> Value {
    let odd = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(10_001),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(1e300),
        json!(-0.5),
        json!(1_795_489_200),
        json!(""),
        json!("x"),
        json!("0"),
        json!("s"),
        json!("shardId-000000000001"),
        json!("arn:aws:kinesis:us-east-1:000000000000:stream/o"),
        json!("arn:aws:kinesis:us-east-1:111122223333:stream/s"),
        json!("340282366920938463463374607431768211456"),
        json!("49680509262225361648183994749115954333164315737952616466"),
        json!("LATEST"),
        json!("TRIM_HORIZON"),
        json!("AFTER_SEQUENCE_NUMBER"),
        json!("é\u{0}💧"),
        json!("A".repeat(300)),
        json!("\"AAAA\""),
        json!([]),
        json!({}),
        json!([[]]),
        json!([null]),
        json!({ "k": null }),
        json!([{ "PartitionKey": "k", "Data": "ZGF0YQ==" }]),
    ];
    odd[below(rng, odd.len())].clone()
}

/// Changes one thing somewhere in a value.
fn change(rng: &SeededRng, value: &mut Value) {
    match value {
        Value::Object(members) if !members.is_empty() && below(rng, 8) > 0 => {
            let name = members.keys().nth(below(rng, members.len())).cloned().unwrap_or_default();
            match below(rng, 8) {
                0 => drop(members.remove(&name)),
                1 => drop(members.insert("Unknown".to_owned(), odd_value(rng))),
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
            match below(rng, 4) {
                0 => text.truncate(at),
                1 => text.insert(at, ['0', 'A', '/', ':', ' ', '\u{0}', '💧'][below(rng, 7)]),
                2 => text.push('0'),
                _ => drop(text.remove(at)),
            }
        }
        Value::Number(number) if below(rng, 2) > 0 => {
            let by = [-1, 1, 10, 1 << 20, 1 << 33][below(rng, 5)];
            *value = number.as_i64().unwrap_or(0).saturating_add(by).into();
        }
        other => *other = odd_value(rng),
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

/// What became of one operation's requests.
#[derive(Default)]
struct Outcomes {
    all: usize,
    /// They were whole values of the protocol.
    parsed: usize,
    succeeded: usize,
    codes: BTreeMap<String, usize>,
}

#[test]
fn no_request_however_wrong_is_our_failure_or_changes_something_when_it_is_refused() {
    let requests = std::env::var("NAUTILUS_MUTATIONS").ok().and_then(|text| text.parse().ok());
    let requests: usize = requests.unwrap_or(REQUESTS);
    let operations = operations();
    for protocol in Protocol::OF_KINESIS {
        let rng = SeededRng::new(2024);
        let mut outcomes: BTreeMap<&str, Outcomes> = BTreeMap::new();
        let mut bases = Bases::new();
        for n in 0..requests {
            if n % CALLS_OF_A_WORLD == CALLS_OF_A_WORLD - 1 {
                bases = Bases::new();
            }
            let operation = operations[n % operations.len()].name;
            let mut input = bases.of(operation);
            (0..1 + below(&rng, 3)).for_each(|_| change(&rng, &mut input));
            let mut body = encode(protocol, &input);
            if below(&rng, 4) == 0 {
                spoil(&rng, &mut body);
            }
            let outcome = outcomes.entry(operation).or_default();
            outcome.all += 1;
            let state = State::of(&bases.world);
            let answer = call(&bases.world, protocol, operation, &body);
            match answer {
                Ok(()) => {
                    (outcome.parsed, outcome.succeeded) =
                        (outcome.parsed + 1, outcome.succeeded + 1);
                }
                Err(error) => {
                    let said =
                        || format!("{operation} {:.500}: {error}", String::from_utf8_lossy(&body));
                    assert!(error.status < 500, "{}", said());
                    assert!(state.is_that_of(&bases.world), "{} changed something", said());
                    outcome.parsed += usize::from(error.code != "SerializationException");
                    *outcome.codes.entry(error.code.to_string()).or_default() += 1;
                }
            }
        }
        tell(protocol, &outcomes);
    }
}

#[allow(clippy::print_stdout)] // shares for whoever asks with --nocapture
fn tell(protocol: Protocol, outcomes: &BTreeMap<&str, Outcomes>) {
    let (mut all, mut parsed) = (0, 0);
    for (operation, outcome) in outcomes {
        (all, parsed) = (all + outcome.all, parsed + outcome.parsed);
        println!(
            "{protocol:?} {operation}: {} requests, {} % past parsing, {} succeeded, {:?}",
            outcome.all,
            100 * outcome.parsed / outcome.all.max(1),
            outcome.succeeded,
            outcome.codes,
        );
        assert!(outcome.parsed > 0, "{operation}: nothing of it was read");
    }
    println!("{protocol:?}: {all} requests, {} % past parsing, no 5xx", 100 * parsed / all);
    assert!(100 * parsed / all >= 30, "too much does not even get to be read");
}
