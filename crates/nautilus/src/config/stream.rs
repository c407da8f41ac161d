//! `--stream NAME[:SHARDS[:REGION]]`: a stream that is made at the start, if there is none of its name.

/// What it is told of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InitialStream {
    pub name: String,
    pub shard_count: u32,
    /// The server's usual one if none is given.
    pub region: Option<String>,
}

/// Parses `orders`, `orders:4`, `orders:4:eu-west-1`; a stream has one shard unless it is said.
pub(crate) fn initial_stream(text: &str) -> Result<InitialStream, String> {
    parse(text, 1)
}

/// The same where streams have another number of shards unless it is said, and that may be left out before a region.
pub(super) fn parse(text: &str, usual_shard_count: u32) -> Result<InitialStream, String> {
    let mut parts = text.trim().split(':');
    let name = parts.next().unwrap_or_default().trim();
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    if name.is_empty() || name.len() > 128 || !name.bytes().all(fine) {
        return Err(format!("`{name}` is no stream's name"));
    }
    let shard_count = match parts.next().map(str::trim).filter(|count| !count.is_empty()) {
        None => Some(usual_shard_count),
        Some(count) => count.parse().ok().filter(|count| *count > 0),
    };
    let shard_count = shard_count.ok_or_else(|| expected(text))?;
    let region = parts.next().map(str::trim).filter(|region| !region.is_empty());
    let is_region = |region: &str| {
        region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if parts.next().is_some() || !region.is_none_or(is_region) {
        return Err(expected(text));
    }
    Ok(InitialStream { name: name.to_owned(), shard_count, region: region.map(str::to_owned) })
}

fn expected(text: &str) -> String {
    format!("expected NAME:SHARDS:REGION, like `orders:4:eu-west-1`, not `{text}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_a_name_and_perhaps_shards_and_a_region() {
        let stream = |name: &str, shard_count, region: Option<&str>| {
            Ok(InitialStream { name: name.into(), shard_count, region: region.map(str::to_owned) })
        };
        assert_eq!(initial_stream("orders"), stream("orders", 1, None));
        assert_eq!(initial_stream("a.b_c-d:4"), stream("a.b_c-d", 4, None));
        assert_eq!(initial_stream("a:2:eu-west-1"), stream("a", 2, Some("eu-west-1")));
        assert_eq!(parse(" a::us-west-2", 4), stream("a", 4, Some("us-west-2")));
        for wrong in ["", ":1", "a b", "a:0", "a:x", "a:1:EU", "a:1:eu-west-1:x"] {
            assert!(initial_stream(wrong).is_err(), "{wrong}");
        }
    }
}
