//! AWS JSON 1.1 and 1.0: bodies to [`Value`](crate::Value)s, [`Output`]s to bodies.
//!
//! This is the hot path of every write: a body of PutRecords is 700 KB of Base64. Strings without escapes are
//! slices of the body, and each byte is looked at a fixed number of times, by vector instructions.

mod parse;
mod write;

pub use parse::{parse, parse_up_to};
pub use write::JsonWriter;

use crate::Output;

/// An output as a JSON body.
pub fn to_vec(output: &impl Output) -> Vec<u8> {
    append(Vec::with_capacity(output.bytes_hint()), output)
}

/// The same behind what stands in `bytes` already.
pub fn append(bytes: Vec<u8>, output: &impl Output) -> Vec<u8> {
    let mut writer = JsonWriter::behind(bytes);
    output.write(&mut writer);
    writer.finish()
}

#[cfg(test)]
mod tests;
