//! Parts of a point in time, in UTC.

const DAY_S: u64 = 86_400;

/// A date and a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub year: u64,
    /// From 1.
    pub month: u64,
    /// Of the month, from 1.
    pub date: u64,
    /// Of the week: Monday is 1, Sunday is 7.
    pub day: u64,
    pub hour: u64,
    pub minute: u64,
    pub second: u64,
}

impl Moment {
    pub(super) fn at(unix_ms: u64) -> Moment {
        let (days, second) = (unix_ms / 1000 / DAY_S, unix_ms / 1000 % DAY_S);
        let (year, month, date) = civil(days);
        Moment {
            year,
            month,
            date,
            day: (days + 3) % 7 + 1, // 1970 began on a Thursday
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }
}

/// `2026-02-26 10:00:00 UTC`, or `… +0130` in another zone: how labels show a time.
pub(crate) fn rfc3339_like(unix_ms: u64, zone_minutes: i64) -> String {
    let at = Moment::at(unix_ms.saturating_add_signed(zone_minutes * 60_000));
    let zone = match zone_minutes {
        0 => "UTC".to_owned(),
        minutes => {
            let sign = if minutes < 0 { '-' } else { '+' };
            format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60)
        }
    };
    let Moment { year, month, date, hour, minute, second, .. } = at;
    format!("{year:04}-{month:02}-{date:02} {hour:02}:{minute:02}:{second:02} {zone}")
}

/// Year, month from 1 and day from 1 of a day since 1970.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted from 1 March of year 0: then the leap day is the last of its year and of its four centuries.
    const CYCLE: u64 = 146_097;
    let days = days + 719_468;
    let (cycle, day) = (days / CYCLE, days % CYCLE);
    let year = (day - day / 1460 + day / 36_524 - day / (CYCLE - 1)) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let date = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = cycle * 400 + year + u64::from(month <= 2);
    (year, month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_their_parts() {
        let check = |second: u64, expected: [u64; 7]| {
            let at = Moment::at(second * 1000 + 999);
            let parts = [at.year, at.month, at.date, at.day, at.hour, at.minute, at.second];
            assert_eq!(parts, expected);
        };
        check(0, [1970, 1, 1, 4, 0, 0, 0]);
        check(951_827_696, [2000, 2, 29, 2, 12, 34, 56]);
        check(1_709_251_199, [2024, 2, 29, 4, 23, 59, 59]);
        check(4_107_542_400, [2100, 3, 1, 1, 0, 0, 0]);
        check(1_795_910_400, [2026, 11, 29, 7, 0, 0, 0]);
    }

    #[test]
    fn labels_show_times_in_their_zone() {
        assert_eq!(rfc3339_like(951_827_696_000, 0), "2000-02-29 12:34:56 UTC");
        assert_eq!(rfc3339_like(951_827_696_000, 690), "2000-03-01 00:04:56 +1130");
        assert_eq!(rfc3339_like(951_827_696_000, -90), "2000-02-29 11:04:56 -0130");
        assert_eq!(rfc3339_like(0, -90), "1970-01-01 00:00:00 -0130", "nothing is before 1970");
    }
}
