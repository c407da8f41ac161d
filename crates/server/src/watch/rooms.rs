//! The figures of the rooms behind the server: streams, alarms, deliveries, the metric store.

use nautilus_cloudwatch::Figures as CloudWatchFigures;
use nautilus_kinesis::Figures as KinesisFigures;
use nautilus_sns::Figures as SnsFigures;

use super::text::{Kind, Text};

type Single = (&'static str, Kind, &'static str, f64);

fn tell(text: &mut Text, singles: &[Single]) {
    for (name, kind, help, value) in singles {
        text.single(name, *kind, help, *value);
    }
}

/// What there is of streams. What they are used for is told by stream: `kinesis.rs`.
pub(crate) fn tell_kinesis(text: &mut Text, figures: &KinesisFigures) {
    let gauge = |name, help, value: u64| (name, Kind::Gauge, help, value as f64);
    tell(
        text,
        &[
            gauge("nautilus_streams", "Streams.", figures.streams),
            gauge("nautilus_shards_open", "Open shards of all streams.", figures.open_shards),
            gauge(
                "nautilus_subscriptions",
                "Subscriptions of consumers to shards that are open.",
                figures.subscriptions,
            ),
            gauge("nautilus_faults", "Faults that are injected on purpose.", figures.faults),
            gauge(
                "nautilus_clock_unsure",
                "1 while the wall clock has jumped and it is not known whether that stands; nothing expires then.",
                figures.is_time_unsure.into(),
            ),
        ],
    );
}

/// Alarms and the metric store.
pub(crate) fn tell_cloudwatch(text: &mut Text, figures: &CloudWatchFigures) {
    text.family("nautilus_alarms", Kind::Gauge, "Alarms by their state.");
    for (state, count) in &figures.alarms {
        let state = state.to_ascii_lowercase();
        text.sample("nautilus_alarms", &[("state", &state)], *count as f64);
    }
    let gauge = |name, help, value: u64| (name, Kind::Gauge, help, value as f64);
    tell(
        text,
        &[
            gauge(
                "nautilus_alarm_changes_waiting",
                "Changes of alarms' states whose actions are not done.",
                figures.actions_waiting,
            ),
            gauge(
                "nautilus_metric_store_series",
                "Metrics that CloudWatch has samples of.",
                figures.store.series,
            ),
            gauge(
                "nautilus_metric_store_memory_bytes",
                "Bytes of memory that CloudWatch's newest samples take.",
                figures.store.memory_bytes,
            ),
            gauge(
                "nautilus_metric_store_blocks",
                "Blocks of CloudWatch's older samples.",
                figures.store.blocks,
            ),
            gauge(
                "nautilus_metric_store_block_bytes",
                "Bytes of disk that these blocks take.",
                figures.store.block_bytes,
            ),
            (
                "nautilus_metrics_left_out_total",
                Kind::Counter,
                "Samples of streams' metrics that are not told here because there are too many series.",
                figures.totals_left_out as f64,
            ),
        ],
    );
}

/// Topics and what is on its way to their subscribers.
pub(crate) fn tell_sns(text: &mut Text, figures: &SnsFigures) {
    let name = "nautilus_sns_attempts_total";
    text.family(name, Kind::Counter, "Attempts to deliver a message, by what became of them.");
    for (result, count) in [
        ("delivered", figures.delivered),
        ("retried", figures.retried),
        ("given_up", figures.given_up),
    ] {
        text.sample(name, &[("result", result)], count as f64);
    }
    let gauge = |name, help, value: u64| (name, Kind::Gauge, help, value as f64);
    tell(
        text,
        &[
            (
                "nautilus_sns_dead_letters_total",
                Kind::Counter,
                "Messages that were given up and stand in the file of dead letters.",
                figures.dead_letters as f64,
            ),
            gauge("nautilus_sns_topics", "Topics.", figures.topics),
            gauge(
                "nautilus_sns_subscriptions",
                "Subscriptions of topics, confirmed or not.",
                figures.subscriptions,
            ),
            gauge(
                "nautilus_sns_outbox_deliveries",
                "Deliveries that wait: each message has one for each endpoint.",
                figures.outbox_deliveries,
            ),
            gauge(
                "nautilus_sns_outbox_bytes",
                "Bytes of the messages that wait.",
                figures.outbox_bytes,
            ),
            (
                "nautilus_sns_outbox_oldest_age_seconds",
                Kind::Gauge,
                "How long the oldest message waits; 0 if none does.",
                figures.outbox_oldest_ms as f64 / 1e3,
            ),
            gauge(
                "nautilus_sns_attempts_in_flight",
                "Attempts that are under way.",
                figures.attempts_under_way,
            ),
        ],
    );
}
