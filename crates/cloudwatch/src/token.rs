//! NextTokens of lists: where a list goes on, in a form that is checked when it comes back.
//!
//! A token says nothing that its owner does not know, and is read only in the account and region of its caller; so it
//! needs no secret, only a checksum against what was never one.

use crate::{error::Error, limits};

/// Makes a token for the list `kind`. Parts may hold anything but a line feed, as names do.
pub(crate) fn make(kind: &str, parts: &[&str]) -> String {
    let text = [&[kind], parts].concat().join("\n");
    let sum = crc32fast::hash(text.as_bytes()).to_be_bytes();
    base64_simd::URL_SAFE_NO_PAD.encode_to_string([&sum, text.as_bytes()].concat())
}

/// The parts of a token of the list `kind`.
pub(crate) fn open<const N: usize>(kind: &str, token: &str) -> Result<[String; N], Error> {
    read(kind, token).ok_or(Error::InvalidNextToken)
}

fn read<const N: usize>(kind: &str, token: &str) -> Option<[String; N]> {
    if token.len() > limits::TOKEN_BYTES_MAX {
        return None;
    }
    let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(token).ok()?;
    let (sum, text) = bytes.split_first_chunk::<4>()?;
    if crc32fast::hash(text) != u32::from_be_bytes(*sum) {
        return None;
    }
    let mut parts = std::str::from_utf8(text).ok()?.split('\n').map(str::to_owned);
    (parts.next()? == kind).then_some(())?;
    parts.collect::<Vec<_>>().try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_is_of_one_list() {
        let token = make("alarms", &["größe", ""]);
        assert_eq!(open::<2>("alarms", &token).expect("ours"), ["größe", ""]);
        assert!(open::<1>("alarms", &token).is_err());
        assert!(open::<2>("history", &token).is_err());
    }

    proptest! {
        #[test]
        fn other_texts_are_no_tokens(text in ".{0,64}") {
            prop_assert!(open::<1>("alarms", &text).is_err());
        }
    }
}
