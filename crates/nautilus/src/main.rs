//! The binary `nautilus`: reads the command line and hands over to one subcommand.
//!
//! Nothing is decided here. `cli/` has a file for each subcommand, `config.rs` what `serve` is told, `apply/` what
//! `serve --apply` does.

mod apply;
mod cli;
mod config;

fn main() -> std::process::ExitCode {
    cli::main()
}
