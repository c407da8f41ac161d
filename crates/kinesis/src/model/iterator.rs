//! Shard iterators: where a reader stands in a shard, as an opaque token of AWS's length.
//!
//! An iterator is bound to one life of one stream and to one shard; it may be used again until it expires, since
//! clients retry. It begins with `00 00 00 00 00 00 00 01` as AWS's does.

use nautilus_log::Position;

use crate::model::{
    ids::ShardId,
    seal::{Kind, Seal},
};

/// Where a reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShardIterator<'a> {
    pub stream_id: u64,
    pub stream_name: &'a str,
    pub shard: ShardId,
    /// The position that is read next.
    pub next: Position,
    pub issued_ms: u64,
}

/// An iterator whose token was opened; it owns what the token held.
#[derive(Debug, Clone)]
pub(crate) struct OpenedIterator {
    payload: Vec<u8>,
}

const MARK: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 1];
const NAME_AT: usize = 8 + 8 + 8 + 8 + 4 + 1;
const MAC_BYTES: usize = 32;

impl ShardIterator<'_> {
    /// The token that a client gets.
    pub(crate) fn seal(&self, seal: &Seal) -> String {
        let payload_bytes = token_bytes(self.stream_name) - MAC_BYTES;
        let mut payload = Vec::with_capacity(payload_bytes + MAC_BYTES);
        payload.extend_from_slice(&MARK);
        payload.extend_from_slice(&self.stream_id.to_be_bytes());
        payload.extend_from_slice(&self.next.to_be_bytes());
        payload.extend_from_slice(&self.issued_ms.to_be_bytes());
        payload.extend_from_slice(&self.shard.0.to_be_bytes());
        payload.push(u8::try_from(self.stream_name.len()).expect("stream names have 128 bytes"));
        payload.extend_from_slice(self.stream_name.as_bytes());
        assert!(payload.len() <= payload_bytes, "AWS's length leaves room for ours");
        payload.resize(payload_bytes, 0);
        seal.seal(Kind::ShardIterator, payload)
    }
}

impl OpenedIterator {
    /// Opens a client's token; double quotes round it are taken off, as AWS does.
    pub(crate) fn open(seal: &Seal, token: &str) -> Option<OpenedIterator> {
        let inner = token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let payload = seal.open(Kind::ShardIterator, inner.unwrap_or(token))?;
        let opened = OpenedIterator { payload };
        // What was sealed here has this form; a later version's token may have another.
        (opened.payload.len() > NAME_AT && opened.payload[..8] == MARK && opened.name().is_some())
            .then_some(opened)
    }

    pub(crate) fn iterator(&self) -> ShardIterator<'_> {
        let number = |at: usize| {
            let bytes = self.payload[at..at + 8].try_into().expect("the slice has eight bytes");
            u64::from_be_bytes(bytes)
        };
        let shard = self.payload[32..36].try_into().expect("the slice has four bytes");
        ShardIterator {
            stream_id: number(8),
            stream_name: self.name().expect("checked when the token was opened"),
            shard: ShardId(u32::from_be_bytes(shard)),
            next: number(16),
            issued_ms: number(24),
        }
    }

    fn name(&self) -> Option<&str> {
        let name_bytes = usize::from(self.payload[NAME_AT - 1]);
        std::str::from_utf8(self.payload.get(NAME_AT..NAME_AT + name_bytes)?).ok()
    }
}

/// How long AWS's iterators are before Base64.
fn token_bytes(stream_name: &str) -> usize {
    152 + 16 * ((stream_name.len() + 2) / 16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn iterator(stream_name: &str) -> ShardIterator<'_> {
        ShardIterator { stream_id: 5, stream_name, shard: ShardId(3), next: 77, issued_ms: 1234 }
    }

    fn seal() -> Seal {
        Seal::new(&[1; crate::model::seal::KEY_BYTES])
    }

    #[test]
    fn a_token_has_the_length_of_awss() {
        for (name_bytes, bytes) in [(1, 152), (13, 152), (14, 168), (128, 280)] {
            let token = iterator(&"n".repeat(name_bytes)).seal(&seal());
            let decoded = base64_simd::STANDARD.decode_to_vec(&token).expect("Base64");

            assert_eq!(decoded.len(), bytes);
            assert_eq!(decoded[..8], MARK);
            assert!(token.len() <= 512);
        }
    }

    #[test]
    fn quotes_round_a_token_are_taken_off() {
        let token = iterator("s").seal(&seal());
        let opened = OpenedIterator::open(&seal(), &format!("\"{token}\"")).expect("ours");
        assert_eq!(opened.iterator(), iterator("s"));
    }

    proptest! {
        #[test]
        fn what_was_sealed_comes_back(
            name in "[a-zA-Z0-9_.-]{1,128}", stream_id: u64, shard: u32, next: u64, issued_ms: u64,
        ) {
            let iterator =
                ShardIterator { stream_id, stream_name: &name, shard: ShardId(shard), next, issued_ms };
            let opened = OpenedIterator::open(&seal(), &iterator.seal(&seal())).expect("ours");
            prop_assert_eq!(opened.iterator(), iterator);
        }

        #[test]
        fn any_flipped_bit_is_noticed(name in "[a-z]{1,128}", at: prop::sample::Index, bit in 0u8..8) {
            let token = iterator(&name).seal(&seal());
            let mut bytes = base64_simd::STANDARD.decode_to_vec(&token).expect("Base64");
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let forged = base64_simd::STANDARD.encode_to_string(&bytes);
            prop_assert!(OpenedIterator::open(&seal(), &forged).is_none());
        }
    }
}
