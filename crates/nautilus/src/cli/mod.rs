//! The command line: a file for each subcommand, and what they share.
//!
//! Data goes to stdout, talk to stderr. A command that fails says why in a sentence and what to do in a hint, and ends
//! with a code of `sysexits.h` (see [`failure`]).

mod banner;
mod counted;
mod engine;
mod env;
pub(crate) mod failure;
mod initial;
mod provision;
mod serve;
mod signals;
pub(crate) mod units;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};

use crate::config::ServeArgs;

/// Kinesis Data Streams that you run yourself
///
/// One server that speaks AWS's protocols: point AWS_ENDPOINT_URL at it, and Terraform, the AWS CLI and every SDK work
/// unmodified. A write is answered when it is on disk.
#[derive(Debug, Parser)]
#[command(name = "nautilus", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  nautilus serve --dev                      answers on http://127.0.0.1:4566
  nautilus serve --dev --apply terraform/   the same, with the streams of a Terraform module
  eval \"$(nautilus env)\"                    points this shell's AWS tools at it";

const EXIT_CODES: &str = "\
Every flag but --var has an environment variable: --data-dir is NAUTILUS_DATA_DIR, --dev is
NAUTILUS_DEV=1.

Exit codes:
   0  stopped by Ctrl-C or SIGTERM, every request answered
  64  wrong flag
  65  the data directory is damaged, of a newer version, or of two different ones
  69  the port is not to be had
  70  a bug: please report it
  73  the data directory cannot be made
  74  the disk failed; what was answered is safe
  75  another process has the data directory
  78  the module of --apply is wrong";

#[derive(Debug, Subcommand)]
enum Command {
    /// Answers requests until it is stopped
    #[command(after_help = EXIT_CODES)]
    Serve(Box<ServeArgs>),
    /// Prints what a shell exports to reach the server
    Env(env::EnvArgs),
}

/// Runs what the command line says.
pub(crate) fn main() -> ExitCode {
    let color = match failure::colors_are_wanted() {
        true => ColorChoice::Auto,
        false => ColorChoice::Never,
    };
    let parsed = Cli::command().color(color).try_get_matches();
    let command = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli.command,
        Err(error) => return tell(&error),
    };
    let result = match command {
        Command::Serve(args) => serve::run(*args),
        Command::Env(args) => env::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

/// Help goes to stdout and is no failure; a wrong command line goes to stderr with its own code.
fn tell(error: &clap::Error) -> ExitCode {
    let _ = error.print(); // a closed pipe leaves nobody to tell
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(failure::USAGE),
    }
}

/// Writes data to stdout. A reader that has gone is no failure.
fn print(text: &str) {
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

/// Writes talk to stderr.
fn say(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
