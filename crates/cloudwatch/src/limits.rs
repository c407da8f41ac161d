//! Every limit of this room, by name. AWS's are rules of the service; the others keep a server within its memory.

/// Length of a minute.
pub(crate) const MINUTE_MS: u64 = 60_000;
/// How long after a minute's end its last counts are collected: a request that read the clock in it has counted by then.
pub(crate) const COLLECT_GRACE_MS: u64 = 1_000;
/// After a collection that reads asked for, the next one rests for so many times what it took,
pub(crate) const COLLECT_RESTS: u64 = 19;
/// but not longer than this.
pub(crate) const COLLECT_REST_US_MAX: u64 = 1_000_000;
/// Samples that wait for the next collection, if the store has no room for them now.
pub(crate) const COLLECT_LEFT_MAX: usize = 100_000;
/// A paging token's bytes. That of ListMetrics names a metric, whose dimensions may be long.
pub(crate) const TOKEN_BYTES_MAX: usize = 128 * 1024;

/// StateReasonData may have 4,000 characters: this much for the values of recent datapoints,
pub(crate) const REASON_DATA_RECENT_BYTES_MAX: usize = 900;
/// and this much for the periods that were evaluated; the rest has room beside them.
pub(crate) const REASON_DATA_EVALUATED_BYTES_MAX: usize = 2_700;
/// An AlarmRule's characters.
pub(crate) const RULE_CHARS_MAX: usize = 10_240;
/// An AlarmRule's children, each counted once.
pub(crate) const RULE_CHILDREN_MAX: usize = 100;
/// An AlarmRule's elements: conditions, constants and parentheses.
pub(crate) const RULE_ELEMENTS_MAX: usize = 500;
/// A Subject's characters, as SNS has it.
pub(crate) const SUBJECT_CHARS_MAX: usize = 100;

/// Alarms in all accounts and regions.
pub(crate) const ALARMS_MAX: usize = 50_000;
/// Bytes of their rows: they are in memory.
pub(crate) const ALARM_BYTES_MAX: usize = 256 << 20;
/// How long items of a history are kept: two weeks.
pub(crate) const HISTORY_LIFE_MS: u64 = 14 * 24 * 3_600_000;
/// Items of all histories.
pub(crate) const HISTORY_ITEMS_MAX: usize = 100_000;
/// Their bytes, in the catalog.
pub(crate) const HISTORY_BYTES_MAX: usize = 64 << 20;
/// Items of one alarm that outlive the next pruning.
pub(crate) const HISTORY_ALARM_ITEMS_MAX: usize = 2_000;
/// Between two prunings.
pub(crate) const HISTORY_PRUNE_INTERVAL_MS: u64 = 3_600_000;

/// Slots after a boundary in which the alarms of a round are looked at; with the grace before them all are over within
/// five seconds.
pub(crate) const SLOTS: u64 = 16;
/// Length of one.
pub(crate) const SLOT_MS: u64 = 250;
/// Alarms that are looked at before their changes are made and others have the thread.
pub(crate) const LOOK_BATCH: usize = 64;
/// Changes of states whose actions wait.
pub(crate) const PENDING_MAX: usize = 20_000;
/// Bytes of their messages: they are in memory.
pub(crate) const PENDING_BYTES_MAX: usize = 64 << 20;
/// Changes of states whose actions are done before that is recorded.
pub(crate) const PENDING_BATCH: usize = 64;
/// About how long one tick does actions.
pub(crate) const ACTIONS_TICK_MS: u64 = 500;
/// Between two tries of an action that this server could not do now.
pub(crate) const ACTION_RETRY_MS: u64 = 10_000;
/// Tries of an action: an hour.
pub(crate) const ACTION_TRIES_MAX: u32 = 360;
/// Failures of actions that the log is told of in an hour, each once.
pub(crate) const ACTIONS_TOLD_MAX: usize = 1_000;
/// A composite alarm has a child in so many at most.
pub(crate) const PARENTS_MAX: usize = 150;
/// Alarms that DescribeAlarms shows by default.
pub(crate) const DESCRIBE_ALARMS_DEFAULT: usize = 50;
/// Alarms or items that one page has at most, and items by default.
pub(crate) const PAGE_MAX: usize = 100;
/// Tags of one alarm.
pub(crate) const TAGS_MAX: usize = 50;
/// Metrics that an alarm on metric math watches.
pub(crate) const ALARM_METRICS_MAX: usize = 10;
/// Seconds that an alarm looks back at most, and with periods of an hour or more.
pub(crate) const ALARM_SPAN_S: u64 = 86_400;
/// See [`ALARM_SPAN_S`].
pub(crate) const ALARM_LONG_SPAN_S: u64 = 7 * 86_400;
/// An alarm's row.
pub(crate) const ALARM_BYTES_EACH_MAX: usize = 120 * 1024;
/// Alarms without data that the log tells of when the room opens.
pub(crate) const HINTS_TOLD_MAX: usize = 10;

/// Data in one PutMetricData.
pub(crate) const PUT_DATUMS_MAX: usize = 1_000;
/// Values of one of them.
pub(crate) const PUT_VALUES_MAX: usize = 150;
/// How far a value is from zero at most: 2^360.
pub(crate) const PUT_VALUE_MAX: f64 = f64::from_bits((1023 + 360) << 52);
/// How far back a sample's time may lie,
pub(crate) const PUT_BACK_MS: i64 = 14 * 24 * 3_600_000;
/// and how far ahead.
pub(crate) const PUT_AHEAD_MS: i64 = 2 * 3_600_000;
/// Datapoints of one GetMetricStatistics.
pub(crate) const STATISTICS_POINTS_MAX: u64 = 1_440;
/// How long samples are kept by the second: older ones are there by the minute,
pub(crate) const KEPT_SECONDS_MS: u64 = 3 * 3_600_000;
/// older ones by five minutes,
pub(crate) const KEPT_MINUTES_MS: u64 = 15 * 24 * 3_600_000;
/// and still older ones by the hour.
pub(crate) const KEPT_5_MINUTES_MS: u64 = 63 * 24 * 3_600_000;
/// How long after its last sample a metric is listed,
pub(crate) const LISTED_MS: u64 = 14 * 24 * 3_600_000;
/// and how long it counts as recently active.
pub(crate) const RECENT_MS: u64 = 3 * 3_600_000;
/// Metrics on a page of ListMetrics.
pub(crate) const LIST_METRICS_PAGE: usize = 500;
/// Metrics of this server whose sums since the start are kept.
pub(crate) const TOTALS_MAX: usize = 50_000;
/// How long such a metric may be silent before it is forgotten.
pub(crate) const TOTALS_IDLE_MS: u64 = 24 * 3_600_000;
/// Between two looks at what became of deliveries, while there are some.
pub(crate) const DELIVERIES_INTERVAL_MS: u64 = 5_000;
