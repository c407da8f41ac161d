//! Many worlds: one for each seed, on as many threads as the machine has cores.

use std::{
    any::Any,
    fmt,
    ops::Range,
    panic::{self, AssertUnwindSafe},
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;

use crate::{counts::Counts, disk::Lie, model::Violation, world::World};

/// A seed whose world broke a promise.
#[derive(Debug)]
pub struct Failure {
    /// To be replayed.
    pub seed: u64,
    /// Which promise.
    pub violation: Violation,
    /// What led there.
    pub story: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<&str> = self.story.lines().collect();
        let last = lines.len().saturating_sub(30);
        for line in &lines[last..] {
            writeln!(f, "{line:.400}")?;
        }
        writeln!(f, "seed {}: {}", self.seed, self.violation)?;
        write!(f, "replay: cargo run -p nautilus-simulator -- {}", self.seed)
    }
}

/// One world, `steps` steps long.
pub fn run_seed(seed: u64, steps: u64, lie: Option<Lie>) -> Result<(Counts, String), Box<Failure>> {
    let failed = |violation, story| Box::new(Failure { seed, violation, story });
    let mut world = World::new(seed, lie).map_err(|violation| failed(violation, String::new()))?;
    // An assertion of the product that fails is a broken promise like any other, and its seed is wanted.
    let lived = panic::catch_unwind(AssertUnwindSafe(|| world.live(steps)));
    match lived.unwrap_or_else(|panicked| Err(Violation::new(text_of(&*panicked)))) {
        Ok(()) => Ok((world.counts().clone(), world.story().to_owned())),
        Err(violation) => Err(failed(violation, world.story().to_owned())),
    }
}

fn text_of(panicked: &(dyn Any + Send)) -> String {
    let text = panicked.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panicked.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without a text"))
}

/// All worlds of `seeds`, or the first that fails.
pub fn run_seeds(seeds: Range<u64>, steps: u64, lie: Option<Lie>) -> Result<Counts, Box<Failure>> {
    let next = AtomicU64::new(seeds.start);
    let counts = Mutex::new(Counts::default());
    let failure: Mutex<Option<Box<Failure>>> = Mutex::new(None);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while failure.lock().is_none() {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= seeds.end {
                        return;
                    }
                    match run_seed(seed, steps, lie) {
                        Ok((one, _)) => counts.lock().add(&one),
                        Err(failed) => {
                            let mut failure = failure.lock();
                            if failure.as_ref().is_none_or(|before| seed < before.seed) {
                                *failure = Some(failed);
                            }
                        }
                    }
                }
            });
        }
    });
    match failure.into_inner() {
        Some(failure) => Err(failure),
        None => Ok(counts.into_inner()),
    }
}
