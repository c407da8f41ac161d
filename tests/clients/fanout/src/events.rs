//! Subscriptions as a client has them: messages of `application/vnd.amazon.eventstream`.

use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::client::{Client, Error};

/// What a subscriber tells.
#[derive(Debug)]
pub enum Arrival {
    /// A message without records.
    Heartbeat,
    /// A record, with its number.
    Record { index: (usize, usize), number: usize, at: Instant },
    /// There will be no more.
    Ended { index: (usize, usize), why: String },
}

/// An answer in the middle.
pub struct Subscriber {
    body: Incoming,
    read: BytesMut,
}

impl Subscriber {
    pub async fn begin(
        client: &mut Client,
        arn: &str,
        shard: usize,
        position: &str,
    ) -> Result<Subscriber, Error> {
        let body = json!({
            "ConsumerARN": arn,
            "ShardId": shard.to_string(),
            "StartingPosition": { "Type": position },
        });
        let response = client.start("SubscribeToShard", body.to_string()).await?;
        let mut subscriber = Subscriber { body: response.into_body(), read: BytesMut::new() };
        let first = subscriber.next().await?.ok_or("no message")?;
        match &*first == b"{}" {
            true => Ok(subscriber),
            false => Err(format!("{first:?} is no initial response").into()),
        }
    }

    /// Tells all that comes.
    pub async fn listen(mut self, index: (usize, usize), arrived: mpsc::UnboundedSender<Arrival>) {
        let ended = self.tell_all(index, &arrived).await;
        let why = ended.map_or_else(|error| error.to_string(), |()| "the end".to_owned());
        let _ = arrived.send(Arrival::Ended { index, why });
    }

    async fn tell_all(
        &mut self,
        index: (usize, usize),
        arrived: &mpsc::UnboundedSender<Arrival>,
    ) -> Result<(), Error> {
        while let Some(message) = self.next().await? {
            let at = Instant::now();
            let event: Value = serde_json::from_slice(&message)?;
            let records = event["Records"].as_array().ok_or_else(|| format!("{event}"))?;
            if records.is_empty() {
                arrived.send(Arrival::Heartbeat)?;
            }
            for record in records {
                let data = record["Data"].as_str().ok_or("no data")?;
                let data = base64_simd::STANDARD.decode_to_vec(data)?;
                let number = std::str::from_utf8(&data)?.parse()?;
                arrived.send(Arrival::Record { index, number, at })?;
            }
        }
        Ok(())
    }

    /// The payload of the next message; none at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if self.read.len() >= 12 {
                let number = |at: usize| {
                    self.read[at..at + 4]
                        .iter()
                        .fold(0, |number, &byte| number << 8 | usize::from(byte))
                };
                let (total, headers) = (number(0), number(4));
                if self.read.len() >= total {
                    let mut message = self.read.split_to(total).freeze();
                    message.advance(12 + headers);
                    message.truncate(message.len() - 4);
                    return Ok(Some(message));
                }
            }
            match self.body.frame().await {
                Some(frame) => {
                    self.read.extend_from_slice(&frame?.into_data().map_err(|_| "trailers")?);
                }
                None => return Ok(None),
            }
        }
    }
}

/// How many records a message has, without looking at them.
pub fn count(message: &[u8]) -> usize {
    let name = b"\"PartitionKey\"";
    message.windows(name.len()).filter(|window| window == name).count()
}
