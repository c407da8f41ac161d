//! How long requests take and how they end, by service and operation, since the start.
//!
//! The table is made once and never grows: what no service knows is counted in one row. Counting is two atomics and a
//! look-up, without a lock.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use nautilus_stats::Histogram;

use super::text::{Kind, Scale, Text};

/// What became of the requests of one operation.
#[derive(Debug, Default)]
pub(crate) struct Row {
    latency_us: Histogram,
    client_faults: AtomicU64,
    server_faults: AtomicU64,
}

/// Statuses of HTTP have three digits.
const STATUSES: usize = 1000;

/// What alerts look for is there from the start: Prometheus sees no growth in a counter's first appearance.
const ALWAYS_TOLD: [usize; 4] = [200, 400, 500, 503];

/// See the module.
#[derive(Debug)]
pub(crate) struct Served {
    services: Vec<(&'static str, HashMap<&'static str, Row>)>,
    unknown: Row,
    /// By status, of all requests: also those that no service has seen.
    answers: Vec<AtomicU64>,
}

impl Row {
    /// Counts a request that took so long and was answered with this status.
    pub(crate) fn count(&self, latency_us: u64, status: u16) {
        self.latency_us.record(latency_us);
        match status {
            400..500 => drop(self.client_faults.fetch_add(1, Relaxed)),
            500.. => drop(self.server_faults.fetch_add(1, Relaxed)),
            _ => {}
        }
    }
}

impl Served {
    /// A table of services and their operations.
    pub(crate) fn new(services: &[(&'static str, Vec<&'static str>)]) -> Served {
        let rows =
            |names: &[&'static str]| names.iter().map(|&name| (name, Row::default())).collect();
        let services = services.iter().map(|(service, names)| (*service, rows(names))).collect();
        let answers = (0..STATUSES).map(|_| AtomicU64::new(0)).collect();
        Served { services, unknown: Row::default(), answers }
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, status: u16) {
        if let Some(answers) = self.answers.get(usize::from(status)) {
            answers.fetch_add(1, Relaxed);
        }
    }

    /// The row of an operation.
    pub(crate) fn row(&self, service: &str, operation: &str) -> &Row {
        let known = self.services.iter().find(|(name, _)| *name == service);
        known.and_then(|(_, rows)| rows.get(operation)).unwrap_or(&self.unknown)
    }

    /// Tells the rows that were used.
    pub(crate) fn tell(&self, text: &mut Text) {
        let mut rows: Vec<(&str, &str, &Row)> = Vec::new();
        for (service, operations) in &self.services {
            rows.extend(operations.iter().map(|(operation, row)| (*service, *operation, row)));
        }
        rows.push(("none", "unknown", &self.unknown));
        rows.retain(|(.., row)| row.latency_us.counted().count > 0);
        rows.sort_unstable_by_key(|(service, operation, _)| (*service, *operation));

        let name = "nautilus_http_responses_total";
        text.family(name, Kind::Counter, "Answers by HTTP's status, of all requests.");
        for (status, answers) in self.answers.iter().enumerate() {
            let answers = answers.load(Relaxed);
            if answers > 0 || ALWAYS_TOLD.contains(&status) {
                text.sample(name, &[("code", &status.to_string())], answers as f64);
            }
        }
        let name = "nautilus_request_duration_seconds";
        text.family(name, Kind::Histogram, "Time from a request's arrival to its answer.");
        for (service, operation, row) in &rows {
            let labels = [("service", *service), ("operation", *operation)];
            text.counted(name, &labels, &row.latency_us.counted(), Scale::REQUEST_US);
        }
        let name = "nautilus_request_errors_total";
        text.family(name, Kind::Counter, "Requests that were answered with an error.");
        for (service, operation, row) in &rows {
            for (fault, count) in [("client", &row.client_faults), ("server", &row.server_faults)] {
                let labels = [("service", *service), ("operation", *operation), ("fault", fault)];
                text.sample(name, &labels, count.load(Relaxed) as f64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_counted_in_one_row() {
        let served = Served::new(&[("kinesis", vec!["PutRecord", "GetRecords"]), ("sts", vec![])]);
        served.row("kinesis", "PutRecord").count(700, 200);
        served.row("kinesis", "PutRecord").count(30, 400);
        served.row("kinesis", "DropTable").count(1, 400);
        served.row("x", "PutRecord").count(1, 503);
        for status in [200, 503, 503, u16::MAX] {
            served.answered(status);
        }
        let mut text = Text::default();
        served.tell(&mut text);
        let page = text.finish();
        for line in [
            "nautilus_request_duration_seconds_count{service=\"kinesis\",operation=\"PutRecord\"} 2",
            "nautilus_request_errors_total{service=\"kinesis\",operation=\"PutRecord\",fault=\"client\"} 1",
            "nautilus_request_errors_total{service=\"none\",operation=\"unknown\",fault=\"client\"} 1",
            "nautilus_request_errors_total{service=\"none\",operation=\"unknown\",fault=\"server\"} 1",
            "nautilus_http_responses_total{code=\"200\"} 1",
            "nautilus_http_responses_total{code=\"503\"} 2",
            "nautilus_http_responses_total{code=\"500\"} 0",
        ] {
            assert!(page.contains(line), "{line} is not in {page}");
        }
        assert!(!page.contains("GetRecords"), "what was never called is not told");
    }
}
