//! What was acknowledged against what was read.
//!
//! A record's data begins with its writer and number in 16 decimal digits, so that both ends can be compared.

use std::{collections::HashMap, fmt::Write, ops::Range};

use crate::client::{Error, PutRecordsResult, Record};

/// A decimal sequence number of 56 digits, comparable: all have the same length.
pub type SequenceNumber = String;

#[derive(Clone)]
pub struct Acknowledged {
    writer: usize,
    number: u64,
    shard: usize,
    sequence: SequenceNumber,
}

pub struct Read {
    writer: usize,
    number: u64,
    shard: usize,
    sequence: SequenceNumber,
}

impl Acknowledged {
    pub fn new(
        writer: usize,
        number: u64,
        result: &PutRecordsResult,
    ) -> Result<Acknowledged, Error> {
        let index =
            result.shard_id.strip_prefix("shardId-").ok_or("a shard id without its prefix")?;
        Ok(Acknowledged {
            writer,
            number,
            shard: index.parse()?,
            sequence: result.sequence_number.clone(),
        })
    }
}

impl Read {
    pub fn new(shard: usize, record: &Record) -> Result<Read, Error> {
        let data = base64_simd::STANDARD
            .decode_to_vec(record.data.as_bytes())
            .map_err(|_| "data is not Base64")?;
        let identity = std::str::from_utf8(data.get(..16).ok_or("a record is too short")?)?;
        Ok(Read {
            writer: identity[..4].parse()?,
            number: identity[4..].parse()?,
            shard,
            sequence: record.sequence_number.clone(),
        })
    }
}

/// The body of a PutRecords call with one record for each number.
pub fn put_records(stream: &str, writer: usize, numbers: Range<u64>, data_bytes: usize) -> String {
    let mut body = format!(r#"{{"StreamName":"{stream}","Records":["#);
    for (i, number) in numbers.enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let data = format!("{writer:04}{number:012}{:x<1$}", "", data_bytes - 16);
        let data = base64_simd::STANDARD.encode_to_string(data);
        let written =
            write!(body, r#"{comma}{{"PartitionKey":"{writer}-{number}","Data":"{data}"}}"#);
        debug_assert!(written.is_ok(), "a String takes what is written to it");
    }
    body.push_str("]}");
    body
}

/// Every acknowledged record read once, where and as it was acknowledged, each shard in order. Answers how many.
pub fn compare(acknowledged: &[Acknowledged], read: &[Vec<Read>]) -> Result<usize, Error> {
    let mut stored = HashMap::new();
    for shard in read {
        for pair in shard.windows(2) {
            if pair[0].sequence >= pair[1].sequence {
                return Err(
                    format!("{} was read before {}", pair[0].sequence, pair[1].sequence).into()
                );
            }
        }
        for record in shard {
            if stored.insert((record.writer, record.number), record).is_some() {
                return Err(format!(
                    "record {} of writer {} was read twice",
                    record.number, record.writer
                )
                .into());
            }
        }
    }
    for record in acknowledged {
        match stored.get(&(record.writer, record.number)) {
            Some(found) if found.shard == record.shard && found.sequence == record.sequence => {}
            Some(_) => {
                return Err(
                    format!("{} was read elsewhere than acknowledged", record.sequence).into()
                );
            }
            None => {
                return Err(format!("{} was acknowledged and never read", record.sequence).into());
            }
        }
    }
    if stored.len() != acknowledged.len() {
        return Err(format!(
            "{} records were read, {} acknowledged",
            stored.len(),
            acknowledged.len()
        )
        .into());
    }
    Ok(stored.len())
}
