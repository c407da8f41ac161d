//! Pages of lists: 100 items, and a token that says behind which name the next one begins.

use crate::{error::Error, limits};

/// A page of what `items` has behind a token's item, and the next token; `key` is what an item is found by, and
/// `items` must come in its order.
pub(crate) fn page<T>(
    token: Option<&str>,
    items: impl Iterator<Item = T>,
    key: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), Error> {
    let after = token.filter(|token| !token.is_empty()).map(open).transpose()?;
    let is_behind = |item: &T| after.as_deref().is_none_or(|after| key(item) > after);
    let mut items = items.filter(is_behind);
    let page: Vec<T> = items.by_ref().take(limits::PAGE_ITEMS).collect();
    let next = items.next().and(page.last()).map(|last| seal(key(last)));
    Ok((page, next))
}

fn seal(key: &str) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(key.as_bytes())
}

fn open(token: &str) -> Result<String, Error> {
    let invalid = || Error::invalid("NextToken Reason: Invalid token");
    let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(token).map_err(|_| invalid())?;
    let key = String::from_utf8(bytes).map_err(|_| invalid())?;
    if key.starts_with("arn:") { Ok(key) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_everything_once() {
        for count in [0, 1, 99, 100, 101, 200, 250] {
            let all: Vec<String> = (0..count).map(|n| format!("arn:{n:04}")).collect();
            let (mut seen, mut token) = (Vec::new(), None);
            loop {
                let (page, next) =
                    page(token.as_deref(), all.iter(), |item| item.as_str()).expect("ours");
                assert!(page.len() <= limits::PAGE_ITEMS);
                seen.extend(page.into_iter().cloned());
                token = next;
                if token.is_none() {
                    break;
                }
            }
            assert_eq!(seen, all);
        }
    }

    #[test]
    fn what_is_no_token_of_ours_is_refused() {
        for token in ["x", "!", "AAAA", "_____w"] {
            let page = page(Some(token), ["arn:1"].iter(), |item| item);
            assert!(matches!(page, Err(Error::InvalidParameter(_))), "{token}");
        }
    }
}
