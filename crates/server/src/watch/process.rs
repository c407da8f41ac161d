//! What the process takes of the machine, under the names that Prometheus's own libraries give.

use nautilus_log::ProcessFigures;

use super::text::{Kind, Text};

/// Tells all of it; `started_ms` is the wall clock's at the start.
pub(crate) fn tell(text: &mut Text, figures: &ProcessFigures, started_ms: u64) {
    for (name, kind, help, value) in [
        (
            "process_start_time_seconds",
            Kind::Gauge,
            "When the server started, by the wall clock, since 1970.",
            Some(started_ms as f64 / 1e3),
        ),
        (
            "process_cpu_seconds_total",
            Kind::Counter,
            "Processor time of all threads, user and system.",
            Some(figures.cpu_us as f64 / 1e6),
        ),
        (
            "process_resident_memory_bytes",
            Kind::Gauge,
            "Memory that is resident.",
            figures.resident_bytes.map(|bytes| bytes as f64),
        ),
        (
            "process_resident_memory_max_bytes",
            Kind::Gauge,
            "The most memory that was resident so far.",
            figures.resident_bytes_max.map(|bytes| bytes as f64),
        ),
        (
            "process_open_fds",
            Kind::Gauge,
            "File descriptors that are open.",
            figures.open_files.map(|files| files as f64),
        ),
        (
            "process_max_fds",
            Kind::Gauge,
            "File descriptors that may be open.",
            figures.open_files_max.map(|files| files as f64),
        ),
    ] {
        if let Some(value) = value {
            text.single(name, kind, help, value);
        }
    }
}
