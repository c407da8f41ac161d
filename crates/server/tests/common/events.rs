//! A client of SubscribeToShard, in either version of HTTP.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::{Response, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use nautilus_wire::Protocol;
use tokio::{net::TcpStream, time::timeout};

use super::{
    PATIENCE, TestServer,
    http2::{self, Http2},
    streams,
};

/// A consumer of the stream `s`, ready to subscribe.
pub struct Consumer {
    pub arn: String,
}

impl Consumer {
    /// Makes the stream too, if it is the first.
    pub async fn register(client: &Http2, name: &str) -> Consumer {
        let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
        let body = format!(r#"{{"StreamARN":"{stream}","ConsumerName":"{name}"}}"#);
        loop {
            client.call(Protocol::Json, "RegisterStreamConsumer", body.clone()).await;
            let answer = client.call(Protocol::Json, "DescribeStreamConsumer", body.clone()).await;
            let answer = Protocol::Json.parse(&answer.body).expect("an answer");
            let consumer = streams::member(&answer, "ConsumerDescription");
            if streams::text(consumer, "ConsumerStatus") == "ACTIVE" {
                return Consumer { arn: streams::text(consumer, "ConsumerARN").to_owned() };
            }
        }
    }

    pub fn request(&self, kind: &str) -> hyper::Request<http2::Body> {
        let body = format!(
            r#"{{"ConsumerARN":"{}","ShardId":"0","StartingPosition":{{"Type":"{kind}"}}}}"#,
            self.arn
        );
        http2::call(Protocol::Json, "SubscribeToShard", http2::whole(body))
    }

    /// Subscribes over HTTP/2.
    pub async fn subscribe(&self, client: &Http2, kind: &str) -> Events {
        Events::of(client.start(self.request(kind)).await.expect("an answer"))
    }

    /// Subscribes over a connection of HTTP/1.1 of its own.
    pub async fn subscribe_in_http1(&self, server: &TestServer, kind: &str) -> Events {
        let stream = TcpStream::connect(server.address).await.expect("a connection");
        let handshake = http1::handshake::<_, http2::Body>(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.expect("a connection");
        tokio::spawn(connection);
        let mut request = self.request(kind);
        *request.uri_mut() = "/".parse().expect("a path");
        request.headers_mut().insert("host", "localhost".parse().expect("a name"));
        Events::of(sender.send_request(request).await.expect("an answer"))
    }
}

/// The messages of an answer.
pub struct Events {
    pub head: Response<()>,
    body: Incoming,
    read: BytesMut,
}

/// A message, as far as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `:event-type` or `:exception-type`.
    pub kind: String,
    pub payload: Bytes,
}

impl Message {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }

    /// How many records it has.
    pub fn records(&self) -> usize {
        self.text().matches("\"SequenceNumber\"").count()
    }
}

impl Events {
    fn of(response: Response<Incoming>) -> Events {
        let (head, body) = response.into_parts();
        Events { head: Response::from_parts(head, ()), body, read: BytesMut::new() }
    }

    /// The next message; none if the server has ended the answer in peace.
    pub async fn next(&mut self) -> Option<Message> {
        self.try_next().await.expect("no connection is lost")
    }

    pub async fn try_next(&mut self) -> hyper::Result<Option<Message>> {
        timeout(PATIENCE, self.read_message()).await.expect("a message in time")
    }

    /// Whether nothing comes for a while.
    pub async fn is_silent(&mut self, time: Duration) -> bool {
        timeout(time, self.read_message()).await.is_err()
    }

    async fn read_message(&mut self) -> hyper::Result<Option<Message>> {
        loop {
            if self.read.len() >= 12 {
                let number = |at: usize| {
                    let bytes = self.read[at..at + 4].try_into().expect("four bytes");
                    u32::from_be_bytes(bytes) as usize
                };
                let (total, headers) = (number(0), number(4));
                if self.read.len() >= total {
                    let mut message = self.read.split_to(total).freeze();
                    message.advance(12);
                    let headers = message.split_to(headers);
                    message.truncate(message.len() - 4);
                    return Ok(Some(Message { kind: kind(&headers), payload: message }));
                }
            }
            match self.body.frame().await {
                Some(frame) => {
                    let data = frame?.into_data().expect("no trailers");
                    self.read.extend_from_slice(&data);
                }
                None => {
                    assert!(self.read.is_empty(), "no message is cut");
                    return Ok(None);
                }
            }
        }
    }
}

/// The second header's value: its length stands in two bytes before it.
fn kind(headers: &[u8]) -> String {
    let name = b"-type";
    let end = |from: usize| {
        let at = headers[from..].windows(name.len()).position(|window| window == name);
        from + at.expect("a type") + name.len()
    };
    let value = end(end(0)) + 1;
    let bytes = usize::from(u16::from_be_bytes([headers[value], headers[value + 1]]));
    String::from_utf8_lossy(&headers[value + 2..value + 2 + bytes]).into_owned()
}
