//! The binary `nautilus`: reads the command line and hands over to one subcommand.
//!
//! Nothing is decided here. `cli/` has a file for each subcommand, `config.rs` what `serve` is told, `apply/` what
//! `serve --apply` does.

mod apply;
mod cli;
mod config;

/// A request's buffers are allocated on one thread and often freed on another, the committer's: the system's allocator
/// spent a seventh of the server's time on that, this one a third of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
