//! A whole room in memory, stepped by the test: its catalog, its metric store, a clock that stands still.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use nautilus_identity::{Caller, Identity};
use nautilus_log::{Clock, ManualClock, SeededRng, Threads, testing::MemoryDisk};
use nautilus_metrics::{Dimension, Distribution, MetricStore, Resolution, Sample, Series, Unit};
use nautilus_sns::{Reach, Sns};
use nautilus_store::Store;
use nautilus_wire::{Number, Output, Protocol, Value, Writer, json};

use crate::{CloudWatch, Parts, Source};

/// When a test begins: a full minute.
pub(crate) const NOW_MS: u64 = 1_795_489_200_000;

/// The caller of most tests.
pub(crate) fn caller() -> Caller {
    Identity::dev().operator("AKID", "us-east-1")
}

pub(crate) struct World {
    pub disk: Arc<MemoryDisk>,
    pub clock: Arc<ManualClock>,
    /// One for all lives: what it gave once does not come again.
    rng: Arc<SeededRng>,
    sources: Vec<Arc<dyn Source>>,
    /// `None` only within a restart.
    room: Option<CloudWatch>,
}

impl World {
    pub(crate) fn new() -> World {
        World::with_sources(Vec::new())
    }

    pub(crate) fn with_sources(sources: Vec<Arc<dyn Source>>) -> World {
        let (disk, clock) = (Arc::new(MemoryDisk::default()), Arc::new(ManualClock::new(NOW_MS)));
        let rng = Arc::new(SeededRng::new(7));
        let room = Some(open(&disk, &clock, &rng, &sources));
        World { disk, clock, rng, sources, room }
    }

    pub(crate) fn room(&self) -> &CloudWatch {
        self.room.as_ref().expect("no restart is going on")
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Time passes, and what is due is done.
    pub(crate) fn advance(&self, ms: u64) {
        self.clock.set_ms(self.now_ms() + ms);
        self.run(self.room().tick());
    }

    /// A sample of a metric with the dimension `D` = `d`, in bytes.
    pub(crate) fn sample(&self, namespace: &str, name: &str, at_ms: u64, value: f64) {
        let series = Series {
            account: "000000000000".into(),
            region: "us-east-1".into(),
            namespace: namespace.into(),
            name: name.into(),
            dimensions: vec![Dimension { name: "D".into(), value: "d".into() }],
            unit: Unit::Bytes,
        };
        let distribution = Distribution::of(value, 1.0);
        let resolution = Resolution::Second;
        let sample = Sample { series, at_ms, resolution, distribution };
        self.run(self.room().inner().metrics.put(vec![sample])).expect("the store takes it");
    }

    /// The state of an alarm, and its reason.
    pub(crate) fn state(&self, name: &str) -> (String, String) {
        let input =
            format!(r#"{{"AlarmNames":["{name}"],"AlarmTypes":["MetricAlarm","CompositeAlarm"]}}"#);
        let answer = self.ok("DescribeAlarms", &input);
        let alarm = match &answer["MetricAlarms"][0] {
            serde_json::Value::Null => &answer["CompositeAlarms"][0],
            alarm => alarm,
        };
        let text = |member: &str| alarm[member].as_str().expect("text").to_owned();
        (text("StateValue"), text("StateReason"))
    }

    /// The summaries of a history, newest first.
    pub(crate) fn history(&self, input: &str) -> Vec<String> {
        let answer = self.ok("DescribeAlarmHistory", input);
        let items = answer["AlarmHistoryItems"].as_array().expect("a list");
        let summary = |item: &serde_json::Value| item["HistorySummary"].as_str().map(str::to_owned);
        items.iter().map(|item| summary(item).expect("text")).collect()
    }

    /// Stops in peace and starts again.
    pub(crate) fn restart(&mut self) {
        if let Some(room) = self.room.take() {
            self.run(room.stop()).expect("the room stops");
            self.run(room.inner().metrics.close()).expect("the store closes");
        }
        self.room = Some(open(&self.disk, &self.clock, &self.rng, &self.sources));
    }

    /// Starts again after an end in the middle of anything.
    pub(crate) fn kill(&mut self) {
        self.room = None;
        self.disk = Arc::new(self.disk.copy());
        self.room = Some(open(&self.disk, &self.clock, &self.rng, &self.sources));
    }

    /// Polls a future to its end: nothing here waits for another thread.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..10_000 {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
        }
        panic!("a future never ended");
    }

    /// The answer's body, or `<code>: <message>`.
    pub(crate) fn call_as(&self, caller: &Caller, operation: &str, input: &str) -> String {
        let value = match json::parse(input.as_bytes()) {
            Ok(value) => value,
            Err(error) => panic!("the test's input {input} is {error}"),
        };
        match self.run(self.room().call(Protocol::Json, caller, operation, value)) {
            Ok(answer) => String::from_utf8(answer.body.to_vec()).expect("bodies are UTF-8"),
            Err(error) => error.to_string(),
        }
    }

    /// The bodies of the three protocols' answers, or what is wrong: JSON, RPC v2 CBOR read back into JSON, and XML. The
    /// input is JSON, whose times are members named so, and the same as a form.
    pub(crate) fn in_all_protocols(&self, operation: &str, input: &str, form: &str) -> [String; 3] {
        let json: serde_json::Value = serde_json::from_str(input).expect("the input is JSON");
        let cbor = nautilus_wire::cbor::append_rpc(Vec::new(), &Spoken::Json(&json));
        let bodies = [
            (Protocol::Json10, input.as_bytes()),
            (Protocol::RpcCbor, &cbor),
            (Protocol::Query, form.as_bytes()),
        ];
        bodies.map(|(protocol, body)| {
            let value = protocol.parse(body).expect("the input can be read");
            let called = self.run(self.room().call(protocol, &caller(), operation, value));
            let body = match called {
                Ok(answer) => answer.body.to_vec(),
                Err(error) => return error.to_string(),
            };
            let body = match protocol {
                Protocol::RpcCbor if !body.is_empty() => {
                    let value = protocol.parse(&body).expect("CBOR");
                    json::to_vec(&Spoken::Value(&value))
                }
                _ => body,
            };
            String::from_utf8(body).expect("bodies are UTF-8")
        })
    }

    pub(crate) fn check(&self, operation: &str, input: &str, expected: &str) {
        let answer = self.call_as(&caller(), operation, input);
        assert_eq!(answer, expected, "{operation} {input:.300}");
    }

    pub(crate) fn error(&self, operation: &str, input: &str) -> String {
        let answer = self.call_as(&caller(), operation, input);
        assert!(
            !answer.is_empty() && !answer.starts_with('{'),
            "{operation} {input:.300}: {answer}"
        );
        answer
    }

    pub(crate) fn ok(&self, operation: &str, input: &str) -> serde_json::Value {
        let answer = self.call_as(&caller(), operation, input);
        match serde_json::from_str(&answer) {
            Ok(value) => value,
            Err(_) => panic!("{operation} {input:.300}: {answer}"),
        }
    }
}

fn open(
    disk: &Arc<MemoryDisk>,
    clock: &Arc<ManualClock>,
    rng: &Arc<SeededRng>,
    sources: &[Arc<dyn Source>],
) -> CloudWatch {
    let fatal = |error: &dyn std::fmt::Display| panic!("{error}");
    let store = Store::open(&**disk, Threads::Stepped, Box::new(move |error| fatal(error)))
        .expect("the catalog opens");
    let config = nautilus_metrics::Config { threads: Threads::Stepped, is_durable: true };
    let metrics = MetricStore::open(disk.clone(), clock.clone(), config).expect("the store opens");
    let options = nautilus_sns::Options {
        disk: disk.clone(),
        reach: Reach::new(&[], true).expect("no networks"),
        public_url: "http://127.0.0.1:4567".to_owned(),
    };
    let sns = Sns::open(store.clone(), clock.clone(), rng.clone(), options).expect("SNS opens");
    let sources = sources.to_vec();
    CloudWatch::open(Parts { store, metrics, sns, sources, clock: clock.clone(), rng: rng.clone() })
        .expect("the room opens")
}

/// A value as an output.
enum Spoken<'a> {
    Json(&'a serde_json::Value),
    Value(&'a Value<'a>),
}

impl Output for Spoken<'_> {
    fn write<W: Writer>(&self, w: &mut W) {
        match self {
            Spoken::Json(serde_json::Value::Object(members)) => w.map(|w| {
                for (name, value) in members {
                    match value.as_f64().filter(|_| name.contains("Time")) {
                        Some(seconds) => w.field_timestamp_ms(name, (seconds * 1000.0) as u64),
                        None => w.field(name, &Spoken::Json(value)),
                    }
                }
            }),
            Spoken::Json(serde_json::Value::Array(items)) => {
                w.list(items, |w, item| Spoken::Json(item).write(w));
            }
            Spoken::Json(serde_json::Value::Number(number)) => match number.as_i64() {
                Some(number) => w.i64(number),
                None => w.f64(number.as_f64().expect("a number")),
            },
            Spoken::Json(serde_json::Value::String(text)) => w.str(text),
            Spoken::Json(serde_json::Value::Bool(value)) => w.bool(*value),
            Spoken::Json(serde_json::Value::Null) => panic!("left out instead"),
            Spoken::Value(Value::Map(members)) => w.map(|w| {
                for (name, value) in members {
                    w.field(name, &Spoken::Value(value));
                }
            }),
            Spoken::Value(Value::List(items)) => {
                w.list(items, |w, item| Spoken::Value(item).write(w));
            }
            Spoken::Value(Value::Number(Number::Integer(number))) => w.i64(*number),
            Spoken::Value(Value::Number(Number::Float(number))) => w.f64(*number),
            Spoken::Value(Value::Str(text)) => w.str(text),
            Spoken::Value(Value::Bool(value)) => w.bool(*value),
            Spoken::Value(Value::Bytes(_) | Value::Null) => panic!("no operation here says this"),
        }
    }
}
