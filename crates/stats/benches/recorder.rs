//! What it costs to count a sample, and to ask for a percentile.
//!
//!     cargo bench -p nautilus-stats --bench recorder [-- --smoke]

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::{hint::black_box, time::Instant};

use nautilus_stats::{Recorder, Statistic};

fn main() {
    let smoke = std::env::args().any(|argument| argument == "--smoke");
    let samples: u64 = if smoke { 10_000 } else { 20_000_000 };
    // Samples are from the first number on, spread over as many as the second says.
    let table = [
        ("always 1", 1.0, 1, 1),
        ("always 0", 1.0, 0, 1),
        ("bytes", 1.0, 100, 60_000),
        ("microseconds as ms", 1000.0, 300, 9_000),
    ];
    for (name, scale, first, spread) in table {
        let value = |at: u64| first + at * 7919 % spread;
        for threads in [1, 2] {
            let recorder = Recorder::scaled(scale);
            let begin = Instant::now();
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        (0..samples).for_each(|at| recorder.record(7, black_box(value(at))))
                    });
                }
            });
            let each = begin.elapsed().as_secs_f64() * 1e9 / samples as f64;
            println!("{name:<20} {threads} thread(s) at one recorder: {each:>6.1} ns a sample");
            let taken = recorder.take(7).unwrap();
            if threads == 1 {
                let statistic = Statistic::parse("p99.9").unwrap();
                let begin = Instant::now();
                let asked = (samples / 10_000).max(1);
                for _ in 0..asked {
                    black_box(taken.statistic(&statistic));
                }
                let each = begin.elapsed().as_secs_f64() * 1e9 / asked as f64;
                let bins = taken.bins.as_ref().map_or(0, |bins| bins.counts().len());
                println!("{name:<20} p99.9 of {bins} bins: {each:.0} ns");
            }
        }
    }
}
