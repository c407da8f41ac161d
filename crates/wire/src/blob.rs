//! Bytes in a request, still as they came: decoded once, straight to where they are needed.
//!
//! A blob that exists can be decoded: the whole of its Base64 is checked when it is read. That costs a quarter of
//! decoding, and buys that a bad one is found with the other wrong types, before anything of its batch is done.

use std::borrow::Cow;

use base64_simd::{AsOut, STANDARD};

use crate::{AwsError, report::cut};

/// A blob of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob<'a>(Repr<'a>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Repr<'a> {
    /// Standard Base64 with padding; a multiple of four long.
    Base64(Cow<'a, str>),
    Raw(Cow<'a, [u8]>),
}

impl<'a> Blob<'a> {
    /// No bytes.
    pub const EMPTY: Blob<'static> = Blob(Repr::Raw(Cow::Borrowed(&[])));

    pub(crate) fn from_base64(text: Cow<'a, str>) -> Result<Blob<'a>, AwsError> {
        match STANDARD.check(text.as_bytes()) {
            Ok(()) => Ok(Blob(Repr::Base64(text))),
            Err(_) => Err(base64_error(&text)),
        }
    }

    pub(crate) fn from_bytes(bytes: Cow<'a, [u8]>) -> Blob<'a> {
        Blob(Repr::Raw(bytes))
    }

    /// The number of bytes, decoded.
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Raw(bytes) => bytes.len(),
            Repr::Base64(text) => {
                let padding = text.bytes().rev().take(2).take_while(|&byte| byte == b'=').count();
                text.len() / 4 * 3 - padding
            }
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the bytes. An error would be the one that the text would have had when it was read.
    ///
    /// # Panics
    /// If `out` is not exactly [`Blob::len`] long: that is the caller's mistake and no client's.
    pub fn decode_into(&self, out: &mut [u8]) -> Result<(), AwsError> {
        assert_eq!(out.len(), self.len(), "a blob is decoded into a slice of its own length");
        match &self.0 {
            Repr::Raw(bytes) => out.copy_from_slice(bytes),
            Repr::Base64(text) => match STANDARD.decode(text.as_bytes(), out.as_out()) {
                Ok(_) => {}
                Err(_) => return Err(base64_error(text)),
            },
        }
        Ok(())
    }

    /// The bytes in a buffer of their own.
    pub fn to_vec(&self) -> Result<Vec<u8>, AwsError> {
        let mut bytes = vec![0; self.len()];
        self.decode_into(&mut bytes)?;
        Ok(bytes)
    }
}

/// What AWS says about a text that is no Base64; called only for those.
#[cold]
fn base64_error(text: &str) -> AwsError {
    let in_alphabet = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let data = text.trim_end_matches('=');
    let length = text.encode_utf16().count(); // as Java counts
    let reason = if !length.is_multiple_of(4) {
        format!("Base64 encoded length is expected a multiple of 4 bytes but found: {length}")
    } else if let Some(bad) = data.chars().find(|&c| !in_alphabet(c)) {
        format!("Invalid Base64 character: '{bad}'")
    } else {
        "Invalid last non-pad Base64 character dectected".to_owned()
    };
    let message = format!("'{}' can not be converted to a Blob: {reason}", cut(text));
    AwsError::serialization(Some(message))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, reason: &str) {
        let error = Blob::from_base64(text.into()).expect_err(text);
        assert_eq!(error.code, "SerializationException");
        let expected = format!("'{text}' can not be converted to a Blob: {reason}");
        assert_eq!(error.message, Some(expected));
    }

    #[test]
    fn bad_base64_is_refused_in_awss_words() {
        let length = "Base64 encoded length is expected a multiple of 4 bytes but found: ";
        check("asdf1", &format!("{length}5"));
        check("=", &format!("{length}1"));
        check("éé=", &format!("{length}3"));
        check("éé", &format!("{length}2"));
        check("é===", "Invalid Base64 character: 'é'");
        check("=asd", "Invalid Base64 character: '='");
        check("asd$", "Invalid Base64 character: '$'");
        check("as-_", "Invalid Base64 character: '-'");
        check("as\n=", "Invalid Base64 character: '\n'");
        check("a=b=", "Invalid Base64 character: '='");
        check("asdf====", "Invalid last non-pad Base64 character dectected");
        check("====", "Invalid last non-pad Base64 character dectected");
        check("a===", "Invalid last non-pad Base64 character dectected");
        check("ab==", "Invalid last non-pad Base64 character dectected");
        check("abd=", "Invalid last non-pad Base64 character dectected");
    }

    #[test]
    fn no_bytes_are_a_blob() {
        let blob = Blob::from_base64("".into()).expect("empty text is Base64");
        assert!(blob.is_empty());
        assert_eq!(blob.to_vec(), Ok(vec![]));
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(bytes: Vec<u8>) {
            let text = STANDARD.encode_to_string(&bytes);
            let blob = Blob::from_base64(text.into()).unwrap();
            prop_assert_eq!(blob.len(), bytes.len());
            prop_assert_eq!(blob.to_vec(), Ok(bytes));
        }

        #[test]
        fn what_passed_the_check_can_be_decoded(text in "[A-Za-b+/=é]{0,12}") {
            if let Ok(blob) = Blob::from_base64(text.clone().into()) {
                let bytes = blob.to_vec();
                prop_assert_eq!(bytes.map(|bytes| STANDARD.encode_to_string(bytes)), Ok(text));
            }
        }
    }
}
