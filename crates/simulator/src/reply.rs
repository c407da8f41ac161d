//! A call of the world and what came back, in the shapes that the workload thinks in.

use std::fmt;

use serde_json::Value as Json;

use crate::model::{Seen, Sequence, Violation};

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// AWS's name of the operation.
    pub operation: &'static str,
    pub input: Json,
}

impl fmt::Display for Call {
    /// As it is sent, but for the data, of which it says the number of the record and the length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn shorten(record: &mut Json) {
            if let Some(base64) = record["Data"].as_str() {
                let head = base64_simd::STANDARD.decode_to_vec(&base64.as_bytes()[..24]);
                let id = head.map(|head| String::from_utf8_lossy(&head[..ID_BYTES]).into_owned());
                let id = id.unwrap_or_default();
                record["Data"] = format!("{}+{}", id.trim_start_matches('0'), base64.len()).into();
            }
        }
        let mut input = self.input.clone();
        match self.operation {
            "PutRecord" => shorten(&mut input),
            "PutRecords" => input["Records"].as_array_mut().into_iter().flatten().for_each(shorten),
            _ => {}
        }
        write!(f, "{} {input}", self.operation)
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Success; `Null` for operations without output.
    Done(Json),
    /// An error that says that nothing was done.
    Refused { code: String, message: String },
    /// No answer, or one that says that the outcome is unknown.
    Lost(String),
}

/// The code of an error that says that there is no space and that nothing was done.
pub(crate) const NO_SPACE: &str = "ServiceUnavailable";

/// The code of an error that says that a shard takes nothing now.
pub(crate) const THROTTLED: &str = "ProvisionedThroughputExceededException";

impl Reply {
    /// Nothing was done, and the client may try again.
    pub(crate) fn is_throttled(&self) -> bool {
        matches!(self, Reply::Refused { code, .. } if code == THROTTLED)
    }

    /// Nothing was done, for want of space.
    pub(crate) fn is_no_space(&self) -> bool {
        matches!(self, Reply::Refused { code, .. } if code == NO_SPACE)
    }

    /// For an answer that fits nothing that the model allows.
    pub(crate) fn unexpected(&self, expected: &str) -> Violation {
        Violation::new(format!("expected {expected}, got {self}"))
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Done(Json::Null) => f.write_str("done"),
            Reply::Done(answer) => write!(f, "{answer}"),
            Reply::Refused { code, message } => write!(f, "{code}: {message}"),
            Reply::Lost(why) => write!(f, "lost: {why}"),
        }
    }
}

/// A text member that must be there.
pub(crate) fn text<'a>(json: &'a Json, name: &str) -> Result<&'a str, Violation> {
    json[name].as_str().ok_or_else(|| Violation::new(format!("no text {name} in {json}")))
}

/// A number member that must be there.
pub(crate) fn number(json: &Json, name: &str) -> Result<u64, Violation> {
    json[name].as_u64().ok_or_else(|| Violation::new(format!("no number {name} in {json}")))
}

/// A list member that must be there.
pub(crate) fn list<'a>(json: &'a Json, name: &str) -> Result<&'a [Json], Violation> {
    let list = json[name].as_array().map(Vec::as_slice);
    list.ok_or_else(|| Violation::new(format!("no list {name} in {json}")))
}

/// `shardId-000000000003` is 3.
pub(crate) fn shard_index(id: &str) -> Result<usize, Violation> {
    let index = id.strip_prefix("shardId-").and_then(|index| index.parse().ok());
    index.ok_or_else(|| Violation::new(format!("{id} is no shard id")))
}

/// The name of a shard.
pub(crate) fn shard_id(index: usize) -> String {
    format!("shardId-{index:012}")
}

/// The data of record `id`: its number, then dots.
pub(crate) fn data(id: u64, data_bytes: usize) -> String {
    let text = format!("{id:016}{}", ".".repeat(data_bytes - ID_BYTES));
    base64_simd::STANDARD.encode_to_string(text)
}

/// Bytes that a record's number takes: the least data.
pub(crate) const ID_BYTES: usize = 16;

/// A record of GetRecords.
pub(crate) fn seen(record: &Json) -> Result<Seen, Violation> {
    let bytes = base64_simd::STANDARD
        .decode_to_vec(text(record, "Data")?)
        .map_err(|error| Violation::new(format!("{error} in {record}")))?;
    let foreign = || Violation::new(format!("no record of this world: {record}"));
    let (id, dots) = bytes.split_at_checked(ID_BYTES).ok_or_else(foreign)?;
    let id = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok()).ok_or_else(foreign)?;
    if dots.iter().any(|byte| *byte != b'.') {
        return Err(foreign());
    }
    let arrival = record["ApproximateArrivalTimestamp"].as_f64();
    let arrival = arrival.ok_or_else(|| Violation::new(format!("no arrival in {record}")))?;
    Ok(Seen {
        sequence: Sequence::new(text(record, "SequenceNumber")?),
        id,
        key: text(record, "PartitionKey")?.to_owned(),
        data_bytes: bytes.len(),
        arrival_ms: (arrival * 1000.0).round() as u64,
    })
}
