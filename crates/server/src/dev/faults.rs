//! `/_nautilus/faults`: makes a share of clients' calls fail, by the names of AWS's Fault Injection Service.
//!
//! ```text
//! GET     /_nautilus/faults       what is injected, and how often it was
//! POST    /_nautilus/faults       adds one: {"actionId":"aws:fis:inject-api-internal-error","percentage":25,...}
//! PUT     /_nautilus/faults       replaces all: {"faults":[...]}
//! DELETE  /_nautilus/faults       takes all away
//! DELETE  /_nautilus/faults/7     takes one away
//! ```
//!
//! A fault has `actionId`, and may have `stream`, `shard`, `operations` (a list, or as FIS writes it, with commas),
//! `percentage` (100), `duration` (`5m`, or `PT5M`) and `seed`. A member that is not known is refused: a misspelt one
//! would make a fault that is everywhere.

use hyper::{Method, StatusCode};
use nautilus_kinesis::{AddedFault, Fault, FaultAction, Faults};
use nautilus_wire::{Number, Output, Value, Writer, json};

use super::{duration_ms, refuse};
use crate::reply::Reply;

/// The path, and what all others begin with.
pub(super) const PATH: &str = "/_nautilus/faults";

/// Answers a request whose path begins with [`PATH`].
pub(super) fn answer(faults: &Faults, method: &Method, path: &str, body: &[u8]) -> Reply {
    let rest = path.strip_prefix(PATH).unwrap_or_default();
    let answered = match (method, rest) {
        (&Method::GET, "") => Ok(list_reply(&faults.list())),
        (&Method::POST, "") => {
            one(body).and_then(|fault| faults.add(fault)).map(|added| reply(&One(&added)))
        }
        (&Method::PUT, "") => {
            all(body).and_then(|all| faults.replace(all)).map(|it| list_reply(&it))
        }
        (&Method::DELETE, "") => {
            faults.clear();
            Ok(list_reply(&[]))
        }
        (&Method::DELETE, one) => {
            let id = one.strip_prefix('/').and_then(|id| id.parse().ok());
            return match id.is_some_and(|id| faults.remove(id)) {
                true => list_reply(&faults.list()),
                false => refuse(StatusCode::NOT_FOUND, "there is no such fault"),
            };
        }
        (_, "") => return refuse(StatusCode::METHOD_NOT_ALLOWED, "use GET, POST, PUT or DELETE"),
        _ => return refuse(StatusCode::NOT_FOUND, "there is only /_nautilus/faults"),
    };
    answered.unwrap_or_else(|sentence| refuse(StatusCode::BAD_REQUEST, sentence))
}

fn reply(output: &impl Output) -> Reply {
    let mut body = json::to_vec(output);
    body.push(b'\n');
    Reply::new(StatusCode::OK, Some("application/json"), body)
}

fn list_reply(faults: &[AddedFault]) -> Reply {
    reply(&List(faults))
}

fn one(body: &[u8]) -> Result<Fault, String> {
    fault(json::parse(body).map_err(|_| NOT_JSON.to_owned())?)
}

fn all(body: &[u8]) -> Result<Vec<Fault>, String> {
    let wrong = || r#"send {"faults":[...]}"#.to_owned();
    let Ok(Value::Map(members)) = json::parse(body) else { return Err(NOT_JSON.to_owned()) };
    let mut members = members.into_iter();
    match (members.next(), members.next()) {
        (Some((name, Value::List(faults))), None) if name == "faults" => {
            faults.into_iter().map(fault).collect()
        }
        _ => Err(wrong()),
    }
}

const NOT_JSON: &str = "send a JSON object";

fn fault(value: Value<'_>) -> Result<Fault, String> {
    let Value::Map(members) = value else { return Err("a fault is a JSON object".to_owned()) };
    let mut action = None;
    let mut fault = Fault {
        action: FaultAction::Internal,
        stream: None,
        shard: None,
        operations: Vec::new(),
        percentage: 100.0,
        duration_ms: None,
        seed: None,
    };
    for (name, value) in members {
        match (&*name, value) {
            (_, Value::Null) => {}
            ("actionId", Value::Str(text)) => action = Some(action_of(&text)?),
            ("stream", Value::Str(text)) => fault.stream = Some(text.into_owned()),
            ("shard", Value::Str(text)) => fault.shard = Some(text.into_owned()),
            ("operations", value) => fault.operations = operations(value)?,
            ("percentage", value) => fault.percentage = number(&value).ok_or(PERCENTAGE)?,
            ("duration", Value::Str(text)) => {
                fault.duration_ms = Some(duration_ms(&text).ok_or(DURATION)?);
            }
            ("seed", Value::Number(Number::Integer(seed))) => fault.seed = Some(seed as u64),
            (name, _) => {
                return Err(format!(
                    "`{name}` is not understood: a fault has actionId, stream, shard, operations, \
                     percentage, duration and seed"
                ));
            }
        }
    }
    fault.action = action.ok_or_else(|| format!("`actionId` is one of {}", action_names()))?;
    Ok(fault)
}

const PERCENTAGE: &str = "`percentage` is a number";
const DURATION: &str = "`duration` is a number and ms, s, m, h or d, like `5m`; or like `PT5M`";

fn action_of(name: &str) -> Result<FaultAction, String> {
    let wrong = || format!("there is no action `{name}`; there are {}", action_names());
    FaultAction::from_name(name).ok_or_else(wrong)
}

fn action_names() -> String {
    let names: Vec<&str> = FaultAction::ALL.iter().map(|action| action.name()).collect();
    names.join(", ")
}

fn operations(value: Value<'_>) -> Result<Vec<String>, String> {
    let wrong = || "`operations` is a list of names".to_owned();
    match value {
        Value::Str(text) => Ok(text.split(',').map(|name| name.trim().to_owned()).collect()),
        Value::List(names) => names
            .into_iter()
            .map(|name| match name {
                Value::Str(name) => Ok(name.into_owned()),
                _ => Err(wrong()),
            })
            .collect(),
        _ => Err(wrong()),
    }
}

fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Number(Number::Integer(number)) => Some(*number as f64),
        Value::Number(Number::Float(number)) => Some(*number),
        Value::Str(text) => text.parse().ok(),
        _ => None,
    }
}

struct One<'f>(&'f AddedFault);

impl Output for One<'_> {
    fn write<W: Writer>(&self, w: &mut W) {
        write(w, self.0);
    }
}

struct List<'f>(&'f [AddedFault]);

impl Output for List<'_> {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| w.field_list("faults", self.0, |w, added| write(w, added)));
    }
}

fn write<W: Writer>(w: &mut W, added: &AddedFault) {
    let AddedFault { id, fault, ends_ms, calls, injected } = added;
    w.map(|w| {
        w.field_i64("id", *id as i64);
        w.field_str("actionId", fault.action.name());
        if let Some(stream) = &fault.stream {
            w.field_str("stream", stream);
        }
        if let Some(shard) = &fault.shard {
            w.field_str("shard", shard);
        }
        w.field_list("operations", &fault.operations, |w, name| w.str(name));
        w.field_str("percentage", &fault.percentage.to_string());
        if let Some(ends_ms) = ends_ms {
            w.field_i64("ends_ms", *ends_ms as i64);
        }
        w.field_i64("calls", *calls as i64);
        w.field_i64("injected", *injected as i64);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Fault, String> {
        one(body.as_bytes())
    }

    #[test]
    fn a_fault_is_read_as_people_write_it_and_as_fis_does() {
        let ours = read(
            r#"{"actionId":"aws:kinesis:stream-provisioned-throughput-exception","stream":"s",
                "shard":"shardId-000000000001","operations":["PutRecord","PutRecords"],
                "percentage":12.5,"duration":"5m","seed":7}"#,
        );
        let fis = read(
            r#"{"actionId":"aws:kinesis:stream-provisioned-throughput-exception","stream":"s",
                "shard":"shardId-000000000001","operations":"PutRecord, PutRecords",
                "percentage":"12.5","duration":"PT5M","seed":7}"#,
        );
        let expected = Fault {
            action: FaultAction::ProvisionedThroughput,
            stream: Some("s".into()),
            shard: Some("shardId-000000000001".into()),
            operations: vec!["PutRecord".into(), "PutRecords".into()],
            percentage: 12.5,
            duration_ms: Some(300_000),
            seed: Some(7),
        };
        assert_eq!(ours, Ok(expected.clone()));
        assert_eq!(fis, Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_refused_in_a_sentence() {
        let check = |body: &str, part: &str| {
            let sentence = read(body).expect_err(body);
            assert!(sentence.contains(part), "{body}: {sentence}");
        };
        check("", "send a JSON object");
        check("[]", "a fault is a JSON object");
        check("{}", "`actionId` is one of aws:kinesis:stream-provisioned-throughput-exception");
        check(r#"{"actionId":"aws:fis:wait"}"#, "there is no action `aws:fis:wait`");
        check(
            r#"{"actionid":"aws:fis:inject-api-throttle-error"}"#,
            "`actionid` is not understood",
        );
        check(r#"{"percentage":"many"}"#, "`percentage` is a number");
        check(r#"{"duration":"soon"}"#, "`duration` is a number and ms");
        check(r#"{"operations":[1]}"#, "`operations` is a list of names");
    }
}
