//! A client of the Kinesis JSON 1.1 API over HTTP/1.1 or HTTP/2, by prior knowledge.
//!
//! It signs nothing: a `--dev` server looks only at the scope of the credential.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::sleep};

pub type Error = Box<dyn std::error::Error + Send + Sync>;

const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=test/20250101/us-east-1/kinesis/aws4_request, \
    SignedHeaders=host;x-amz-date;x-amz-target, Signature=0000000000000000000000000000000000000000000000000000000000000000";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Http1,
    Http2,
}

/// One connection.
pub struct Client {
    sender: Sender,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Client {
    pub async fn connect(port: u16, version: Version) -> Result<Client, Error> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let io = TokioIo::new(stream);
        let sender = match version {
            Version::Http1 => {
                let (sender, connection) = http1::handshake(io).await?;
                tokio::spawn(connection);
                Sender::Http1(sender)
            }
            Version::Http2 => {
                let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                    .timer(TokioTimer::new())
                    .initial_stream_window_size(4 << 20)
                    .initial_connection_window_size(16 << 20)
                    .handshake(io)
                    .await?;
                tokio::spawn(connection);
                Sender::Http2(sender)
            }
        };
        Ok(Client { sender })
    }

    /// The head of an answer; its body comes as it is read.
    pub async fn start(
        &mut self,
        operation: &str,
        body: String,
    ) -> Result<Response<Incoming>, Error> {
        let is_http1 = matches!(self.sender, Sender::Http1(_));
        let uri = if is_http1 { "/" } else { "http://localhost/" };
        let mut request = Request::post(uri)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
            .header("x-amz-date", "20250101T000000Z")
            .header("authorization", AUTHORIZATION);
        if is_http1 {
            request = request.header("host", "localhost");
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let response = match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
        };
        if response.status() == 200 {
            return Ok(response);
        }
        let body = response.into_body().collect().await?.to_bytes();
        Err(format!("{operation}: {}", String::from_utf8_lossy(&body)).into())
    }

    pub async fn call(&mut self, operation: &str, body: String) -> Result<Value, Error> {
        let response = self.start(operation, body).await?;
        let body = response.into_body().collect().await?.to_bytes();
        Ok(if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? })
    }

    /// Makes a stream with consumers, all ACTIVE; their ARNs.
    pub async fn make_stream(
        &mut self,
        name: &str,
        shards: usize,
        consumers: usize,
    ) -> Result<Vec<String>, Error> {
        let stream = json!({ "StreamName": name });
        let body = json!({ "StreamName": name, "ShardCount": shards });
        self.call("CreateStream", body.to_string()).await?;
        let arn = loop {
            let answer = self.call("DescribeStreamSummary", stream.to_string()).await?;
            let summary = &answer["StreamDescriptionSummary"];
            if summary["StreamStatus"] == "ACTIVE" {
                break summary["StreamARN"].clone();
            }
            sleep(Duration::from_millis(20)).await;
        };
        let mut arns = Vec::new();
        for consumer in 0..consumers {
            let body = json!({ "StreamARN": arn, "ConsumerName": format!("c{consumer}") });
            self.call("RegisterStreamConsumer", body.to_string()).await?;
            arns.push(loop {
                let answer = self.call("DescribeStreamConsumer", body.to_string()).await?;
                let description = &answer["ConsumerDescription"];
                if description["ConsumerStatus"] == "ACTIVE" {
                    break description["ConsumerARN"].as_str().ok_or("no ARN")?.to_owned();
                }
                sleep(Duration::from_millis(20)).await;
            });
        }
        Ok(arns)
    }

    /// Puts a record that says its number, into the shards in turn.
    pub async fn put(&mut self, stream: &str, shards: usize, number: usize) -> Result<(), Error> {
        let hash_key = u128::MAX / shards as u128 * (number % shards) as u128 + 1;
        let body = json!({
            "StreamName": stream,
            "PartitionKey": "k",
            "ExplicitHashKey": hash_key.to_string(),
            "Data": base64_simd::STANDARD.encode_to_string(number.to_string()),
        });
        self.call("PutRecord", body.to_string()).await?;
        Ok(())
    }
}
