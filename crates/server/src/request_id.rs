//! The ids that every answer carries: `x-amzn-RequestId` (a version 4 UUID) and `x-amz-id-2` (base64 of 72 bytes).
//!
//! They name a request and protect nothing, so a fast generator, seeded once from the system's, is enough:
//! the way of a small PutRecord is too short for a system call that nobody needs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use nautilus_log::Rng;
use nautilus_wire::Uuid;

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
const ID_2_CHARS: usize = 96;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Makes request ids, never the same twice in a process.
#[derive(Debug)]
pub(crate) struct RequestIds {
    seed: u64,
    next: AtomicU64,
}

/// The two ids of one request.
#[derive(Debug, Clone)]
pub(crate) struct RequestId {
    uuid: Uuid,
    extended: [u8; ID_2_CHARS],
}

impl RequestIds {
    pub(crate) fn new(rng: &dyn Rng) -> RequestIds {
        RequestIds { seed: rng.next_u64(), next: AtomicU64::new(rng.next_u64()) }
    }

    pub(crate) fn next(&self) -> RequestId {
        let mut state = mix(self.next.fetch_add(1, Relaxed)) ^ self.seed;
        let mut word = || {
            state = state.wrapping_add(GOLDEN);
            mix(state)
        };
        let uuid = Uuid::v4((u128::from(word()) << 64) | u128::from(word()));
        let mut extended = [0; ID_2_CHARS];
        for chars in extended.chunks_mut(10) {
            let mut bits = word();
            for char in chars {
                *char = BASE64[(bits & 63) as usize];
                bits >>= 6;
            }
        }
        RequestId { uuid, extended }
    }
}

impl RequestId {
    /// `x-amzn-RequestId`.
    pub(crate) fn uuid(&self) -> &str {
        self.uuid.as_str()
    }

    /// `x-amz-id-2`.
    pub(crate) fn extended(&self) -> &str {
        std::str::from_utf8(&self.extended).expect("the base64 alphabet")
    }
}

/// The finalizer of splitmix64: a bijection, so that different counters give different ids.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use nautilus_log::SeededRng;

    use super::*;

    #[test]
    fn an_id_has_the_shape_of_a_version_4_uuid() {
        let id = RequestIds::new(&SeededRng::new(7)).next();
        let parts: Vec<&str> = id.uuid().split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('4'));
        assert!(parts[3].starts_with(['8', '9', 'a', 'b']));
        assert!(parts.concat().chars().all(|char| char.is_ascii_hexdigit()));
    }

    #[test]
    fn the_extended_id_is_base64_of_72_bytes() {
        let id = RequestIds::new(&SeededRng::new(7)).next();
        assert_eq!(id.extended().len(), 96);
        assert!(id.extended().bytes().all(|byte| BASE64.contains(&byte)));
    }

    #[test]
    fn ids_differ() {
        let ids = RequestIds::new(&SeededRng::new(7));
        let all: std::collections::HashSet<String> =
            (0..10_000).map(|_| ids.next().uuid().to_owned()).collect();
        assert_eq!(all.len(), 10_000);
    }
}
