//! The metrics of streams, shards and consumers, as sums since the start: AWS's names in Prometheus's manner.
//!
//! A shard is there only while its stream's enhanced monitoring is switched on, so the number of series is what the
//! operator asked for.

use std::{collections::BTreeMap, ops::RangeInclusive};

use nautilus_cloudwatch::{Series, Total};

use super::text::{Kind, Text};

/// How a metric is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Its sum.
    Sum,
    /// How many samples it has: a success is 1, a failure 0.
    Calls,
    /// All of it, milliseconds as seconds.
    Latency,
    /// Its greatest value in this minute and the one before, milliseconds as seconds; silent if these are.
    Age,
}

/// Bounds of latencies, as powers of two, in milliseconds: from an eighth of one to 16 s. The same for all streams.
const LATENCY_POWERS: RangeInclusive<i32> = -3..=14;

type Family<'a> = (Form, Vec<(&'a Series, &'a Total)>);

/// Tells all of them.
pub(crate) fn tell(text: &mut Text, totals: &[(Series, Total)]) {
    let mut families: BTreeMap<String, Family<'_>> = BTreeMap::new();
    for (series, total) in totals {
        for (form, ending) in forms(&series.name) {
            let name = family_name(series, ending);
            families.entry(name).or_insert((form, Vec::new())).1.push((series, total));
        }
    }
    for (name, (form, rows)) in &families {
        let kind = match form {
            Form::Sum | Form::Calls => Kind::Counter,
            Form::Latency => Kind::Histogram,
            Form::Age => Kind::Gauge,
        };
        let metric = rows.first().map_or("", |(series, _)| &*series.name);
        let help = match form {
            Form::Sum => format!("Sum of {metric} of AWS/Kinesis."),
            Form::Calls => format!("Samples of {metric} of AWS/Kinesis: calls that ended."),
            Form::Latency => format!("{metric} of AWS/Kinesis."),
            Form::Age => format!("Maximum of {metric} of AWS/Kinesis in the last minutes."),
        };
        text.family(name, kind, &help);
        for (series, total) in rows {
            row(text, name, *form, series, total);
        }
    }
}

fn row(text: &mut Text, name: &str, form: Form, series: &Series, total: &Total) {
    let mut labels: Vec<(&str, &str)> =
        vec![("account", &series.account), ("region", &series.region)];
    for dimension in &series.dimensions {
        labels.push((label(&dimension.name), &dimension.value));
    }
    match form {
        Form::Sum => text.sample(name, &labels, total.sum),
        Form::Calls => text.sample(name, &labels, total.count),
        Form::Age => total.recent_max.into_iter().for_each(|ms| {
            text.sample(name, &labels, ms / 1000.0);
        }),
        Form::Latency => {
            let up_to = LATENCY_POWERS.map(|power| {
                let ms = f64::powi(2.0, power);
                (ms / 1000.0, at_or_below(total, ms))
            });
            text.histogram(name, &labels, up_to, (total.sum / 1000.0, total.count));
        }
    }
}

/// How many samples are at or below a bound.
fn at_or_below(total: &Total, bound: f64) -> f64 {
    let known = total.up_to.iter().rev().find(|(known, _)| *known <= bound);
    known.map_or(0.0, |&(_, count)| count)
}

/// How a metric is told, and what stands at the end of its name then. In none if another one says the same.
fn forms(metric: &str) -> Vec<(Form, &'static str)> {
    match metric.rsplit('.').next().unwrap_or(metric) {
        "Latency" => vec![(Form::Latency, "_seconds")],
        "IteratorAgeMilliseconds" | "MillisBehindLatest" => vec![(Form::Age, "_seconds")],
        "Success" => vec![(Form::Sum, "_total"), (Form::Calls, "_calls_total")],
        "Records" if metric == "PutRecords.Records" => Vec::new(),
        _ => vec![(Form::Sum, "_total")],
    }
}

/// `nautilus_kinesis_put_record_latency_seconds`.
fn family_name(series: &Series, ending: &str) -> String {
    let of = series.dimensions.iter().find_map(|dimension| match &*dimension.name {
        "ShardId" => Some("shard_"),
        "ConsumerName" => Some("consumer_"),
        _ => None,
    });
    let mut name = format!("nautilus_kinesis_{}", of.unwrap_or(""));
    let metric = match ending {
        "_calls_total" => series.name.trim_end_matches(".Success"),
        _ => series.name.trim_end_matches("Milliseconds"),
    };
    // Units and sums stand at the end.
    snake(&mut name, &metric.replace("MillisBehind", "Behind").replace("TotalRecords", "Records"));
    name + ending
}

/// `GetRecords.IteratorAge` as `get_records_iterator_age`.
fn snake(out: &mut String, name: &str) {
    for (at, c) in name.char_indices().filter(|(_, c)| *c != '.') {
        if c.is_ascii_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
}

fn label(dimension: &str) -> &str {
    match dimension {
        "StreamName" => "stream",
        "ShardId" => "shard",
        "ConsumerName" => "consumer",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use nautilus_cloudwatch::Dimension;

    use super::*;

    fn check(metric: &str, dimensions: &[(&str, &str)], expected: &[&str]) {
        let dimension = |(name, value): &(&str, &str)| Dimension {
            name: (*name).into(),
            value: (*value).into(),
        };
        let series = Series {
            account: "000000000000".into(),
            region: "us-east-1".into(),
            namespace: "AWS/Kinesis".into(),
            name: metric.into(),
            dimensions: dimensions.iter().map(dimension).collect(),
            unit: Default::default(),
        };
        let up_to = vec![(2.0, 1.0), (4.0, 3.0)];
        let total = Total { count: 3.0, sum: 7.0, recent_max: Some(3500.0), up_to };
        let mut text = Text::default();
        tell(&mut text, &[(series, total)]);
        let page = text.finish();
        let lines: Vec<_> = page.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn names_labels_and_units_are_prometheuss() {
        const OF: &str = "account=\"000000000000\",region=\"us-east-1\",stream=\"s\"";
        let stream = ("StreamName", "s");
        let line = |name: &str, more: &str, value: &str| format!("{name}{{{OF}{more}}} {value}");
        let check = |metric: &str, dimensions: &[_], lines: &[String]| {
            check(metric, dimensions, &lines.iter().map(String::as_str).collect::<Vec<_>>());
        };
        check(
            "IncomingBytes",
            &[stream],
            &[line("nautilus_kinesis_incoming_bytes_total", "", "7")],
        );
        check(
            "PutRecords.ThrottledRecords",
            &[stream],
            &[line("nautilus_kinesis_put_records_throttled_records_total", "", "7")],
        );
        check(
            "PutRecords.TotalRecords",
            &[stream],
            &[line("nautilus_kinesis_put_records_records_total", "", "7")],
        );
        check(
            "GetRecords.Success",
            &[stream],
            &[
                line("nautilus_kinesis_get_records_calls_total", "", "3"),
                line("nautilus_kinesis_get_records_success_total", "", "7"),
            ],
        );
        check(
            "IteratorAgeMilliseconds",
            &[("ShardId", "shardId-000000000000"), stream],
            &["nautilus_kinesis_shard_iterator_age_seconds{account=\"000000000000\",\
               region=\"us-east-1\",shard=\"shardId-000000000000\",stream=\"s\"} 3.5"
                .to_owned()],
        );
        check(
            "SubscribeToShardEvent.MillisBehindLatest",
            &[stream],
            &[line("nautilus_kinesis_subscribe_to_shard_event_behind_latest_seconds", "", "3.5")],
        );
        let latency = "nautilus_kinesis_put_record_latency_seconds";
        let bucket = |bound: &str, count: &str| {
            line(&format!("{latency}_bucket"), &format!(",le=\"{bound}\""), count)
        };
        let below = ["0.000125", "0.00025", "0.0005", "0.001"].map(|bound| bucket(bound, "0"));
        let above = ["0.008", "0.016", "0.032", "0.064", "0.128", "0.256", "0.512", "1.024"];
        let above = above.into_iter().chain(["2.048", "4.096", "8.192", "16.384", "+Inf"]);
        let mut lines = below.to_vec();
        lines.extend([bucket("0.002", "1"), bucket("0.004", "3")]);
        lines.extend(above.map(|bound| bucket(bound, "3")));
        lines.push(line(&format!("{latency}_sum"), "", "0.007"));
        lines.push(line(&format!("{latency}_count"), "", "3"));
        check("PutRecord.Latency", &[stream], &lines);
        check("PutRecords.Records", &[stream], &[]);
    }
}
