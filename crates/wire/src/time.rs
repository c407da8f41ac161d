//! The calendar of UTC, and points in time as Query writes them: ISO 8601, `2026-02-26T10:00:00Z`, with milliseconds if
//! there are some.

use std::fmt;

const DAY_SECONDS: i64 = 86_400;
/// Days of the four centuries after which the calendar repeats.
const CYCLE_DAYS: i64 = 146_097;

/// A point in time by the calendar of UTC. Shown as ISO 8601.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// The year; four digits as far as clients can say one.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59.
    pub second: u32,
    /// 0 to 999.
    pub ms: u32,
}

impl Date {
    /// The date of so many milliseconds since 1970.
    pub fn from_unix_ms(unix_ms: i64) -> Date {
        let (seconds, ms) = (unix_ms.div_euclid(1000), unix_ms.rem_euclid(1000));
        let (days, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
        // Counted from 1 March of year 0: then the leap day is the last of its year and of its four centuries.
        let days = days + 719_468;
        let (cycle, day) = (days.div_euclid(CYCLE_DAYS), days.rem_euclid(CYCLE_DAYS));
        let year = (day - day / 1460 + day / 36_524 - day / (CYCLE_DAYS - 1)) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = (from_march + 2) % 12 + 1;
        // Each is below 1,000 by its remainder.
        let small = |value: i64| value as u32;
        Date {
            year: cycle * 400 + year + i64::from(month < 3),
            month: small(month),
            day: small(day_of_year - (153 * from_march + 2) / 5 + 1),
            hour: small(second / 3600),
            minute: small(second / 60 % 60),
            second: small(second % 60),
            ms: small(ms),
        }
    }

    /// Milliseconds since 1970. The years must be within a client's four digits.
    pub fn unix_ms(&self) -> i64 {
        let from_march = (i64::from(self.month) + 9) % 12;
        let year = self.year - i64::from(self.month < 3);
        let (cycle, of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_year = (153 * from_march + 2) / 5 + i64::from(self.day) - 1;
        let days = cycle * CYCLE_DAYS + of_cycle * 365 + of_cycle / 4 - of_cycle / 100
            + day_of_year
            - 719_468;
        let second = i64::from(self.hour * 3600 + self.minute * 60 + self.second);
        (days * DAY_SECONDS + second) * 1000 + i64::from(self.ms)
    }

    /// The day of the week: 1 is Monday, 7 is Sunday.
    pub fn weekday(&self) -> u32 {
        let days = self.unix_ms().div_euclid(DAY_SECONDS * 1000);
        (days + 3).rem_euclid(7) as u32 + 1 // 1970 began on a Thursday
    }

    /// Whether the calendar has it.
    fn exists(&self) -> bool {
        let in_range = (1..=12).contains(&self.month)
            && (1..=31).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60;
        // A day that its month has not comes back as one of the next.
        in_range && Date::from_unix_ms(self.unix_ms()) == *self
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Date { year, month, day, hour, minute, second, ms } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match ms {
            0 => f.write_str("Z"),
            ms => write!(f, ".{ms:03}Z"),
        }
    }
}

/// Reads a date of ISO 8601 in the forms that AWS's clients write: `2026-11-24`, `2026-11-24T03:00Z`,
/// `2026-11-24T03:00:00.123456+01:00`. Without an offset it is UTC; what is finer than a millisecond is cut off.
/// Milliseconds since 1970; none if it is no such date.
pub fn parse_iso8601(text: &str) -> Option<i64> {
    let mut rest = text;
    let year = digits(&mut rest, 4)?.into();
    let month = expect(&mut rest, '-').then(|| digits(&mut rest, 2))??;
    let day = expect(&mut rest, '-').then(|| digits(&mut rest, 2))??;
    let mut date = Date { year, month, day, hour: 0, minute: 0, second: 0, ms: 0 };
    let mut offset_minutes = 0;
    if expect(&mut rest, 'T') {
        date.hour = digits(&mut rest, 2)?;
        date.minute = expect(&mut rest, ':').then(|| digits(&mut rest, 2))??;
        if expect(&mut rest, ':') {
            date.second = digits(&mut rest, 2)?;
            if expect(&mut rest, '.') {
                date.ms = fraction(&mut rest)?;
            }
        }
        offset_minutes = offset(&mut rest)?;
    }
    (rest.is_empty() && date.exists()).then(|| date.unix_ms() - offset_minutes * 60_000)
}

/// Minutes that a clock is ahead of UTC.
fn offset(rest: &mut &str) -> Option<i64> {
    let sign = match rest.chars().next() {
        None => return Some(0),
        Some('Z') => 0,
        Some('+') => 1,
        Some('-') => -1,
        Some(_) => return None,
    };
    *rest = &rest[1..];
    if sign == 0 {
        return Some(0);
    }
    let hours = digits(rest, 2)?;
    let _colon = expect(rest, ':');
    let minutes = if rest.is_empty() { 0 } else { digits(rest, 2)? };
    (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 60 + minutes))
}

/// Milliseconds of a fraction of up to nine digits.
fn fraction(rest: &mut &str) -> Option<u32> {
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    if count > 9 {
        return None;
    }
    let value = digits(rest, count)?;
    let places = u32::try_from(count).ok()?;
    Some(match places {
        0..=3 => value * 10_u32.pow(3 - places),
        _ => value / 10_u32.pow(places - 3),
    })
}

/// Exactly `count` decimal digits, one at least and nine at most.
fn digits(rest: &mut &str, count: usize) -> Option<u32> {
    let (text, behind) = rest.split_at_checked(count)?;
    let value = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())??;
    *rest = behind;
    Some(value)
}

fn expect(rest: &mut &str, mark: char) -> bool {
    match rest.strip_prefix(mark) {
        Some(behind) => {
            *rest = behind;
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_date_is_written_with_milliseconds_only_if_it_has_some() {
        let shown = |ms| Date::from_unix_ms(ms).to_string();
        assert_eq!(shown(0), "1970-01-01T00:00:00Z");
        assert_eq!(shown(1_772_100_000_000), "2026-02-26T10:00:00Z");
        assert_eq!(shown(1_772_100_000_040), "2026-02-26T10:00:00.040Z");
        assert_eq!(shown(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(shown(-1), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = Date::from_unix_ms(-1_000 * 86_400_000);
        for days in -999..80_000 {
            let today = Date::from_unix_ms(days * 86_400_000);
            let is_next = match today.day {
                1 => (today.year, today.month) > (before.year, before.month) && before.day >= 28,
                day => {
                    (today.year, today.month, day) == (before.year, before.month, before.day + 1)
                }
            };
            assert!(is_next, "{today} after {before}");
            assert_eq!(today.weekday(), before.weekday() % 7 + 1, "{today}");
            before = today;
        }
        assert_eq!(Date::from_unix_ms(0).weekday(), 4, "a Thursday");
        assert_eq!(Date::from_unix_ms(1_795_910_400_000).weekday(), 7, "a Sunday");
    }

    #[test]
    fn every_form_of_a_client_is_read() {
        for (text, ms) in [
            ("2026-02-26T10:00:00Z", 1_772_100_000_000),
            ("2026-02-26T10:00Z", 1_772_100_000_000),
            ("2026-02-26T10:00:00", 1_772_100_000_000),
            ("2026-02-26", 1_772_064_000_000),
            ("2026-02-26T10:00:00.5Z", 1_772_100_000_500),
            ("2026-02-26T10:00:00.040Z", 1_772_100_000_040),
            ("2026-02-26T10:00:00.123456789Z", 1_772_100_000_123),
            ("2026-02-26T12:00:00+02:00", 1_772_100_000_000),
            ("2026-02-26T12:00:00+0200", 1_772_100_000_000),
            ("2026-02-26T05:30:00.000-04:30", 1_772_100_000_000),
            ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ] {
            assert_eq!(parse_iso8601(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "now",
            "2026",
            "2026-02",
            "2026-2-6",
            "2026-02-30",
            "2026-13-01",
            "2026-00-10",
            "2025-02-29T00:00:00Z",
            "2026-02-26T24:00:00Z",
            "2026-02-26T10:60:00Z",
            "2026-02-26T10:00:60Z",
            "2026-02-26T10",
            "2026-02-26T10:00:00.Z",
            "2026-02-26T10:00:00.1234567890Z",
            "2026-02-26T10:00:00 +02:00",
            "2026-02-26T10:00:00+25:00",
            "2026-02-26T10:00:00ZZ",
            "2026-02-26 10:00:00Z",
            "+026-02-26T10:00:00Z",
            "é26-02-26T10:00:00Z",
            "2026-02-26T10:00:00é",
        ] {
            assert_eq!(parse_iso8601(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(ms in -62_135_596_800_000_i64..253_402_300_800_000) {
            let text = Date::from_unix_ms(ms).to_string();
            prop_assert_eq!(parse_iso8601(&text), Some(ms), "{}", text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[0-9TZ:+.é-]{0,30}") {
            let _ = parse_iso8601(&text);
        }
    }
}
