//! NextTokens of lists: sealed, and good for five minutes.

use crate::{
    error::Error,
    limits,
    model::seal::{Kind, Seal},
};

/// Seals what a list needs to go on. Its parts may hold anything but a line feed, as names do.
pub(crate) fn seal(seal: &Seal, kind: Kind, now_ms: u64, parts: &[&str]) -> String {
    let mut payload = now_ms.to_be_bytes().to_vec();
    payload.extend_from_slice(parts.join("\n").as_bytes());
    seal.seal(kind, payload)
}

/// The parts again, from a token that is ours and young enough.
pub(crate) fn open<const N: usize>(
    seal: &Seal,
    kind: Kind,
    now_ms: u64,
    token: &str,
) -> Result<[String; N], Error> {
    let invalid = || Error::InvalidArgument("Invalid NextToken.".to_owned());
    let payload = seal.open(kind, token).ok_or_else(invalid)?;
    let (issued, text) = payload.split_first_chunk::<8>().ok_or_else(invalid)?;
    let age_ms = now_ms.saturating_sub(u64::from_be_bytes(*issued));
    if age_ms > limits::NEXT_TOKEN_LIFE_MS {
        return Err(Error::ExpiredNextToken(format!(
            "NextToken expired. It is {age_ms} milliseconds old, which is more than the tolerated \
             {} milliseconds.",
            limits::NEXT_TOKEN_LIFE_MS
        )));
    }
    let text = std::str::from_utf8(text).map_err(|_| invalid())?;
    let parts: Vec<String> = text.split('\n').map(str::to_owned).collect();
    parts.try_into().map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::seal::KEY_BYTES;

    #[test]
    fn a_token_is_good_for_five_minutes() {
        let key = Seal::new(&[3; KEY_BYTES]);
        let token = seal(&key, Kind::ListStreams, 1000, &["a", ""]);
        let open = |now| open::<2>(&key, Kind::ListStreams, now, &token);

        assert_eq!(open(301_000).expect("young"), ["a", ""]);
        assert!(matches!(open(301_001), Err(Error::ExpiredNextToken(_))));
    }

    #[test]
    fn garbage_is_no_token() {
        let key = Seal::new(&[3; KEY_BYTES]);
        for token in ["", "x", "AAAA"] {
            let opened = open::<1>(&key, Kind::ListStreams, 0, token);
            assert!(matches!(opened, Err(Error::InvalidArgument(_))), "{token}");
        }
    }
}
