//! How much does the journal add to the disk? Appends per second at several numbers of writers, synced and left to the
//! operating system, beside the floor: the same bytes written to an overwritten file with one `fdatasync` for each
//! group that so many writers can make.
//!
//!     cargo bench -p nautilus-log --bench append [-- --smoke]

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::{
    io::IoSlice,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use common::{Home, wait};
use nautilus_log::{Disk, Durability, FrameBuilder, Open, RealDisk, ShardLogId};

fn main() {
    let smoke = std::env::args().any(|argument| argument == "--smoke");
    let span = Duration::from_millis(if smoke { 50 } else { 3000 });
    let head = ["appends/s", "journal", "disk alone", "share", "`os`"];
    println!("{:<34} {:>12} {:>12} {:>7} {:>12}", head[0], head[1], head[2], head[3], head[4]);
    for (name, writers, records) in [
        ("1 record of 1 KiB, 1 writer", 1, 1),
        ("1 record of 1 KiB, 16 writers", 16, 1),
        ("1 record of 1 KiB, 64 writers", 64, 1),
        ("500 records of 1 KiB, 4 writers", 4, 500),
        ("500 records of 1 KiB, 16 writers", 16, 500),
    ] {
        let journal = appends_per_second(Durability::Fsync, writers, records, span);
        let floor = disk_alone(writers, records, span);
        let unsynced = appends_per_second(Durability::Os, writers, records, span);
        let share = journal / floor;
        println!("{name:<34} {journal:>12.0} {floor:>12.0} {share:>7.2} {unsynced:>12.0}");
    }
}

fn appends_per_second(
    durability: Durability,
    writers: usize,
    records: usize,
    span: Duration,
) -> f64 {
    let mut home = Home::new();
    home.durability = durability;
    home.segment_bytes = 256 << 20;
    home.tail_bytes_max = 64 << 20;
    let (journal, _) = home.open(&[1, 2, 3, 4]);
    let done = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let (journal, done) = (journal.clone(), done.clone());
            scope.spawn(move || {
                let data = vec![writer as u8; 1024];
                while start.elapsed() < span {
                    let shard = ShardLogId(1 + writer as u64 % 4);
                    let mut frame = FrameBuilder::new(shard, records * 1040);
                    for _ in 0..records {
                        let copy = |out: &mut [u8]| {
                            out.copy_from_slice(&data);
                            Ok::<_, ()>(())
                        };
                        frame.push(b"a key", None, data.len(), copy).unwrap();
                    }
                    wait(journal.append([frame.finish()].into_iter().collect()));
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let rate = done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
    journal.stop();
    rate
}

fn disk_alone(writers: usize, records: usize, span: Duration) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let disk = RealDisk::new(directory.path()).unwrap();
    let file = disk.open("floor", Open::New).unwrap();
    let ahead = vec![0; 64 << 20];
    file.write_at(&mut [IoSlice::new(&ahead)], 0).unwrap();
    file.sync().unwrap();
    let one = vec![7; 64 + records * 1040];
    let in_group = writers.min((8 << 20) / one.len());
    let (mut done, mut offset) = (0, 0);
    let start = Instant::now();
    while start.elapsed() < span {
        let mut slices: Vec<_> = (0..in_group).map(|_| IoSlice::new(&one)).collect();
        file.write_at(&mut slices, offset).unwrap();
        file.sync().unwrap();
        offset = (offset + (in_group * one.len()) as u64) % (48 << 20);
        done += in_group;
    }
    done as f64 / start.elapsed().as_secs_f64()
}
