//! What `serve` tells the person who started it: a few calm lines on stderr, the last of them to paste.

use std::{fmt::Write, net::SocketAddr};

use super::env::{ACCESS_KEY, endpoint};
use crate::{
    apply::Report,
    config::{Durability, Foreign, ServeArgs},
};

/// Says where the server answers and what it keeps its promises with.
pub(super) fn started(args: &ServeArgs, address: SocketAddr) -> String {
    let mut text = format!(
        "Nautilus {} answers on {}\n  data        {}\n  durability  {}\n",
        env!("CARGO_PKG_VERSION"),
        endpoint(address),
        data(args),
        args.durability.promise(),
    );
    if !address.ip().is_loopback() {
        let _ = writeln!(
            text,
            "\nWARNING: whoever can reach {address} can read, change and delete everything here.\n\
             `--dev` accepts any credentials."
        );
    }
    if args.test_clock {
        text.push_str(
            "  clock       may be moved by clients: POST /_nautilus/clock {\"advance\":\"25h\"}\n",
        );
    }
    text
}

/// Says what became of other programs' environment variables; nothing if there were none.
pub(super) fn foreign(foreign: &Foreign) -> String {
    let mut text = String::new();
    for (variable, became) in &foreign.notes {
        let _ = writeln!(text, "  {variable} {became}");
    }
    text
}

fn data(args: &ServeArgs) -> String {
    match args.durability {
        Durability::Memory => format!("in memory, {} MiB of records", args.memory_limit >> 20),
        Durability::Fsync | Durability::Os => args.data_dir.display().to_string(),
    }
}

/// Says what `--apply` did.
pub(super) fn provisioned(args: &ServeArgs, report: &Report) -> String {
    let dir = args.apply.as_deref().unwrap_or(std::path::Path::new("."));
    let mut text = format!("\n{} in {}\n", dir.display(), report.region);
    for line in &report.plan {
        let _ = writeln!(text, "  {line}");
    }
    if !report.outputs.is_empty() {
        text.push_str("\nOutputs\n");
    }
    for line in &report.outputs {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// Says what to paste next.
pub(super) fn next_steps(address: SocketAddr, report: Option<&Report>) -> String {
    let region = report.map_or("us-east-1", |report| &report.region);
    let stream = report.and_then(|report| report.streams.first());
    let mut text = format!(
        "\nNext, in another terminal\n  \
         export AWS_ENDPOINT_URL={}\n  \
         export AWS_REGION={region} AWS_DEFAULT_REGION={region}\n  \
         export AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={ACCESS_KEY}\n",
        endpoint(address)
    );
    let _ = match stream {
        Some(stream) => write!(
            text,
            "  aws kinesis put-record --stream-name {stream} --partition-key k --data aGVsbG8=\n  \
             python3 examples/python/producer.py --stream {stream}\n  \
             python3 examples/python/consumer.py --stream {stream}\n"
        ),
        None => text.write_str(
            "  aws kinesis create-stream --stream-name nautilus-stream --shard-count 1\n",
        ),
    };
    text
}
