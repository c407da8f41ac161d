//! UUIDs of version 4, as ids of requests, messages and subscriptions are: <https://www.rfc-editor.org/rfc/rfc9562>.

use std::fmt;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A UUID as text: `01234567-89ab-4def-8123-456789abcdef`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uuid([u8; 36]);

impl Uuid {
    /// The UUID of these random bits, six of which tell its version and variant instead.
    pub fn v4(random: u128) -> Uuid {
        let bits = (random & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
        let mut text = [b'-'; 36];
        let mut digit = 32;
        for (index, char) in text.iter_mut().enumerate() {
            if !matches!(index, 8 | 13 | 18 | 23) {
                digit -= 1;
                *char = DIGITS[((bits >> (digit * 4)) & 0xf) as usize];
            }
        }
        Uuid(text)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits and dashes")
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bits_but_those_of_version_and_variant_are_kept() {
        let check = |random, text| assert_eq!(Uuid::v4(random).to_string(), text);
        check(0, "00000000-0000-4000-8000-000000000000");
        check(u128::MAX, "ffffffff-ffff-4fff-bfff-ffffffffffff");
        check(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef, "01234567-89ab-4def-8123-456789abcdef");
    }
}
