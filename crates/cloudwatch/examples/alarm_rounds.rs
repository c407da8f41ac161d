//! What does it cost to look at many alarms every minute?
//!
//! `cargo run --release -p nautilus-cloudwatch --example alarm_rounds -- [alarms] [rounds]`: so many alarms (10,000), each on
//! a metric of its own that has a sample each minute, are looked at in so many minutes (20) of a clock that stands still in
//! between. Everything runs on this thread, so the time is the processor's. In half of the rounds nothing changes; one
//! round brings every alarm to ALARM, and one back.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use nautilus_cloudwatch::{CloudWatch, Parts};
use nautilus_identity::Identity;
use nautilus_log::{Clock, ManualClock, SeededRng, SystemClock, Threads, testing::MemoryDisk};
use nautilus_metrics::{
    Config, Dimension, Distribution, MetricStore, Resolution, Sample, Series, Unit,
};
use nautilus_sns::{Options, Reach, Sns};
use nautilus_store::Store;
use nautilus_wire::{Protocol, json};

const NOW_MS: u64 = 1_795_489_200_000;
const MINUTE_MS: u64 = 60_000;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().expect("a number"));
    let alarms: usize = arguments.next().unwrap_or(10_000);
    let rounds: u64 = arguments.next().unwrap_or(20) as u64;

    let (disk, clock) = (Arc::new(MemoryDisk::default()), Arc::new(ManualClock::new(NOW_MS)));
    let rng = Arc::new(SeededRng::new(1));
    let store = Store::open(&*disk, Threads::Stepped, Box::new(|error| panic!("{error}")))
        .expect("the catalog opens");
    let config = Config { threads: Threads::Stepped, is_durable: true };
    let metrics = MetricStore::open(disk.clone(), clock.clone(), config).expect("the store opens");
    let reach = Reach::new(&[], true).expect("no networks");
    let options = Options { disk, reach, public_url: String::new() };
    let sns = Sns::open(store.clone(), clock.clone(), rng.clone(), options).expect("SNS opens");
    let parts = Parts {
        store,
        metrics: metrics.clone(),
        sns,
        sources: Vec::new(),
        clock: clock.clone(),
        rng,
    };
    let room = CloudWatch::open(parts).expect("the room opens");

    let watch = SystemClock::default();
    let took = |what: &str, work: &mut dyn FnMut()| {
        let began_us = watch.monotonic_us();
        work();
        let us = watch.monotonic_us() - began_us;
        let each = us as f64 / alarms as f64;
        tell(&format!("{what:<32} {:>9.1} ms  {each:>7.2} µs for each alarm", us as f64 / 1000.0));
    };
    took("defined", &mut || (0..alarms).for_each(|n| define(&room, n)));
    took("looked at after a start", &mut || {
        run(room.tick());
    });
    for round in 0..rounds {
        let value = if round == rounds / 2 { 11.0 } else { 1.0 };
        run(metrics.put((0..alarms).map(|n| sample(n, clock.now_ms(), value)).collect()))
            .expect("the store takes them");
        let minute_ms = clock.now_ms() / MINUTE_MS * MINUTE_MS + MINUTE_MS;
        took(&format!("minute {round}, all at {value}"), &mut || {
            for quarter in 4..24 {
                clock.set_ms(minute_ms + quarter * 250);
                run(room.tick());
            }
        });
    }
}

fn define(room: &CloudWatch, n: usize) {
    let input = format!(
        r#"{{"AlarmName":"alarm-{n}","Namespace":"AWS/Kinesis","MetricName":"IncomingBytes","Dimensions":[{{"Name":"StreamName","Value":"stream-{n}"}}],"Statistic":"Sum","Period":60,"EvaluationPeriods":3,"DatapointsToAlarm":1,"Threshold":10,"ComparisonOperator":"GreaterThanThreshold"}}"#
    );
    let input = json::parse(input.as_bytes()).expect("JSON");
    let caller = Identity::dev().operator("AKID", "us-east-1");
    run(room.call(Protocol::Json10, &caller, "PutMetricAlarm", input)).expect("it is defined");
}

fn sample(n: usize, at_ms: u64, value: f64) -> Sample {
    let series = Series {
        account: "000000000000".into(),
        region: "us-east-1".into(),
        namespace: "AWS/Kinesis".into(),
        name: "IncomingBytes".into(),
        dimensions: vec![Dimension {
            name: "StreamName".into(),
            value: format!("stream-{n}").into(),
        }],
        unit: Unit::Bytes,
    };
    let distribution = Distribution::of(value, 1.0);
    Sample { series, at_ms, resolution: Resolution::Minute, distribution }
}

/// Nothing here waits for another thread.
fn run<T>(future: impl Future<Output = T>) -> T {
    let (mut future, mut context) = (pin!(future), Context::from_waker(Waker::noop()));
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

#[allow(clippy::print_stdout)]
fn tell(line: &str) {
    println!("{line}");
}
