//! `--limit NAME=VALUE`: one of AWS's limits set by itself, or lifted.

use nautilus_kinesis::Limit;

use crate::cli::units;

/// A limit and its number; `None` lifts it.
pub(crate) type OneLimit = (Limit, Option<u64>);

/// Parses `shards=50`, `write-bytes-per-shard=5MiB`, `control-calls=off`.
pub(crate) fn one_limit(text: &str) -> Result<OneLimit, String> {
    let (name, value) = text.split_once('=').ok_or_else(expected)?;
    let limit = Limit::ALL.iter().copied().find(|limit| limit.name() == name);
    let limit = limit.ok_or_else(expected)?;
    Ok((limit, limit_value(limit, value)?))
}

fn limit_value(limit: Limit, text: &str) -> Result<Option<u64>, String> {
    if text == "off" {
        return Ok(None);
    }
    let value = match limit.is_bytes() {
        true => units::bytes(text)?,
        false => text.parse().map_err(|_| format!("expected a number or `off`, not `{text}`"))?,
    };
    match value {
        0 => Err("expected a number above 0, or `off`".to_owned()),
        value => Ok(Some(value)),
    }
}

fn expected() -> String {
    let names: Vec<&str> = Limit::ALL.iter().map(|limit| limit.name()).collect();
    format!("expected NAME=VALUE, where NAME is one of {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_has_a_name_and_a_number_or_is_off() {
        assert_eq!(one_limit("shards=50"), Ok((Limit::Shards, Some(50))));
        assert_eq!(one_limit("control-calls=off"), Ok((Limit::ControlCalls, None)));
        let bytes = one_limit("write-bytes-per-shard=5MiB");
        assert_eq!(bytes, Ok((Limit::WriteBytesPerShard, Some(5 << 20))));
        for (wrong, part) in [
            ("shards", "expected NAME=VALUE"),
            ("shard=5", "where NAME is one of write-records-per-shard, "),
            ("shards=many", "expected a number or `off`, not `many`"),
            ("shards=0", "above 0"),
            ("read-bytes-per-shard=5MB", "KiB, MiB or GiB"),
        ] {
            let told = one_limit(wrong).expect_err(wrong);
            assert!(told.contains(part), "{wrong}: {told}");
        }
    }
}
