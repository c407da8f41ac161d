//! Seeded worlds that try to break what the journal and the catalog promise.
//!
//! A world runs the real rooms, without a thread of their own, on a disk that forgets ([`SimDisk`]), a clock that
//! is set by hand and dice that are seeded. It compares every answer with a plain model of Kinesis. The same seed
//! prints the same text; `cargo run -p nautilus-simulator -- <seed>` replays one.

mod chance;
mod counts;
mod disk;
mod engine;
mod model;
mod reply;
mod seeds;
mod workload;
mod world;

pub use chance::Chance;
pub use counts::{Counts, End, Outcome};
pub use disk::{Call, FileClass, Fuse, Keep, Lie, SimDisk, Site};
pub use model::Violation;
pub use seeds::{Failure, run_seed, run_seeds};
pub use world::World;
