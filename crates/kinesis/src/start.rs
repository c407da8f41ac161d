//! Where reading starts: what GetShardIterator and SubscribeToShard are asked, and the position that it means.

use std::borrow::Cow;

use nautilus_log::Position;

use crate::{
    catalog::Address,
    error::Error,
    kinesis::Inner,
    model::{
        sequence_number::{Decoded, SequenceNumber},
        shard::Shard,
        stream::Stream,
    },
    ops::Operation,
    page::read_error,
    retention,
};

/// A start in the client's words, its kind one of the five.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    pub kind: Cow<'a, str>,
    pub sequence_number: Option<Cow<'a, str>>,
    pub timestamp_ms: Option<i64>,
}

/// A place between two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// What is read first has this position or a later one.
    pub next: Position,
    /// When the record before arrived, as far as that is known.
    pub arrived_before_ms: u64,
}

/// The position of a shard's first record, expired or not: reading slides to the horizon.
const FIRST: Position = 1;

const MUST_EITHER: &str = "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and \
    StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request \
    specified";

impl Start<'_> {
    /// The place in a shard; `operation` asks.
    pub(crate) async fn resolve(
        &self,
        inner: &Inner,
        operation: Operation,
        stream: &Stream,
        shard: &Shard,
    ) -> Result<Place, Error> {
        let place = |next| Place { next, arrived_before_ms: shard.created_second * 1000 };
        Ok(match &*self.kind {
            "AT_TIMESTAMP" => {
                let next = self.moment(inner, stream, shard).await?;
                let end = end(inner, stream, shard)?;
                if next < end.next { place(next) } else { end }
            }
            "TRIM_HORIZON" => {
                self.without_number()?;
                place(FIRST)
            }
            "LATEST" => {
                self.without_number()?;
                end(inner, stream, shard)?
            }
            kind => {
                let number = self.given_number(operation, stream, shard)?;
                let next = match kind {
                    "AT_SEQUENCE_NUMBER" => number.counter.max(FIRST),
                    _ => number.counter.saturating_add(1),
                };
                Place { next, arrived_before_ms: number.arrived_second * 1000 }
            }
        })
    }

    fn without_number(&self) -> Result<(), Error> {
        match self.sequence_number {
            None => Ok(()),
            Some(_) => Err(Error::InvalidArgument(format!(
                "{MUST_EITHER} {} and also a StartingSequenceNumber.",
                self.kind
            ))),
        }
    }

    /// The number that AT and AFTER start from; it may be of a record that is expired or never was.
    fn given_number(
        &self,
        operation: Operation,
        stream: &Stream,
        shard: &Shard,
    ) -> Result<SequenceNumber, Error> {
        let Some(text) = self.sequence_number.as_deref() else {
            return Err(Error::InvalidArgument(format!(
                "{MUST_EITHER} {} and no StartingSequenceNumber.",
                self.kind
            )));
        };
        let used = |end: &str| {
            Error::InvalidArgument(format!(
                "StartingSequenceNumber {text} used in {} on shard {} in stream {} under account \
                 {} is invalid{end}",
                operation.name(),
                shard.id(),
                stream.name,
                stream.account
            ))
        };
        let decoded = SequenceNumber::parse(text).ok_or_else(|| used("."))?;
        let encoded = match decoded {
            Decoded::Current(number) => i64::from(number.shard_index),
            Decoded::Foreign { shard_index } | Decoded::Old { shard_index, .. } => shard_index,
        };
        if encoded != i64::from(shard.index) {
            return Err(Error::InvalidArgument(format!(
                "Invalid StartingSequenceNumber. It encodes shardId-{encoded:012}, while it was \
                 used in a call to a shard with {}",
                shard.id()
            )));
        }
        match decoded {
            Decoded::Current(number) if shard.gave(&number) => Ok(number),
            // AWS has been seen to answer its own failure to the number 0; a client's mistake is no failure here.
            _ => Err(used(" because it did not come from this stream.")),
        }
    }

    /// The first record that arrived at the time or later. Times before the horizon mean the horizon.
    async fn moment(
        &self,
        inner: &Inner,
        stream: &Stream,
        shard: &Shard,
    ) -> Result<Position, Error> {
        let Some(timestamp) = self.timestamp_ms else {
            return Err(Error::InvalidArgument(
                "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. \
                 Current request has no timestamp parameter."
                    .to_owned(),
            ));
        };
        let now = inner.latest_ms();
        let timestamp_ms = u64::try_from(timestamp).unwrap_or(0);
        if timestamp_ms > now {
            return Err(Error::InvalidArgument(format!(
                "The timestampInMillis parameter cannot be greater than the \
                 currentTimestampInMillis. timestampInMillis: {timestamp_ms}, \
                 currentTimestampInMillis: {now}"
            )));
        }
        let horizon_ms = retention::horizon_ms(stream, inner.expiry_now_ms());
        let opened_ms =
            Some(retention::opened_ms(stream, shard)).filter(|opened_ms| *opened_ms <= now);
        if timestamp_ms <= horizon_ms.max(opened_ms.unwrap_or(0)) || shard.has_ended_before(FIRST) {
            return Ok(FIRST);
        }
        let found = inner.journal.position_at(shard.log_id(), timestamp_ms).await;
        found.map_err(|error| read_error(error, Address::of(stream), shard))
    }
}

/// The place behind a shard's newest record.
fn end(inner: &Inner, stream: &Stream, shard: &Shard) -> Result<Place, Error> {
    if let Some(closed) = &shard.closed {
        return Ok(Place { next: closed.last + 1, arrived_before_ms: closed.closed_ms });
    }
    let tail = inner.journal.tail(shard.log_id());
    // A shard of the catalog without a log: the stream went while we looked.
    let tail = tail.ok_or_else(|| Error::shard_not_found(Address::of(stream), shard.id()))?;
    Ok(Place { next: tail.visible_end, arrived_before_ms: tail.last_arrival_ms })
}
