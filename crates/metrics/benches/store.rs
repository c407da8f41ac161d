//! What metrics cost: bytes of disk for each point, memory for each registered series, time of puts and reads.
//!
//!     cargo bench -p nautilus-metrics --bench store [-- --smoke]
//!
//! The mix is that of busy streams: of 20 metrics, 17 have a few distinct values (counts, sizes, zeros) and 3 are spreads
//! of hundreds of samples (latencies, ages).

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::{sync::Arc, time::Instant};

use common::{Traffic, stored_bytes, wait};
use nautilus_log::{ManualClock, RealDisk, Threads};
use nautilus_metrics::{Config, MetricStore};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--opened") {
        return opened(std::path::Path::new(&arguments[at + 1]));
    }
    let smoke = arguments.iter().any(|argument| argument == "--smoke");
    time(if smoke { 50 } else { 500 });
    memory(if smoke { 10_000 } else { 100_000 });
    disk(if smoke { 2 } else { 25 }, if smoke { 1 } else { 3 });
}

fn store(home: &tempfile::TempDir) -> (Arc<ManualClock>, MetricStore) {
    let clock = Arc::new(ManualClock::new(common::START_MS));
    let config = Config { threads: Threads::Stepped, is_durable: true };
    let disk = Arc::new(RealDisk::new(home.path()).unwrap());
    (clock.clone(), MetricStore::open(disk, clock, config).unwrap())
}

/// Days of minutes of so many streams, at a time as fast as it goes.
fn disk(streams: usize, days: u64) {
    let home = tempfile::tempdir().unwrap();
    let (clock, store) = store(&home);
    let mut traffic = Traffic::new(streams);
    let (mut now_ms, mut points, mut spent) = (common::START_MS, 0, 0f64);
    for _ in 0..days * 1440 {
        let samples = traffic.minute(now_ms);
        points += samples.len();
        let begin = Instant::now();
        wait(store.put(samples)).unwrap();
        spent += begin.elapsed().as_secs_f64();
        now_ms += 60_000;
        clock.set_ms(now_ms);
    }
    // All of it becomes blocks.
    for _ in 0..4 {
        now_ms += 3_600_000;
        clock.set_ms(now_ms);
        store.tick();
    }
    let bytes = stored_bytes(home.path());
    let per_point = bytes as f64 / points as f64;
    let whole_gb = per_point * 10_000.0 * 15.0 * 1440.0 / 1e9;
    println!(
        "disk: {points} points in {bytes} bytes: {per_point:.1} a point; 10,000 series for 15 days: {whole_gb:.2} GB"
    );
    println!("      put, synced, kept and merged: {:.2} µs a point", spent * 1e6 / points as f64);
}

/// Registered series, each with one old sample.
fn memory(series: usize) {
    let home = tempfile::tempdir().unwrap();
    let (clock, store) = store(&home);
    let mut traffic = Traffic::new(series / 20);
    let begin = Instant::now();
    for samples in traffic.minute(common::START_MS).chunks(1000) {
        wait(store.put(samples.to_vec())).unwrap();
    }
    let registered = begin.elapsed();
    drop(traffic);
    for hour in 1..8 {
        clock.set_ms(common::START_MS + hour * 3_600_000);
        store.tick();
    }
    println!("memory: registered in {:.1} µs each", registered.as_secs_f64() * 1e6 / series as f64);
    wait(store.close()).unwrap();
    // In a process of its own: here the allocator keeps what the puts took.
    let myself = std::env::current_exe().unwrap();
    std::process::Command::new(myself).arg("--opened").arg(home.path()).status().unwrap();
}

fn opened(home: &std::path::Path) {
    let clock = Arc::new(ManualClock::new(common::START_MS + 8 * 3_600_000));
    let disk = Arc::new(RealDisk::new(home).unwrap());
    let config = Config { threads: Threads::Stepped, is_durable: true };
    let before = common::resident_bytes();
    let begin = Instant::now();
    let store = MetricStore::open(disk, clock, config).unwrap();
    let opened = begin.elapsed().as_secs_f64();
    let bytes = common::resident_bytes() - before;
    let series = store.list("123456789012", "eu-central-1", None, usize::MAX, |_| true);
    let series = wait(series).len();
    println!(
        "      {series} registered series: {:.1} MB, {} bytes each; opened in {:.0} ms",
        bytes as f64 / 1e6,
        bytes / series,
        opened * 1e3
    );
}

/// Puts of a minute of all, and what alarms read: the last minutes of each.
fn time(streams: usize) {
    let home = tempfile::tempdir().unwrap();
    let (clock, store) = store(&home);
    let mut traffic = Traffic::new(streams);
    let mut now_ms = common::START_MS;
    let mut worst = 0f64;
    let mut spent = 0f64;
    const MINUTES: usize = 130;
    for _ in 0..MINUTES {
        let samples = traffic.minute(now_ms);
        let begin = Instant::now();
        wait(store.put(samples)).unwrap();
        let put = begin.elapsed().as_secs_f64();
        (worst, spent) = (worst.max(put), spent + put);
        now_ms += 60_000;
        clock.set_ms(now_ms);
    }
    let series = streams * 20;
    println!(
        "time: {series} series: a minute's put {:.1} ms, {:.2} µs a sample; with a block {:.0} ms",
        spent * 1e3 / MINUTES as f64,
        spent * 1e6 / (MINUTES * series) as f64,
        worst * 1e3
    );
    println!("      the process has {:.1} MB", common::resident_bytes() as f64 / 1e6);
    for (name, minutes) in [("5 minutes", 5), ("30 minutes", 30), ("2 hours", 120)] {
        let begin = Instant::now();
        let mut found = 0;
        for metric in traffic.series() {
            let (id, _) = store.find(metric)[0];
            found += wait(store.read(id, now_ms - minutes * 60_000, now_ms, 60)).unwrap().len();
        }
        let each = begin.elapsed().as_secs_f64() * 1e6 / series as f64;
        println!("      read {name} of each: {each:.1} µs, {} points", found / series);
    }
}
