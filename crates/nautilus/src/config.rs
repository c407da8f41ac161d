//! What `nautilus serve` is told: one struct, whose comments are the help text, read once and checked whole.
//!
//! Every flag has an environment variable of the same name. [`ServeArgs::check`] finds all mistakes at once;
//! what it lets through can be started.

mod foreign;
mod limit;
mod stream;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum, builder::FalseyValueParser};
use nautilus_kinesis::Limits;
use nautilus_sns::Reach;
use url::Url;

pub(crate) use self::{foreign::Foreign, stream::InitialStream};
use self::{
    limit::{OneLimit, one_limit},
    stream::initial_stream,
};
use crate::cli::{
    failure::{Failure, Problem, USAGE},
    units,
};

/// The flags of `serve`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServeArgs {
    /// Address and port to answer on; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        env = "NAUTILUS_LISTEN",
        default_value = "127.0.0.1:4566",
        value_parser = address,
        hide_env = true
    )]
    pub listen: SocketAddr,

    /// A host name that clients may use, beside the safe ones; may be repeated
    ///
    /// Always served are: addresses, single-label names (`nautilus` in a compose file), names that end in
    /// `.localhost`, `.local` or `.internal`, and AWS's own names. Any other name must be given here, because a web
    /// page could point such a name at this server.
    #[arg(
        long,
        value_name = "NAME",
        env = "NAUTILUS_ALLOWED_HOST",
        value_delimiter = ',',
        hide_env = true
    )]
    pub allowed_host: Vec<String>,

    /// A web origin whose pages may call, like `https://app.example.com`; may be repeated
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "NAUTILUS_ALLOWED_ORIGIN",
        value_delimiter = ',',
        hide_env = true
    )]
    pub allowed_origin: Vec<String>,

    /// What the log tells: `error`, `warn`, `info`, `debug`, or `tracing`'s directives
    #[arg(
        long,
        value_name = "LEVEL",
        env = "NAUTILUS_LOG",
        default_value = "warn",
        hide_env = true
    )]
    pub log: String,

    /// Directory that holds the data; made if it is not there
    #[arg(
        long,
        value_name = "DIR",
        env = "NAUTILUS_DATA_DIR",
        default_value = "nautilus-data",
        help_heading = "Data",
        hide_env = true
    )]
    pub data_dir: PathBuf,

    /// What an answered write survives: `fsync`, `os` or `memory`
    ///
    /// `fsync`: it is on disk. `os`: the operating system has it; it survives the end of this process, not of the
    /// machine. `memory`: nothing is kept, not even the streams; for tests.
    #[arg(
        long,
        value_enum,
        env = "NAUTILUS_DURABILITY",
        default_value = "fsync",
        help_heading = "Data",
        hide_possible_values = true,
        hide_env = true
    )]
    pub durability: Durability,

    /// Memory for records with `--durability memory`, 16MiB to 1TiB; when it is full, writes are refused
    #[arg(
        long,
        value_name = "SIZE",
        env = "NAUTILUS_MEMORY_LIMIT",
        default_value = "512MiB",
        value_parser = memory_bytes,
        help_heading = "Data",
        hide_env = true
    )]
    pub memory_limit: u64,

    /// Size of the journal's files, 1MiB to 1GiB
    #[arg(
        long,
        value_name = "SIZE",
        env = "NAUTILUS_SEGMENT_SIZE",
        default_value = "256MiB",
        value_parser = segment_bytes,
        help_heading = "Data",
        hide_env = true
    )]
    pub segment_size: u64,

    /// Whose limits hold: `aws`, its rates and quotas, or `off`
    ///
    /// `aws` holds each shard to 1,000 records and 1 MiB written, 5 reads and 2 MiB read a second, and control
    /// operations to AWS's calls a second. `off` lifts rates, quotas and counts, never validation.
    #[arg(
        long,
        value_enum,
        env = "NAUTILUS_LIMITS",
        default_value = "aws",
        help_heading = "Kinesis",
        hide_possible_values = true,
        hide_env = true
    )]
    pub limits: LimitsMode,

    /// Whether calls are counted for CloudWatch's metrics of Kinesis: `on` or `off`
    #[arg(
        long,
        value_enum,
        env = "NAUTILUS_METRICS",
        default_value = "on",
        help_heading = "Kinesis",
        hide_possible_values = true,
        hide_env = true
    )]
    pub metrics: Switch,

    /// One limit by itself, like `write-records-per-shard=5000` or `shards=off`; may be repeated
    ///
    /// Names: write-records-per-shard, write-bytes-per-shard, read-calls-per-shard, read-bytes-per-shard,
    /// fan-out-bytes-per-shard (all of them a second), control-calls (of each operation in a second), shards,
    /// on-demand-streams, creating-streams (of an account in a region), consumers-per-stream, creating-consumers,
    /// shard-count-updates, mode-switches (in 24 hours).
    #[arg(
        long,
        value_name = "NAME=VALUE",
        env = "NAUTILUS_LIMIT",
        value_delimiter = ',',
        value_parser = one_limit,
        help_heading = "Kinesis",
        hide_env = true
    )]
    pub limit: Vec<OneLimit>,

    /// A host, address or network that alarms may be posted to, like `10.0.0.0/8`; may be repeated
    ///
    /// Public addresses may be reached without it, private ones and the loopback only if they are given here; with `--dev`
    /// the loopback may. Link-local addresses, where clouds keep credentials, never.
    #[arg(
        long,
        value_name = "HOST",
        env = "NAUTILUS_ALLOWED_WEBHOOK",
        value_delimiter = ',',
        help_heading = "Alarms",
        hide_env = true
    )]
    pub allowed_webhook: Vec<String>,

    /// Where endpoints of alarms find this server, for the links in what they get [default: the listen address]
    #[arg(
        long,
        value_name = "URL",
        env = "NAUTILUS_PUBLIC_URL",
        help_heading = "Alarms",
        hide_env = true
    )]
    pub public_url: Option<String>,

    /// How long a stream stays CREATING, UPDATING or DELETING [default: 500ms]
    #[arg(
        long,
        value_name = "TIME",
        env = "NAUTILUS_TRANSITION_DELAY",
        value_parser = units::milliseconds,
        help_heading = "Kinesis",
        hide_env = true
    )]
    pub transition_delay: Option<u64>,

    /// A stream to make before the server is ready, if there is none of its name; may be repeated
    #[arg(
        long,
        value_name = "NAME:SHARDS:REGION",
        env = "NAUTILUS_STREAM",
        value_delimiter = ',',
        value_parser = initial_stream,
        help_heading = "Provisioning",
        hide_env = true
    )]
    pub stream: Vec<InitialStream>,

    /// Terraform module to provision before the server is ready
    ///
    /// Creates the streams, consumers, policies, topics and alarms that the `.tf` files describe, and changes tags,
    /// metrics, policies, alarms and topics. A lower retention, another shard count and another mode are printed as
    /// drift. Never deletes anything.
    #[arg(
        long,
        value_name = "DIR",
        env = "NAUTILUS_APPLY",
        help_heading = "Provisioning",
        hide_env = true
    )]
    pub apply: Option<PathBuf>,

    /// A variable of the module; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "apply", help_heading = "Provisioning")]
    pub var: Vec<String>,

    /// Does what is otherwise only printed as drift
    #[arg(
        long,
        requires = "apply",
        env = "NAUTILUS_APPLY_CHANGES",
        value_parser = FalseyValueParser::new(),
        help_heading = "Provisioning",
        hide_env = true
    )]
    pub apply_changes: bool,

    /// Accepts any credentials; needed until identities are built
    ///
    /// A 12-digit access key is the account, any other key means 000000000000. Signatures are not verified, so the
    /// server answers on loopback only.
    #[arg(
        long,
        env = "NAUTILUS_DEV",
        value_parser = FalseyValueParser::new(),
        help_heading = "Development",
        hide_env = true
    )]
    pub dev: bool,

    /// With `--dev`: answers on other addresses than loopback too, for containers
    #[arg(
        long,
        env = "NAUTILUS_DEV_LISTEN_ANYWHERE",
        value_parser = FalseyValueParser::new(),
        help_heading = "Development",
        hide_env = true
    )]
    pub dev_listen_anywhere: bool,

    /// With `--dev`: clients may move the clock: `POST /_nautilus/clock {"advance":"25h"}`
    #[arg(
        long,
        env = "NAUTILUS_TEST_CLOCK",
        value_parser = FalseyValueParser::new(),
        help_heading = "Development",
        hide_env = true
    )]
    pub test_clock: bool,
}

const TRANSITION_DELAY_MS: u64 = 500;

/// What an answered write has survived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Durability {
    /// The power going out.
    Fsync,
    /// The end of the process.
    Os,
    /// Nothing.
    Memory,
}

impl Durability {
    /// In words for the person who started the server.
    pub(crate) fn promise(self) -> &'static str {
        match self {
            Durability::Fsync => "fsync: an answered write is on disk",
            Durability::Os => "os: an answered write survives this process, not the machine",
            Durability::Memory => "memory: nothing survives this process",
        }
    }
}

/// Whether AWS's rates and quotas hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LimitsMode {
    /// As at AWS.
    Aws,
    /// No rates, no quotas; validation as always.
    Off,
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

impl ServeArgs {
    /// The limits that hold.
    pub(crate) fn limits(&self) -> Limits {
        let all = match self.limits {
            LimitsMode::Aws => Limits::aws(),
            LimitsMode::Off => Limits::off(),
        };
        self.limit.iter().fold(all, |limits, (limit, value)| limits.with(*limit, *value))
    }

    /// How long a stream's change takes.
    pub(crate) fn transition_delay_ms(&self) -> u64 {
        self.transition_delay.unwrap_or(TRANSITION_DELAY_MS)
    }

    /// What no single flag can know: whether they go together. Tells all that is wrong.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let mut problems = Vec::new();
        if !self.dev {
            problems.push(Problem::new(
                "`serve` starts only with `--dev` for now: it cannot verify signatures yet",
                "add `--dev`; any credentials are accepted then, on loopback only",
            ));
        }
        if self.dev && !self.listen.ip().is_loopback() && !self.dev_listen_anywhere {
            problems.push(Problem::new(
                format!("`--dev` accepts any credentials, so it does not answer on {}", self.listen),
                "listen on 127.0.0.1, or add `--dev-listen-anywhere` where only you can reach the port",
            ));
        }
        for origin in &self.allowed_origin {
            if !origin.starts_with("http://") && !origin.starts_with("https://") {
                problems.push(Problem::new(
                    format!("`--allowed-origin {origin}` is not an origin"),
                    "give scheme, host and port, like `https://app.example.com:8443`",
                ));
            }
        }
        for host in &self.allowed_host {
            if host.is_empty() || host.contains(['/', '*', ' ']) {
                problems.push(Problem::new(
                    format!("`--allowed-host {host}` is not a host name"),
                    "give a name without scheme or wildcard, like `kinesis.example.com`",
                ));
            }
        }
        for host in &self.allowed_webhook {
            if Reach::new(std::slice::from_ref(host), self.dev).is_err() {
                problems.push(Problem::new(
                    format!("`--allowed-webhook {host}` is no network, no address and no host name"),
                    "give it without scheme, port or wildcard: `10.1.0.0/16`, `10.1.2.3` or `alerts.example.com`",
                ));
            }
        }
        if let Some(url) = self.public_url.as_ref().filter(|url| !is_public_url(url)) {
            problems.push(Problem::new(
                format!("`--public-url {url}` is not a URL that endpoints could call"),
                "give scheme, host and port, like `https://nautilus.example.com:4566`",
            ));
        }
        if problems.is_empty() { Ok(()) } else { Err(Failure::all(USAGE, problems)) }
    }
}

/// Whether links can be made of it by appending a path and a query.
fn is_public_url(text: &str) -> bool {
    let is_http = text.starts_with("http://") || text.starts_with("https://");
    let is_plain =
        !text.contains(|c: char| matches!(c, '?' | '#' | '@' | '\\' | ' ') || c.is_control());
    is_http && is_plain && Url::parse(text).is_ok()
}

/// Parses `127.0.0.1:4566`, `[::1]:4566` or `localhost:4566`.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    // The one name that needs no resolver.
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| "expected an address and a port, like `127.0.0.1:4566`".to_owned())
}

fn segment_bytes(text: &str) -> Result<u64, String> {
    match units::bytes(text)? {
        bytes @ 0x10_0000..=0x4000_0000 => Ok(bytes),
        _ => Err("expected 1MiB to 1GiB".to_owned()),
    }
}

fn memory_bytes(text: &str) -> Result<u64, String> {
    match units::bytes(text)? {
        bytes @ 0x100_0000..=0x100_0000_0000 => Ok(bytes),
        _ => Err("expected 16MiB to 1TiB".to_owned()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Serve {
        #[command(flatten)]
        args: ServeArgs,
    }

    /// What the flags come to: "fine", or what is told.
    fn check(flags: &str) -> String {
        let words = std::iter::once("serve").chain(flags.split_whitespace());
        match Serve::try_parse_from(words).map(|serve| serve.args.check()) {
            Ok(Ok(())) => "fine".to_owned(),
            Ok(Err(failure)) => failure.to_string(),
            Err(error) => error.to_string().lines().next().unwrap_or("").to_owned(),
        }
    }

    /// The flags as they are read.
    pub(crate) fn parse(flags: &str) -> ServeArgs {
        let words = std::iter::once("serve").chain(flags.split_whitespace());
        Serve::try_parse_from(words).expect("the test's flags are right").args
    }

    #[test]
    fn single_limits_are_set_over_all_of_them() {
        use nautilus_kinesis::Limit;

        let limits = parse("--limits off --limit shards=3,control-calls=9").limits();
        let expected = Limits::off().with(Limit::Shards, Some(3));
        assert_eq!(limits, expected.with(Limit::ControlCalls, Some(9)));
        let limits = parse("--limit shards=off").limits();
        assert_eq!(limits, Limits::aws().with(Limit::Shards, None));
        assert_eq!(parse("").limits(), Limits::aws());
    }

    #[test]
    fn dev_on_loopback_is_fine() {
        assert_eq!(check("--dev"), "fine");
        assert_eq!(check("--dev --listen [::1]:0"), "fine");
        assert_eq!(check("--dev --listen localhost:4567"), "fine");
        assert_eq!(check("--dev --listen 0.0.0.0:4566 --dev-listen-anywhere"), "fine");
    }

    #[test]
    fn serve_without_dev_is_refused() {
        assert_eq!(
            check(""),
            "error: `serve` starts only with `--dev` for now: it cannot verify signatures yet\n  \
             hint: add `--dev`; any credentials are accepted then, on loopback only\n"
        );
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        assert_eq!(
            check("--dev --listen 0.0.0.0:1 --allowed-origin app --allowed-host *.x"),
            "error: `--dev` accepts any credentials, so it does not answer on 0.0.0.0:1\n  \
             hint: listen on 127.0.0.1, or add `--dev-listen-anywhere` where only you can reach the port\n\
             error: `--allowed-origin app` is not an origin\n  \
             hint: give scheme, host and port, like `https://app.example.com:8443`\n\
             error: `--allowed-host *.x` is not a host name\n  \
             hint: give a name without scheme or wildcard, like `kinesis.example.com`\n"
        );
    }

    #[test]
    fn where_alarms_are_posted_and_whence_is_checked() {
        for host in ["10.1.0.0/16", "10.1.2.3", "fd00::/8", "receiver", "alerts.example.com"] {
            assert_eq!(check(&format!("--dev --allowed-webhook {host}")), "fine", "{host}");
        }
        for host in ["http://10.1.2.3/x", "10.0.0.0/40", "10.1.2.3:80", "*.example.com"] {
            assert_eq!(
                check(&format!("--dev --allowed-webhook {host}")),
                format!(
                    "error: `--allowed-webhook {host}` is no network, no address and no host name\n  \
                     hint: give it without scheme, port or wildcard: `10.1.0.0/16`, `10.1.2.3` or \
                     `alerts.example.com`\n"
                )
            );
        }
        for url in ["http://nautilus:4566", "https://n.example.com/", "http://[::1]:4566/base"] {
            assert_eq!(check(&format!("--dev --public-url {url}")), "fine", "{url}");
        }
        for url in [
            "n.example.com",
            "n:4566",
            "ftp://n",
            "http://",
            "http://n:99999",
            "http://u@n",
            "http://n/?a",
        ] {
            assert_eq!(
                check(&format!("--dev --public-url {url}")),
                format!(
                    "error: `--public-url {url}` is not a URL that endpoints could call\n  \
                     hint: give scheme, host and port, like `https://nautilus.example.com:4566`\n"
                )
            );
        }
    }

    #[test]
    fn a_wrong_value_is_told_with_what_is_expected() {
        for (flags, told) in [
            (
                "--listen nowhere",
                "error: invalid value 'nowhere' for '--listen <ADDRESS:PORT>': \
                 expected an address and a port, like `127.0.0.1:4566`",
            ),
            (
                "--segment-size 1KiB",
                "error: invalid value '1KiB' for '--segment-size <SIZE>': expected 1MiB to 1GiB",
            ),
            (
                "--transition-delay 5",
                "error: invalid value '5' for '--transition-delay <TIME>': \
                 expected a number and ms, s or m, like `500ms`",
            ),
            ("--limits none", "error: invalid value 'none' for '--limits <LIMITS>'"),
            ("--nonsense", "error: unexpected argument '--nonsense' found"),
        ] {
            assert_eq!(check(flags), told);
        }
    }
}
