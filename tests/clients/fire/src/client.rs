//! A blocking client of the Kinesis JSON 1.1 API: one keep-alive connection, requests one after another.
//!
//! It signs nothing: a `--dev` server looks only at the scope of the credential.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use serde::{Deserialize, de::DeserializeOwned};

pub type Error = Box<dyn std::error::Error + Send + Sync>;

const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=test/20250101/us-east-1/kinesis/aws4_request, \
    SignedHeaders=host;x-amz-date;x-amz-target, Signature=0000000000000000000000000000000000000000000000000000000000000000";

pub struct Client {
    stream: BufReader<TcpStream>,
    answer: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutRecordsAnswer {
    pub failed_record_count: u64,
    pub records: Vec<PutRecordsResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutRecordsResult {
    pub shard_id: String,
    pub sequence_number: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetRecordsAnswer {
    pub records: Vec<Record>,
    pub next_shard_iterator: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Record {
    pub sequence_number: String,
    pub data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Iterator {
    shard_iterator: String,
}

impl Client {
    pub fn connect(port: u16) -> Result<Client, Error> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Client { stream: BufReader::with_capacity(64 * 1024, stream), answer: Vec::new() })
    }

    pub fn call_for<T: DeserializeOwned>(
        &mut self,
        operation: &str,
        body: &str,
    ) -> Result<T, Error> {
        Ok(serde_json::from_slice(self.call(operation, body)?)?)
    }

    /// The body of a 200; any other answer is an error with its text.
    pub fn call(&mut self, operation: &str, body: &str) -> Result<&[u8], Error> {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n\
             X-Amz-Target: Kinesis_20131202.{operation}\r\nX-Amz-Date: 20250101T000000Z\r\n\
             Authorization: {AUTHORIZATION}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream.get_mut().write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
        let (status, length) = self.read_head()?;
        self.answer.resize(length, 0);
        self.stream.read_exact(&mut self.answer)?;
        if status != 200 {
            return Err(
                format!("{operation}: {status} {}", String::from_utf8_lossy(&self.answer)).into()
            );
        }
        Ok(&self.answer)
    }

    fn read_head(&mut self) -> Result<(u16, usize), Error> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| format!("no HTTP answer: {line:?}"))?;
        let mut length = None;
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err("the connection ended in the head of an answer".into());
            }
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse()?);
            }
        }
        Ok((status, length.ok_or("an answer without Content-Length")?))
    }

    pub fn wait_until_active(&mut self, stream: &str) -> Result<(), Error> {
        let body = format!(r#"{{"StreamName":"{stream}"}}"#);
        for _ in 0..500 {
            let summary: serde_json::Value = self.call_for("DescribeStreamSummary", &body)?;
            if summary["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE" {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(format!("stream {stream} is not ACTIVE after ten seconds").into())
    }

    pub fn trim_horizon(&mut self, stream: &str, shard: usize) -> Result<String, Error> {
        let body = format!(
            r#"{{"StreamName":"{stream}","ShardId":"shardId-{shard:012}","ShardIteratorType":"TRIM_HORIZON"}}"#
        );
        let iterator: Iterator = self.call_for("GetShardIterator", &body)?;
        Ok(iterator.shard_iterator)
    }
}
