//! Dates and numbers as AWS prints them in what alarms say.

use std::fmt::{self, Display, Formatter};

use nautilus_wire::time::Date;

/// `2026-02-26T10:00:00.000+0000`, of Unix ms.
pub(crate) fn iso(unix_ms: u64) -> String {
    let Date { year, month, day, hour, minute, second, ms } = date(unix_ms);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}+0000")
}

/// `26/02/26 10:00:00`: day, month, year of the century.
pub(crate) fn short(unix_ms: u64) -> String {
    let Date { year, month, day, hour, minute, second, .. } = date(unix_ms);
    let year = year.rem_euclid(100);
    format!("{day:02}/{month:02}/{year:02} {hour:02}:{minute:02}:{second:02}")
}

/// `Friday 22 July, 2022 15:57:45 UTC`
pub(crate) fn long(unix_ms: u64) -> String {
    const WEEKDAYS: [&str; 7] =
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let date = date(unix_ms);
    let name = |names: &[&'static str], number: u32| names[number as usize - 1];
    let (weekday, month) = (name(&WEEKDAYS, date.weekday()), name(&MONTHS, date.month));
    let Date { year, day, hour, minute, second, .. } = date;
    format!("{weekday} {day:02} {month}, {year} {hour:02}:{minute:02}:{second:02} UTC")
}

fn date(unix_ms: u64) -> Date {
    // No service clock and no sample is further than the year 9999.
    const LAST_MS: u64 = 253_402_300_799_999;
    Date::from_unix_ms(i64::try_from(unix_ms.min(LAST_MS)).unwrap_or_default())
}

/// A number as Java prints its doubles, for that is what AWS does: `21.0`, `0.025`, `1.234E8`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Double(pub f64);

impl Display for Double {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = self.0;
        let size = value.abs();
        if !value.is_finite() {
            return f.write_str(match value {
                value if value.is_nan() => "NaN",
                value if value > 0.0 => "Infinity",
                _ => "-Infinity",
            });
        }
        if size == 0.0 || (1e-3..1e7).contains(&size) {
            // `Debug` keeps the fraction of a whole number.
            return write!(f, "{value:?}");
        }
        let text = format!("{value:e}");
        match text.split_once('e') {
            Some((digits, power)) if digits.contains('.') => write!(f, "{digits}E{power}"),
            Some((digits, power)) => write!(f, "{digits}.0E{power}"),
            None => f.write_str(&text),
        }
    }
}

/// `1 datapoint`, `2 datapoints`
pub(crate) fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_printed_as_aws_prints_them() {
        assert_eq!(iso(1_658_505_465_394), "2022-07-22T15:57:45.394+0000");
        assert_eq!(short(1_772_100_000_000), "26/02/26 10:00:00");
        assert_eq!(short(951_782_399_999), "28/02/00 23:59:59");
        assert_eq!(long(1_658_505_465_394), "Friday 22 July, 2022 15:57:45 UTC");
        assert_eq!(long(1_756_880_733_000), "Wednesday 03 September, 2025 06:25:33 UTC");
        assert_eq!(long(0), "Thursday 01 January, 1970 00:00:00 UTC");
        assert_eq!(iso(u64::MAX), "9999-12-31T23:59:59.999+0000");
    }

    #[test]
    fn numbers_are_printed_as_java_prints_them() {
        for (value, text) in [
            (21.0, "21.0"),
            (21.5, "21.5"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (-3.0, "-3.0"),
            (99.501_602_296_934_34, "99.50160229693434"),
            (0.066_685_190_330_647_2, "0.0666851903306472"),
            (0.001, "0.001"),
            (0.000_999, "9.99E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1_073_741_824.0, "1.073741824E9"),
            (-2.5e300, "-2.5E300"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(Double(value).to_string(), text);
        }
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(counted(1, "datapoint"), "1 datapoint");
        assert_eq!(counted(0, "datapoint"), "0 datapoints");
    }
}
