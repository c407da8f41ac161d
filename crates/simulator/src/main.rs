//! Replays one seed and prints what happens in its world: `cargo run -p nautilus-simulator -- <seed> [steps]`.
//!
//! With `RUST_LOG=debug` the rooms' own logs stand between the steps, on stderr.

use std::process::ExitCode;

use nautilus_simulator::run_seed;
use tracing_subscriber::EnvFilter;

/// As many as the tests do.
const STEPS: u64 = 500;

#[allow(clippy::print_stdout)] // a program, and this is what it is for
fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let (Some(Ok(seed)), steps) = (numbers.next(), numbers.next()) else {
        eprintln!("usage: nautilus-simulator <seed> [steps]");
        return ExitCode::from(2);
    };
    let Ok(steps) = steps.transpose() else {
        eprintln!("usage: nautilus-simulator <seed> [steps]");
        return ExitCode::from(2);
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .without_time()
        .with_ansi(false)
        .init();
    match run_seed(seed, steps.unwrap_or(STEPS), None) {
        Ok((counts, story)) => {
            println!("{story}\n{counts}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{}", failure.story);
            eprintln!("seed {seed}: {}", failure.violation);
            ExitCode::FAILURE
        }
    }
}
