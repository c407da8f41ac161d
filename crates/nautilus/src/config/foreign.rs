//! The environment variables of kinesis-mock and LocalStack, for those who come from there.
//!
//! What has a counterpart here is taken, unless our own flag says something; what has none is named with what to use
//! instead. Both is told at the start: nothing of it happens silently.

use nautilus_kinesis::Limit;

use super::{
    ServeArgs,
    limit::OneLimit,
    stream::{self, InitialStream},
};
use crate::cli::failure::{Failure, Problem, USAGE};

/// How long each change of a stream takes there; here one delay holds for all, and the longest is taken.
const DURATIONS: [&str; 10] = [
    "CREATE_STREAM_DURATION",
    "DELETE_STREAM_DURATION",
    "REGISTER_STREAM_CONSUMER_DURATION",
    "START_STREAM_ENCRYPTION_DURATION",
    "STOP_STREAM_ENCRYPTION_DURATION",
    "DEREGISTER_STREAM_CONSUMER_DURATION",
    "MERGE_SHARDS_DURATION",
    "SPLIT_SHARD_DURATION",
    "UPDATE_SHARD_COUNT_DURATION",
    "UPDATE_STREAM_MODE_DURATION",
];
const STREAMS: [&str; 2] = ["INITIALIZE_STREAMS", "KINESIS_INITIALIZE_STREAMS"];
/// Shards of a stream there, unless it is said.
const USUAL_SHARD_COUNT: u32 = 4;
const LIMITS: [(&str, Limit); 4] = [
    ("SHARD_LIMIT", Limit::Shards),
    ("KINESIS_SHARD_LIMIT", Limit::Shards),
    ("ON_DEMAND_STREAM_COUNT_LIMIT", Limit::OnDemandStreams),
    ("KINESIS_ON_DEMAND_STREAM_COUNT_LIMIT", Limit::OnDemandStreams),
];
const LATENCY: &str = "KINESIS_LATENCY";
const ERROR_PROBABILITY: &str = "KINESIS_ERROR_PROBABILITY";

const USE_LISTEN: &str = "use `--listen`";
const USE_DATA_DIR: &str = "use `--data-dir`, or `--durability memory` to keep nothing";
const NO_TLS: &str = "TLS is not served";
const NOTHING_TO_CHOOSE: &str = "there is nothing to choose";
/// What has no counterpart, and what to use instead.
const UNUSED: [(&str, &str); 17] = [
    ("EDGE_PORT", USE_LISTEN),
    ("GATEWAY_LISTEN", USE_LISTEN),
    ("KINESIS_MOCK_CERT_PASSWORD", NO_TLS),
    ("KINESIS_MOCK_CERT_PATH", NO_TLS),
    ("KINESIS_MOCK_INITIAL_HEAP_SIZE", NOTHING_TO_CHOOSE),
    ("KINESIS_MOCK_KEYSTORE_PASSWORD", NO_TLS),
    ("KINESIS_MOCK_LOG_LEVEL", "use `--log`"),
    ("KINESIS_MOCK_MAXIMUM_HEAP_SIZE", NOTHING_TO_CHOOSE),
    ("KINESIS_MOCK_PLAIN_PORT", USE_LISTEN),
    ("KINESIS_MOCK_PROVIDER_ENGINE", NOTHING_TO_CHOOSE),
    ("KINESIS_MOCK_TLS_PORT", NO_TLS),
    ("KINESIS_PROVIDER", NOTHING_TO_CHOOSE),
    ("LOAD_DATA_IF_EXISTS", USE_DATA_DIR),
    ("PERSIST_INTERVAL", "every answered write is kept at once; see `--durability`"),
    ("PERSIST_FILE_NAME", USE_DATA_DIR),
    ("PERSIST_PATH", USE_DATA_DIR),
    ("SHOULD_PERSIST_DATA", USE_DATA_DIR),
];

/// What they come to.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Foreign {
    /// A share of written records that fails, in percent.
    pub error_percentage: Option<f64>,
    /// What is told at the start: a variable, and what became of it.
    pub notes: Vec<(String, String)>,
}

impl Foreign {
    /// Reads them; what our flags leave open is set in `args`. Tells all that is wrong.
    pub(crate) fn read(
        args: &mut ServeArgs,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Foreign, Failure> {
        let get = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        let mut reading = Reading { foreign: Foreign::default(), problems: Vec::new() };
        reading.durations(args, get);
        reading.limits(args, get);
        reading.streams(args, get);
        reading.error_probability(get);
        for (name, instead) in UNUSED {
            if get(name).is_some() {
                // Without the value: it may be a secret.
                let note = (name.to_owned(), format!("is not used: {instead}"));
                reading.foreign.notes.push(note);
            }
        }
        match reading.problems.is_empty() {
            true => Ok(reading.foreign),
            false => Err(Failure::all(USAGE, reading.problems)),
        }
    }
}

struct Reading {
    foreign: Foreign,
    problems: Vec<Problem>,
}

impl Reading {
    fn note(&mut self, name: &str, value: &str, became: String) {
        self.foreign.notes.push((format!("{name}={value}"), became));
    }

    fn wrong(&mut self, name: &str, value: &str, hint: &str) {
        self.problems.push(Problem::new(format!("`{name}={value}` is not understood"), hint));
    }

    fn durations(&mut self, args: &mut ServeArgs, get: impl Fn(&str) -> Option<String>) {
        let mut longest_ms = None;
        for name in DURATIONS.into_iter().chain([LATENCY]) {
            let Some(value) = get(name) else { continue };
            let ms = match name {
                LATENCY => value.parse().ok(),
                _ => scala_duration_ms(&value),
            };
            match ms {
                Some(ms) => longest_ms = longest_ms.max(Some(ms)),
                None => {
                    let hint = "give a time like `500ms`, or use `--transition-delay`";
                    self.wrong(name, &value, hint);
                }
            }
            let became = match args.transition_delay {
                Some(_) => "is not used: `--transition-delay` is given",
                None => "is taken as `--transition-delay`: one for all changes, the longest",
            };
            self.note(name, &value, became.to_owned());
        }
        args.transition_delay = args.transition_delay.or(longest_ms);
    }

    fn limits(&mut self, args: &mut ServeArgs, get: impl Fn(&str) -> Option<String>) {
        let mut taken: Vec<OneLimit> = Vec::new();
        for (name, limit) in LIMITS {
            let Some(value) = get(name) else { continue };
            let number = match value.as_str() {
                "Infinity" => Some(None),
                number => number.parse::<u64>().ok().map(Some),
            };
            let Some(number) = number else {
                let hint =
                    format!("give a number or `Infinity`, or use `--limit {}=N`", limit.name());
                self.wrong(name, &value, &hint);
                continue;
            };
            let shown = number.map_or("off".to_owned(), |number| number.to_string());
            let flag = format!("--limit {}={shown}", limit.name());
            if args.limit.iter().any(|(ours, _)| *ours == limit) {
                self.note(
                    name,
                    &value,
                    format!("is not used: `--limit {}` is given", limit.name()),
                );
                continue;
            }
            taken.push((limit, number));
            self.note(name, &value, format!("is taken as `{flag}`"));
        }
        args.limit.extend(taken);
    }

    fn streams(&mut self, args: &mut ServeArgs, get: impl Fn(&str) -> Option<String>) {
        let region = get("AWS_REGION").or_else(|| get("AWS_DEFAULT_REGION"));
        for name in STREAMS {
            let Some(value) = get(name) else { continue };
            let items = value.split(',').filter(|item| !item.trim().is_empty());
            let streams: Result<Vec<InitialStream>, String> =
                items.map(|item| stream::parse(item, USUAL_SHARD_COUNT)).collect();
            match streams {
                Ok(streams) => args.stream.extend(streams.into_iter().map(|stream| {
                    InitialStream { region: stream.region.or_else(|| region.clone()), ..stream }
                })),
                Err(hint) => self.wrong(name, &value, &hint),
            }
            self.note(name, &value, "is taken as `--stream`".to_owned());
        }
        if !self.foreign.notes.is_empty()
            && let Some(account) = get("AWS_ACCOUNT_ID").filter(|it| it != "000000000000")
        {
            let became =
                "is not used: the account is the client's access key, if that is 12 digits";
            self.note("AWS_ACCOUNT_ID", &account, became.to_owned());
        }
    }

    fn error_probability(&mut self, get: impl Fn(&str) -> Option<String>) {
        let Some(value) = get(ERROR_PROBABILITY) else { return };
        match value.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share)) {
            None => self.wrong(
                ERROR_PROBABILITY,
                &value,
                "give a share from 0.0 to 1.0, or use `/_nautilus/faults`",
            ),
            Some(share) => {
                self.foreign.error_percentage = (share > 0.0).then_some(share * 100.0);
                let became =
                    "is taken as a fault in PutRecord and PutRecords: see /_nautilus/faults";
                self.note(ERROR_PROBABILITY, &value, became.to_owned());
            }
        }
    }
}

/// Parses `500ms`, `5 seconds`, `1 minute`: a number and a unit as Scala has them.
fn scala_duration_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|char: char| !char.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit.trim() {
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::parse;

    fn read(flags: &str, variables: &[(&str, &str)]) -> (ServeArgs, Result<Foreign, String>) {
        let mut args = parse(flags);
        let get = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let read = Foreign::read(&mut args, get).map_err(|failure| failure.to_string());
        (args, read)
    }

    #[test]
    fn what_has_a_counterpart_is_taken() {
        let (args, foreign) = read(
            "--dev",
            &[
                ("INITIALIZE_STREAMS", "one:1,two::us-west-2, three:3"),
                ("CREATE_STREAM_DURATION", "1 second"),
                ("SPLIT_SHARD_DURATION", "200ms"),
                ("SHARD_LIMIT", "7"),
                ("KINESIS_ON_DEMAND_STREAM_COUNT_LIMIT", "Infinity"),
                ("KINESIS_ERROR_PROBABILITY", "0.25"),
                ("AWS_REGION", "eu-west-1"),
            ],
        );
        let foreign = foreign.expect("all of it is understood");
        let streams: Vec<(&str, u32, Option<&str>)> = args
            .stream
            .iter()
            .map(|stream| (&*stream.name, stream.shard_count, stream.region.as_deref()))
            .collect();
        assert_eq!(
            streams,
            [
                ("one", 1, Some("eu-west-1")),
                ("two", 4, Some("us-west-2")),
                ("three", 3, Some("eu-west-1"))
            ]
        );
        assert_eq!(args.transition_delay, Some(1_000));
        assert_eq!(args.limit, [(Limit::Shards, Some(7)), (Limit::OnDemandStreams, None)]);
        assert_eq!(foreign.error_percentage, Some(25.0));
        assert_eq!(foreign.notes.len(), 6, "{:?}", foreign.notes);
    }

    #[test]
    fn our_own_flags_win() {
        let (args, foreign) = read(
            "--dev --transition-delay 0 --limit shards=9",
            &[("KINESIS_LATENCY", "300"), ("KINESIS_SHARD_LIMIT", "7")],
        );
        assert_eq!(args.transition_delay, Some(0));
        assert_eq!(args.limit, [(Limit::Shards, Some(9))]);
        let notes = foreign.expect("understood").notes;
        assert!(notes.iter().all(|(_, became)| became.starts_with("is not used")), "{notes:?}");
    }

    #[test]
    fn what_has_none_is_named_with_what_to_use() {
        let variables: Vec<(&str, &str)> = UNUSED.iter().map(|(name, _)| (*name, "x")).collect();
        let (_, foreign) = read("--dev", &variables);
        let notes = foreign.expect("nothing of it is an error").notes;
        assert_eq!(notes.len(), UNUSED.len());
        assert_eq!(notes[0].0, "EDGE_PORT");
        assert_eq!(notes[0].1, "is not used: use `--listen`");
    }

    #[test]
    fn without_any_nothing_is_told() {
        let (_, foreign) =
            read("--dev", &[("AWS_ACCOUNT_ID", "123456789012"), ("SHARD_LIMIT", "")]);
        assert_eq!(foreign, Ok(Foreign::default()));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let (_, foreign) = read(
            "--dev",
            &[
                ("DELETE_STREAM_DURATION", "soon"),
                ("SHARD_LIMIT", "many"),
                ("KINESIS_INITIALIZE_STREAMS", "a:b"),
                ("KINESIS_ERROR_PROBABILITY", "50"),
            ],
        );
        let told = foreign.expect_err("four mistakes");
        for part in [
            "error: `DELETE_STREAM_DURATION=soon` is not understood",
            "hint: give a number or `Infinity`, or use `--limit shards=N`",
            "hint: expected NAME:SHARDS:REGION, like `orders:4:eu-west-1`, not `a:b`",
            "error: `KINESIS_ERROR_PROBABILITY=50` is not understood",
        ] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
    }

    #[test]
    fn durations_are_scalas() {
        for (text, ms) in
            [("500ms", 500), ("5 seconds", 5_000), ("1 minute", 60_000), ("2s", 2_000)]
        {
            assert_eq!(scala_duration_ms(text), Some(ms), "{text}");
        }
        for wrong in ["", "5", "s", "1 hour", "-1s"] {
            assert_eq!(scala_duration_ms(wrong), None, "{wrong}");
        }
    }
}
