//! Sizes and times as people write them: `256MiB`, `500ms`.

/// Parses `1MiB`, `256MiB`, `2GiB`, `4096` (bytes). `KB` and the like are refused: nobody agrees on what they are.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let unit_bytes = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err("expected a number and KiB, MiB or GiB, like `256MiB`".to_owned()),
    };
    scale(number, unit_bytes).ok_or_else(|| "expected a size like `256MiB`".to_owned())
}

/// Parses `0`, `500ms`, `2s`, `1m` into milliseconds.
pub(crate) fn milliseconds(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "" if number == "0" => 1,
        _ => return Err("expected a number and ms, s or m, like `500ms`".to_owned()),
    };
    scale(number, unit_ms).ok_or_else(|| "expected a time like `500ms`".to_owned())
}

fn split(text: &str) -> (&str, &str) {
    let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    (number, unit.trim_start())
}

fn scale(number: &str, unit: u64) -> Option<u64> {
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary() {
        assert_eq!(bytes("1MiB"), Ok(1 << 20));
        assert_eq!(bytes("256 MiB"), Ok(256 << 20));
        assert_eq!(bytes("4096"), Ok(4096));
        for wrong in ["", "MiB", "1MB", "1.5MiB", "-1MiB", "99999999999GiB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_have_a_unit() {
        assert_eq!(milliseconds("500ms"), Ok(500));
        assert_eq!(milliseconds("2s"), Ok(2_000));
        assert_eq!(milliseconds("0"), Ok(0));
        for wrong in ["", "5", "ms", "1h", "1.5s"] {
            assert!(milliseconds(wrong).is_err(), "{wrong}");
        }
    }
}
