//! Dates as people read them: `Thu Jan 22 01:22:02 UTC 2015` in the service's messages, `2015-01-22T01:22:02Z` in
//! Terraform's.

const DAY_SECONDS: u64 = 86_400;

/// Unix milliseconds as AWS prints a time in a sentence.
pub(crate) fn utc_text(unix_ms: u64) -> String {
    // 1970 began on a Thursday.
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, second) = (unix_ms / 1000 / DAY_SECONDS, unix_ms / 1000 % DAY_SECONDS);
    let (year, month, day) = civil(days);
    format!(
        "{} {} {day:02} {:02}:{:02}:{:02} UTC {year}",
        WEEKDAYS[(days % 7) as usize],
        MONTHS[month],
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Unix seconds by RFC 3339.
pub fn rfc3339(unix_second: u64) -> String {
    let (days, second) = (unix_second / DAY_SECONDS, unix_second % DAY_SECONDS);
    let (year, month, day) = civil(days);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", month + 1, second % 60)
}

/// Year, month from 0 and day from 1 of a day since 1970.
fn civil(days: u64) -> (u64, usize, u64) {
    // Counted from 1 March of year 0: then the leap day is the last of its year and of its four centuries.
    const CYCLE: u64 = 146_097;
    let days = days + 719_468;
    let (cycle, day) = (days / CYCLE, days % CYCLE);
    let year = (day - day / 1460 + day / 36_524 - day / (CYCLE - 1)) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12;
    let year = cycle * 400 + year + u64::from(month < 2);
    (year, month as usize, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_as_aws_prints_them() {
        assert_eq!(utc_text(1_421_889_722_000), "Thu Jan 22 01:22:02 UTC 2015");
        assert_eq!(utc_text(0), "Thu Jan 01 00:00:00 UTC 1970");
        assert_eq!(utc_text(951_827_696_789), "Tue Feb 29 12:34:56 UTC 2000");
        assert_eq!(utc_text(1_709_251_199_999), "Thu Feb 29 23:59:59 UTC 2024");
        assert_eq!(utc_text(4_107_542_400_000), "Mon Mar 01 00:00:00 UTC 2100");
    }

    #[test]
    fn times_are_printed_as_terraform_prints_them() {
        assert_eq!(rfc3339(1_421_889_722), "2015-01-22T01:22:02Z");
        assert_eq!(rfc3339(951_827_696), "2000-02-29T12:34:56Z");
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = civil(0);
        for days in 1..80_000 {
            let today = civil(days);
            assert!(today > before, "{today:?} after {before:?}");
            let first_of_month = today.2 == 1;
            assert!(first_of_month || today == (before.0, before.1, before.2 + 1));
            before = today;
        }
    }
}
