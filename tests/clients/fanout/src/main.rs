//! A thousand subscriptions at once: what they cost while nothing happens, and how soon each record is there.
//!
//! One stream, each consumer subscribed to each of its shards. First nothing is written for a while: the server's
//! processor time and voluntary context switches, all its threads together, are those of heartbeats. Then one record
//! after another is put at a light rate; it must reach every consumer once and in order, and the time from its
//! acknowledgement to its arrival is what is shown (0 if it arrives first: it is told as soon as it is durable, and so
//! is its writer). At last one subscription reads a full shard from its horizon.
//!
//! The client has one thread: it shares the machine with the server.

#![allow(clippy::disallowed_methods, reason = "a client of the outside has the outside's clock")]
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

mod client;
mod events;
mod process;

use std::{
    collections::HashMap,
    env,
    process::ExitCode,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use client::{Client, Error, Version};
use events::{Arrival, Subscriber};
use process::Usage;

const STREAM: &str = "fanout";
const LIGHT_INTERVAL: Duration = Duration::from_millis(5);
/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);
const CATCH_UP_CALLS: usize = 200;
const CATCH_UP_RECORDS: usize = 500;
const CATCH_UP_BYTES: usize = 1000;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("fanout: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is measured, and how much of it.
struct Plan {
    port: u16,
    pid: u32,
    shards: usize,
    consumers: usize,
    idle: Duration,
    light: Duration,
    version: Version,
}

async fn run() -> Result<(), Error> {
    let number = |name: &str, default: u32| number_after(name).map(|it| it.unwrap_or(default));
    let plan = Plan {
        port: u16::try_from(number("--port", 0)?)?,
        pid: number("--pid", 0)?,
        shards: number("--shards", 100)? as usize,
        consumers: number("--consumers", 10)? as usize,
        idle: Duration::from_secs(number("--idle-seconds", 20)?.into()),
        light: Duration::from_secs(number("--light-seconds", 15)?.into()),
        version: if number("--http", 2)? == 1 { Version::Http1 } else { Version::Http2 },
    };
    let mut client = Client::connect(plan.port, Version::Http1).await?;
    let arns = client.make_stream(STREAM, plan.shards, plan.consumers).await?;
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let subscribed = subscribe_all(&plan, &arns, &arrived).await?;
    while arrivals.try_recv().is_ok() {}

    idle(&plan, subscribed, &mut arrivals).await?;
    light(&plan, &mut client, &mut arrivals).await?;
    catch_up(&plan, &mut client).await
}

/// All consumers to all shards; how many subscriptions that is.
async fn subscribe_all(
    plan: &Plan,
    arns: &[String],
    arrived: &mpsc::UnboundedSender<Arrival>,
) -> Result<usize, Error> {
    let began = Instant::now();
    let per_connection = if plan.version == Version::Http1 { 1 } else { 100 };
    let (mut client, mut on_it, mut count) = (None, 0, 0);
    for (consumer, arn) in arns.iter().enumerate() {
        for shard in 0..plan.shards {
            if on_it == per_connection {
                (client, on_it) = (None, 0);
            }
            let client = match &mut client {
                Some(client) => client,
                none => none.insert(Client::connect(plan.port, plan.version).await?),
            };
            let subscriber = Subscriber::begin(client, arn, shard, "LATEST").await?;
            let (arrived, index) = (arrived.clone(), (consumer, shard));
            tokio::spawn(async move { subscriber.listen(index, arrived).await });
            (on_it, count) = (on_it + 1, count + 1);
        }
    }
    println!(
        "  fanout: {count} subscriptions to {} shards over {:?}, made in {:.1} s",
        plan.shards,
        plan.version,
        began.elapsed().as_secs_f64()
    );
    Ok(count)
}

/// Nothing is written: heartbeats only.
async fn idle(
    plan: &Plan,
    subscriptions: usize,
    arrivals: &mut mpsc::UnboundedReceiver<Arrival>,
) -> Result<(), Error> {
    sleep(Duration::from_secs(5)).await; // what the beginning cost is not of interest
    while arrivals.try_recv().is_ok() {}
    let (before, began) = (Usage::of(plan.pid)?, Instant::now());
    sleep(plan.idle).await;
    let used = Usage::of(plan.pid)?.since(&before);
    let seconds = began.elapsed().as_secs_f64();
    let mut heartbeats = 0;
    while let Ok(arrival) = arrivals.try_recv() {
        match arrival {
            Arrival::Heartbeat => heartbeats += 1,
            other => return Err(format!("{other:?} while nothing was written").into()),
        }
    }
    println!(
        "  fanout: idle: {:.2} % of a processor, {:.0} voluntary context switches a second, {:.0} \
         heartbeats a second, {} MiB resident",
        used.cpu_seconds / seconds * 100.0,
        used.voluntary_switches as f64 / seconds,
        f64::from(heartbeats) / seconds,
        used.resident_kib / 1024
    );
    let wanted = subscriptions * (seconds / 5.5) as usize;
    if (heartbeats as usize) < wanted {
        return Err(format!("{heartbeats} heartbeats in {seconds:.0} s").into());
    }
    Ok(())
}

/// One record after another, each to one shard: every consumer of it gets it once, in order.
async fn light(
    plan: &Plan,
    client: &mut Client,
    arrivals: &mut mpsc::UnboundedReceiver<Arrival>,
) -> Result<(), Error> {
    let (mut sent, mut acknowledged) = (Vec::new(), Vec::new());
    let mut ticks = interval(LIGHT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (before, began) = (Usage::of(plan.pid)?, Instant::now());
    while began.elapsed() < plan.light {
        ticks.tick().await;
        let number = sent.len();
        sent.push(Instant::now());
        client.put(STREAM, plan.shards, number).await?;
        acknowledged.push(Instant::now());
    }
    let used = Usage::of(plan.pid)?.since(&before);
    let seconds = began.elapsed().as_secs_f64();

    let wanted = sent.len() * plan.consumers;
    let (mut after_ack, mut after_send) = (Vec::with_capacity(wanted), Vec::with_capacity(wanted));
    let mut last: HashMap<(usize, usize), usize> = HashMap::new();
    while after_ack.len() < wanted {
        let arrival = timeout(PATIENCE, arrivals.recv()).await;
        let arrival = arrival.map_err(|_| format!("{} of {wanted} arrived", after_ack.len()))?;
        let (index, number, at) = match arrival.ok_or("nobody listens any more")? {
            Arrival::Heartbeat => continue,
            Arrival::Record { index, number, at } => (index, number, at),
            Arrival::Ended { index, why } => return Err(format!("{index:?}: {why}").into()),
        };
        if last.insert(index, number).is_some_and(|before| before >= number) {
            return Err(format!("{index:?} got {number} again, or too late").into());
        }
        after_ack.push(at.saturating_duration_since(acknowledged[number]));
        after_send.push(at.saturating_duration_since(sent[number]));
    }
    println!(
        "  fanout: light load: {:.0} records a second, {:.0} deliveries a second, {:.1} % of a \
         processor, {:.0} voluntary context switches a second",
        sent.len() as f64 / seconds,
        wanted as f64 / seconds,
        used.cpu_seconds / seconds * 100.0,
        used.voluntary_switches as f64 / seconds
    );
    let p50 = told("after the acknowledgement", &mut after_ack);
    told("after sending", &mut after_send);
    match p50 <= Duration::from_millis(100) {
        true => Ok(()),
        false => Err("that is no push".into()),
    }
}

fn told(what: &str, times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let ms = |share| at(share).as_secs_f64() * 1000.0;
    println!(
        "  fanout: delivery {what}: p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, longest {:.2} ms",
        ms(0.5),
        ms(0.99),
        ms(0.999),
        ms(1.0)
    );
    at(0.5)
}

/// A shard that is full is read by one subscription from its horizon.
async fn catch_up(plan: &Plan, client: &mut Client) -> Result<(), Error> {
    let arn = client.make_stream("catch-up", 1, 1).await?.remove(0);
    let data = base64_simd::STANDARD.encode_to_string(vec![b'x'; CATCH_UP_BYTES]);
    let record = json!({ "PartitionKey": "k", "Data": data });
    let body = json!({ "StreamName": "catch-up", "Records": vec![record; CATCH_UP_RECORDS] });
    let body = body.to_string();
    for _ in 0..CATCH_UP_CALLS {
        client.call("PutRecords", body.clone()).await?;
    }
    let mut reader = Client::connect(plan.port, plan.version).await?;
    let (before, began) = (Usage::of(plan.pid)?, Instant::now());
    let mut subscriber = Subscriber::begin(&mut reader, &arn, 0, "TRIM_HORIZON").await?;
    let (mut records, mut messages) = (0, 0);
    while records < CATCH_UP_CALLS * CATCH_UP_RECORDS {
        let message = timeout(PATIENCE, subscriber.next()).await.map_err(|_| "it stands still")?;
        records += events::count(&message?.ok_or("it ended")?);
        messages += 1;
    }
    let seconds = began.elapsed().as_secs_f64();
    let used = Usage::of(plan.pid)?.since(&before);
    println!(
        "  fanout: catching up: {records} records of {CATCH_UP_BYTES} bytes in {messages} messages, {:.0} MB/s, \
         {:.1} ms of a processor for 1000 records",
        (records * CATCH_UP_BYTES) as f64 / seconds / 1e6,
        used.cpu_seconds * 1e6 / records as f64
    );
    Ok(())
}

fn number_after(name: &str) -> Result<Option<u32>, Error> {
    let mut arguments = env::args().skip_while(|argument| argument != name).skip(1);
    Ok(arguments.next().map(|text| text.parse()).transpose()?)
}
