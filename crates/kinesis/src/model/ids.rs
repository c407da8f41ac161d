//! Names of things: shard ids and their lenient input form.

use std::fmt;

/// A shard's index in its stream; counts up over the stream's life. Its text is `shardId-000000000000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ShardId(pub u32);

/// Shard indexes are signed 32-bit numbers in AWS's sequence numbers.
const INDEX_MAX: u32 = i32::MAX as u32;

impl ShardId {
    /// Reads a client's shard id as AWS does: only what follows the first `-` counts, or the whole if there is none,
    /// so `0`, `shard-0` and `abc-00002` name shards too.
    pub(crate) fn parse(text: &str) -> Option<ShardId> {
        let digits = text.split_once('-').map_or(text, |(_, digits)| digits);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let significant = digits.trim_start_matches('0');
        let index: u64 = match significant.len() {
            0 => 0,
            1..=10 => significant.parse().ok()?,
            _ => return None,
        };
        u32::try_from(index).ok().filter(|&index| index <= INDEX_MAX).map(ShardId)
    }

    /// The text in a buffer on the stack: it is written once for each record that is put.
    pub(crate) fn text(self) -> ShardIdText {
        let mut bytes = *b"shardId-000000000000";
        let mut rest = self.0;
        let mut at = bytes.len();
        while rest > 0 {
            at -= 1;
            bytes[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        ShardIdText(bytes)
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// The text of a [`ShardId`].
pub(crate) struct ShardIdText([u8; 20]);

impl ShardIdText {
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII is written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_twelve_digits() {
        assert_eq!(ShardId(0).to_string(), "shardId-000000000000");
        assert_eq!(ShardId(2_147_483_647).to_string(), "shardId-002147483647");
    }

    #[test]
    fn only_what_follows_the_first_dash_counts() {
        for (text, index) in [
            ("shardId-000000000005", Some(5)),
            ("0", Some(0)),
            ("shard-0", Some(0)),
            ("abc-00002", Some(2)),
            ("-7", Some(7)),
            ("shardId-2147483647", Some(INDEX_MAX)),
            ("shardId-2147483648", None),
            ("shardId-99999999999999999999999", None),
            ("shardId--1", None),
            ("shardId-", None),
            ("shardId", None),
            ("a-1-2", None),
            ("", None),
        ] {
            assert_eq!(ShardId::parse(text), index.map(ShardId), "{text}");
        }
    }
}
