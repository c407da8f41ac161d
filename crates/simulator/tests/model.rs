//! Seeds against the model: every acknowledged record once, in order, over crashes, deletes and clock steps.
//!
//! `NAUTILUS_SEEDS=1000..9000 cargo test -p nautilus-simulator --test model` runs others.

use std::{io::Write, ops::Range};

use nautilus_simulator::{run_seed, run_seeds};

const SEEDS: Range<u64> = 0..260;
const STEPS: u64 = 500;

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("NAUTILUS_SEEDS") else { return SEEDS };
    let (from, to) = text.split_once("..").expect("NAUTILUS_SEEDS is like 0..200");
    from.parse().expect("a number")..to.parse().expect("a number")
}

#[test]
fn every_seed_keeps_every_promise() {
    match run_seeds(seeds(), STEPS, None) {
        Ok(counts) => {
            // Past the capture of tests: what was tried is worth a look also when all is well.
            write!(std::io::stderr(), "\n{counts}\n").expect("stderr takes text");
            if let Err(zeros) = counts.check_no_zeros() {
                panic!("{zeros}");
            }
        }
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    for seed in 0..3 {
        let story = || run_seed(seed, 200, None).map(|(_, story)| story).map_err(|f| f.to_string());
        assert_eq!(story(), story(), "seed {seed}");
    }
}
