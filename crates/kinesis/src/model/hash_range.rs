//! The hash space, 0 to 2^128 - 1, and how partition keys fall into it.
//!
//! Always: the ranges of a stream's open shards tile the space exactly.

use std::{fmt, str::FromStr};

use md5::{Digest, Md5};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point of the hash space. Its text is decimal, in the catalog too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HashKey(pub u128);

impl HashKey {
    pub(crate) const MAX: HashKey = HashKey(u128::MAX);

    /// Where a partition key falls: MD5 of its UTF-8 bytes as a big-endian number.
    pub(crate) fn of(partition_key: &str) -> HashKey {
        HashKey(u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into()))
    }
}

impl fmt::Display for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for HashKey {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<HashKey, Self::Err> {
        text.parse().map(HashKey)
    }
}

impl Serialize for HashKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HashKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<HashKey, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A shard's part of the hash space, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HashRange {
    pub start: HashKey,
    pub end: HashKey,
}

impl HashRange {
    /// True if `upper` begins where this range ends.
    pub(crate) fn is_followed_by(&self, upper: &HashRange) -> bool {
        self.end.0.checked_add(1) == Some(upper.start.0)
    }

    /// The space cut into `count` ranges as AWS cuts it: equal steps, and what is left goes to the last.
    pub(crate) fn even(count: u32) -> impl Iterator<Item = HashRange> {
        assert!(count > 0, "a stream has at least one shard");
        let step = step(count);
        (0..count).map(move |index| HashRange {
            start: HashKey(u128::from(index) * step),
            end: match index + 1 == count {
                true => HashKey::MAX,
                false => HashKey((u128::from(index) + 1) * step - 1),
            },
        })
    }
}

/// floor(2^128 / count). The dividend does not fit, so 2^128 is taken as (2^128 - 1) + 1.
fn step(count: u32) -> u128 {
    let count = u128::from(count);
    if count == 1 {
        return u128::MAX; // only `0 * step` is asked for
    }
    let carry = u128::MAX % count == count - 1;
    u128::MAX / count + u128::from(carry)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_shards_are_cut_as_aws_cuts_them() {
        let starts: Vec<String> = HashRange::even(3).map(|range| range.start.to_string()).collect();

        assert_eq!(
            starts,
            [
                "0",
                "113427455640312821154458202477256070485",
                "226854911280625642308916404954512140970"
            ]
        );
    }

    #[test]
    fn partition_keys_are_hashed_as_utf8() {
        assert_eq!(HashKey::of("a").to_string(), "16955237001963240173058271559858726497");
        assert_eq!(HashKey::of("é").to_string(), "136732923097551493579404309126273812335");
    }

    #[test]
    fn a_power_of_two_divides_the_space_exactly() {
        let sizes: Vec<u128> =
            HashRange::even(4).map(|range| range.end.0 - range.start.0).collect();

        assert!(sizes.iter().all(|&size| size == u128::MAX / 4), "{sizes:?}");
    }

    proptest! {
        #[test]
        fn even_ranges_tile_the_space(count in 1u32..5000) {
            let mut next = Some(0u128);
            for range in HashRange::even(count) {
                prop_assert_eq!(Some(range.start.0), next);
                prop_assert!(range.start <= range.end);
                next = range.end.0.checked_add(1);
            }
            prop_assert_eq!(next, None, "the last range ends at the space's end");
        }
    }
}
