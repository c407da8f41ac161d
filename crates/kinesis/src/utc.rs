//! Dates as AWS prints them in sentences: `Thu Jan 22 01:22:02 UTC 2015`.

use nautilus_wire::time::Date;

/// Unix milliseconds as AWS prints a time in a sentence.
pub(crate) fn utc_text(unix_ms: u64) -> String {
    const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let date = Date::from_unix_ms(i64::try_from(unix_ms).unwrap_or(i64::MAX));
    let name = |names: &[&'static str], number: u32| names[number as usize - 1];
    let (weekday, month) = (name(&WEEKDAYS, date.weekday()), name(&MONTHS, date.month));
    let Date { year, day, hour, minute, second, .. } = date;
    format!("{weekday} {month} {day:02} {hour:02}:{minute:02}:{second:02} UTC {year}")
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
}
