//! CBOR: bodies to [`Value`](crate::Value)s, [`Output`]s to bodies. AWS CBOR 1.1, which the SDKs for Java speak to
//! Kinesis, and Smithy RPC v2, which the newest SDKs speak to CloudWatch.
//!
//! It has bytes where JSON has Base64. Times are integers of milliseconds in the one, seconds in the other; all else is
//! the same. By hand, because texts and bytes must stay slices of the body, and the parser must be bounded as the
//! one of JSON is.

mod parse;
mod write;

pub use parse::{parse, parse_up_to};
pub use write::CborWriter;

use crate::Output;

/// An output as a CBOR body.
pub fn to_vec(output: &impl Output) -> Vec<u8> {
    append(Vec::with_capacity(output.bytes_hint()), output)
}

/// The same behind what stands in `bytes` already.
pub fn append(bytes: Vec<u8>, output: &impl Output) -> Vec<u8> {
    let mut writer = CborWriter::behind(bytes);
    output.write(&mut writer);
    writer.finish()
}

/// The same in RPC v2.
pub fn append_rpc(bytes: Vec<u8>, output: &impl Output) -> Vec<u8> {
    let mut writer = CborWriter::rpc(bytes);
    output.write(&mut writer);
    writer.finish()
}

/// Kinds of items: the first three bits of each.
mod major {
    pub(super) const UNSIGNED: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const LIST: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const TAG: u8 = 6;
    pub(super) const SIMPLE: u8 = 7;
}

/// In place of a length: the item goes on to a [`BREAK`].
const INDEFINITE: u8 = 31;
const BREAK: u8 = 0xff;

#[cfg(test)]
mod tests;
