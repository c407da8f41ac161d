//! Tokens that a client carries for us: opaque Base64, authenticated with HMAC-SHA256.
//!
//! The key is made once and kept in the catalog, so that a token survives a restart. What is sealed can be read by
//! anyone who tries, but nothing that was not sealed here with the same kind is ever opened.

use base64_simd::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a token is for. A token of one kind never opens as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ShardIterator = 1,
    ListShards = 2,
    ListStreams = 3,
    ListStreamConsumers = 4,
}

pub(crate) const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 32;

/// Seals and opens tokens.
#[derive(Clone)]
pub(crate) struct Seal {
    keyed: Hmac<Sha256>,
}

impl Seal {
    pub(crate) fn new(key: &[u8; KEY_BYTES]) -> Seal {
        Seal { keyed: Hmac::new_from_slice(key).expect("HMAC takes keys of any length") }
    }

    /// `payload` with its MAC behind it, as Base64.
    pub(crate) fn seal(&self, kind: Kind, mut payload: Vec<u8>) -> String {
        let mac = self.mac(kind, &payload).finalize().into_bytes();
        payload.extend_from_slice(&mac);
        STANDARD.encode_to_string(&payload)
    }

    /// The payload of a token that was sealed here, or `None` for any other text.
    pub(crate) fn open(&self, kind: Kind, token: &str) -> Option<Vec<u8>> {
        let mut payload = STANDARD.decode_to_vec(token).ok()?;
        let mac = payload.split_off(payload.len().checked_sub(MAC_BYTES)?);
        self.mac(kind, &payload).verify_slice(&mac).ok()?;
        Some(payload)
    }

    fn mac(&self, kind: Kind, payload: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        mac.update(&[kind as u8]);
        mac.update(payload);
        mac
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn kinds_and_keys_do_not_mix() {
        let seal = Seal::new(&[7; KEY_BYTES]);
        let token = seal.seal(Kind::ListShards, b"payload".to_vec());

        assert_eq!(seal.open(Kind::ListShards, &token).as_deref(), Some(&b"payload"[..]));
        assert_eq!(seal.open(Kind::ListStreams, &token), None);
        assert_eq!(Seal::new(&[8; KEY_BYTES]).open(Kind::ListShards, &token), None);
    }

    proptest! {
        #[test]
        fn any_flipped_bit_of_the_text_is_noticed(
            payload in prop::collection::vec(any::<u8>(), 0..200),
            at: prop::sample::Index,
            bit in 0u8..8,
        ) {
            let seal = Seal::new(&[7; KEY_BYTES]);
            let mut bytes = seal.seal(Kind::ListShards, payload).into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let text = String::from_utf8_lossy(&bytes);
            prop_assert_eq!(seal.open(Kind::ListShards, &text), None);
        }

        #[test]
        fn no_text_panics(text in ".{0,80}") {
            prop_assert_eq!(Seal::new(&[7; KEY_BYTES]).open(Kind::ListShards, &text), None);
        }
    }
}
