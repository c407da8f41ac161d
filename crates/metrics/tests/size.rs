//! 10,000 busy series fit into 5 GB for the 15 days that AWS keeps minutes: 23 bytes a point, all files together.

#![allow(clippy::unwrap_used)] // a test that fails here has failed

mod common;

use std::sync::Arc;

use common::{START_MS, Traffic, wait};
use nautilus_log::{Disk, ManualClock, MemoryDisk, Open, Threads};
use nautilus_metrics::{Config, MetricStore};

const MINUTE_MS: u64 = 60_000;

#[test]
fn a_busy_day_takes_less_than_23_bytes_a_point() {
    let disk = Arc::new(MemoryDisk::default());
    let clock = Arc::new(ManualClock::new(START_MS));
    let config = Config { threads: Threads::Stepped, is_durable: true };
    let store = MetricStore::open(disk.clone(), clock.clone(), config).unwrap();
    let mut traffic = Traffic::new(2);
    let (mut points, mut most) = (0, 0);
    for minute in 0..1440 + 4 * 60 {
        clock.set_ms(START_MS + minute * MINUTE_MS);
        if minute < 1440 {
            let samples = traffic.minute(START_MS + minute * MINUTE_MS);
            points += samples.len() as u64;
            wait(store.put(samples)).unwrap();
        } else {
            store.tick();
        }
        let len = |path: &String| disk.open(path, Open::Existing).and_then(|file| file.len());
        most = disk.paths().iter().map(|path| len(path).unwrap()).sum();
    }
    let bytes: u64 = most;
    assert!(bytes <= 23 * points, "{points} points take {bytes} bytes: {} each", bytes / points);
    // And it is all there.
    for metric in traffic.series() {
        let (id, _) = store.find(metric)[0];
        let day = wait(store.read(id, START_MS, START_MS + 1440 * MINUTE_MS, 60)).unwrap();
        assert_eq!(day.len(), 1440);
    }
}
