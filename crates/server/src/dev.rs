//! Paths under `/_nautilus/`, for tests of programs: they inject faults and move the service's clock ahead.
//!
//! Only there when the server was started so: with `--dev`, and with a clock that may be moved (`--test-clock`).

mod faults;

use std::sync::Arc;

use hyper::{Method, StatusCode};
use nautilus_cloudwatch::CloudWatch;
use nautilus_kinesis::Kinesis;
use nautilus_log::{Clock, SystemClock};
use nautilus_wire::{Value, json};

use crate::reply::Reply;

/// All paths of this file begin so.
pub(crate) const PREFIX: &str = "/_nautilus/";

const MS_MAX: u64 = 100 * 366 * 24 * 3_600_000; // a century: beyond it times stop fitting their fields

/// What of this is there.
pub(crate) struct Dev {
    /// The service's clock, if clients may move it ahead.
    pub(crate) test_clock: Option<Arc<SystemClock>>,
    /// Whether clients may inject faults.
    pub(crate) faults: bool,
}

impl Dev {
    /// Answers a request whose path begins with [`PREFIX`].
    pub(crate) async fn answer(
        &self,
        (kinesis, cloudwatch): (&Kinesis, &CloudWatch),
        method: &Method,
        path: &str,
        body: &[u8],
    ) -> Reply {
        if !path.starts_with(faults::PATH) {
            let rooms = (kinesis, cloudwatch);
            return clock_answer(self.test_clock.as_ref(), rooms, method, path, body).await;
        }
        match self.faults {
            true => faults::answer(kinesis.faults(), method, path, body),
            false => refuse(StatusCode::NOT_FOUND, "start Nautilus with --dev for this"),
        }
    }
}

/// Answers `POST /_nautilus/clock {"advance":"25h"}` after everything that became due has happened.
async fn clock_answer(
    test_clock: Option<&Arc<SystemClock>>,
    (kinesis, cloudwatch): (&Kinesis, &CloudWatch),
    method: &Method,
    path: &str,
    body: &[u8],
) -> Reply {
    let Some(clock) = test_clock else {
        return refuse(StatusCode::NOT_FOUND, "start Nautilus with --dev --test-clock for this");
    };
    if path != "/_nautilus/clock" {
        return refuse(
            StatusCode::NOT_FOUND,
            "there are only /_nautilus/clock and /_nautilus/faults",
        );
    }
    if method == Method::POST {
        let Some(ms) = advance_ms(body) else {
            return refuse(
                StatusCode::BAD_REQUEST,
                r#"send {"advance":"25h"}: a number and ms, s, m, h or d, a century at most"#,
            );
        };
        // What was counted belongs to the minutes before.
        if let Err(error) = cloudwatch.collect().await {
            tracing::warn!(%error, "what was counted could not be stored");
        }
        clock.advance_ms(ms);
        kinesis.tick().await;
        cloudwatch.tick().await;
    } else if method != Method::GET {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "use GET or POST");
    }
    let body = format!("{{\"now_ms\":{}}}\n", clock.now_ms());
    Reply::new(StatusCode::OK, Some("application/json"), body)
}

fn refuse(status: StatusCode, sentence: impl std::fmt::Display) -> Reply {
    Reply::text(status, format!("{sentence}\n"))
}

fn advance_ms(body: &[u8]) -> Option<u64> {
    let Ok(Value::Map(members)) = json::parse(body) else { return None };
    members.iter().find_map(|(name, value)| match value {
        Value::Str(text) if name == "advance" => duration_ms(text),
        _ => None,
    })
}

/// Parses `5m`, and `PT1H30M` as ISO 8601 writes it.
fn duration_ms(text: &str) -> Option<u64> {
    let Some(iso) = text.strip_prefix("PT") else { return simple_duration_ms(text) };
    let parts = iso.split_inclusive(|char: char| char.is_ascii_uppercase());
    let parts = parts.map(|part| simple_duration_ms(&part.to_ascii_lowercase()));
    let ms = parts.sum::<Option<u64>>()?;
    (!iso.is_empty() && ms <= MS_MAX && !iso.contains(['D', 'd'])).then_some(ms)
}

fn simple_duration_ms(text: &str) -> Option<u64> {
    let digits = text.find(|char: char| !char.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit_ms).filter(|ms| *ms <= MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(duration_ms("25h"), Some(90_000_000));
        assert_eq!(duration_ms("500ms"), Some(500));
        assert_eq!(duration_ms("1d"), Some(86_400_000));
        assert_eq!(duration_ms("PT1M"), Some(60_000));
        assert_eq!(duration_ms("PT1H30M"), Some(5_400_000));
        for wrong in ["PT", "PT5", "P1D", "PT1D", "PTM", "PT1.5M"] {
            assert_eq!(duration_ms(wrong), None, "{wrong}");
        }
        for wrong in
            ["", "h", "25", "1.5h", "-1h", "1 h", "1h30m", "99999999999999999999h", "40000d"]
        {
            assert_eq!(duration_ms(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_body_is_an_object_with_advance() {
        assert_eq!(advance_ms(br#"{"advance":"2s"}"#), Some(2_000));
        assert_eq!(advance_ms(br#"{"advance":2}"#), None);
        assert_eq!(advance_ms(b"[]"), None);
        assert_eq!(advance_ms(b""), None);
    }
}
