//! The CBOR writer: appends to one buffer.
//!
//! How many members an output has is known when it has told them all. So a map or list begins with one byte, which
//! becomes its length if that is below 24, as AWS writes its errors, and else says that a break ends it.

use super::{BREAK, INDEFINITE, major};
use crate::Writer;

/// The longest map or list whose length stands in its first byte.
const SHORT_MAX: usize = 23;
const TIME_IN_A_NUMBER: u64 = 1;

/// Writes one CBOR value.
#[derive(Debug, Default)]
pub struct CborWriter {
    bytes: Vec<u8>,
    /// The maps and lists around the place where we write.
    open: Vec<Open>,
    times: Times,
}

/// What a number is that is a point in time.
#[derive(Debug, Default)]
enum Times {
    /// AWS CBOR.
    #[default]
    Milliseconds,
    /// RPC v2, and the standard.
    Seconds,
}

#[derive(Debug)]
struct Open {
    at: usize,
    /// Keys and values so far.
    items: usize,
}

impl CborWriter {
    /// Writes behind what stands in `bytes` already.
    pub fn behind(bytes: Vec<u8>) -> CborWriter {
        CborWriter { bytes, open: Vec::new(), times: Times::Milliseconds }
    }

    /// The same in RPC v2.
    pub fn rpc(bytes: Vec<u8>) -> CborWriter {
        CborWriter { times: Times::Seconds, ..CborWriter::behind(bytes) }
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Every key and value begins here.
    fn item(&mut self, major: u8, argument: u64) {
        self.count();
        self.head(major, argument);
    }

    fn count(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.items += 1;
        }
    }

    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        if argument <= SHORT_MAX as u64 {
            self.bytes.push(major | argument as u8);
        } else if let Ok(argument) = u8::try_from(argument) {
            self.bytes.extend_from_slice(&[major | 24, argument]);
        } else if let Ok(argument) = u16::try_from(argument) {
            self.bytes.push(major | 25);
            self.bytes.extend_from_slice(&argument.to_be_bytes());
        } else if let Ok(argument) = u32::try_from(argument) {
            self.bytes.push(major | 26);
            self.bytes.extend_from_slice(&argument.to_be_bytes());
        } else {
            self.bytes.push(major | 27);
            self.bytes.extend_from_slice(&argument.to_be_bytes());
        }
    }

    fn double(&mut self, value: f64) {
        self.bytes.push(major::SIMPLE << 5 | 27);
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    fn open(&mut self, major: u8) {
        let at = self.bytes.len();
        self.item(major, 0);
        self.open.push(Open { at, items: 0 });
    }

    fn close(&mut self, major: u8, items_each: usize) {
        let Open { at, items } = self.open.pop().expect("what ends has begun");
        let length = items / items_each;
        if length <= SHORT_MAX {
            self.bytes[at] = major << 5 | length as u8;
        } else {
            self.bytes[at] = major << 5 | INDEFINITE;
            self.bytes.push(BREAK);
        }
    }
}

impl Writer for CborWriter {
    fn map_start(&mut self) {
        self.open(major::MAP);
    }

    fn map_end(&mut self) {
        self.close(major::MAP, 2);
    }

    fn list_start(&mut self) {
        self.open(major::LIST);
    }

    fn list_end(&mut self) {
        self.close(major::LIST, 1);
    }

    fn key(&mut self, name: &str) {
        self.str(name);
    }

    fn str(&mut self, value: &str) {
        self.item(major::TEXT, value.len() as u64);
        self.bytes.extend_from_slice(value.as_bytes());
    }

    fn i64(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.item(major::UNSIGNED, value),
            Err(_) => self.item(major::NEGATIVE, !value as u64), // -1 - value
        }
    }

    fn f64(&mut self, value: f64) {
        self.count();
        self.double(value);
    }

    fn bool(&mut self, value: bool) {
        self.item(major::SIMPLE, if value { 21 } else { 20 });
    }

    /// Milliseconds are an integer: the SDKs for Java fail at a float here.
    fn timestamp_ms(&mut self, value: u64) {
        self.item(major::TAG, TIME_IN_A_NUMBER);
        match self.times {
            Times::Milliseconds => self.head(major::UNSIGNED, value),
            Times::Seconds if value.is_multiple_of(1000) => {
                self.head(major::UNSIGNED, value / 1000);
            }
            Times::Seconds => self.double(value as f64 / 1000.0),
        }
    }

    fn blob(&mut self, value: &[u8]) {
        self.item(major::BYTES, value.len() as u64);
        self.bytes.extend_from_slice(value);
    }
}
