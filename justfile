# The commands of this project. Each is one line that can be typed without `just` too, and `.ci/run` runs the same.

# Formatting, lints and dependencies.
check:
    cargo fmt --all --check
    rustfmt --check --edition 2024 crates/kinesis/src/ops/*.rs crates/cloudwatch/src/ops/*.rs crates/sns/src/ops/*.rs
    cargo clippy --workspace --all-targets -- --deny warnings
    cargo deny check bans licenses sources

# Every test of the workspace.
test:
    cargo test --workspace

# The document's stream, served.
serve *flags:
    cargo run --release -- serve --dev --apply terraform/ {{flags}}

# Real clients and the real process, all of them or one. CONTRIBUTING.md says what each shows and needs.
clients suite="":
    cargo build --release --bins
    for suite in {{ if suite == "" { "start cli boto3 conformance cloudwatch prometheus java node go kcl limits scaling fanout terraform strace drain crash alarms_crash reshard full_disk durability fire" } else { suite } }}; do tests/clients/$suite/run || exit 1; done

# Speed as shares of the HTTP floor of this machine. Needs KLOAD_DIR; never passes or fails.
bench:
    cargo build --release --bins
    tests/clients/bench/run

# What counting for CloudWatch costs, in instructions of each call. Needs valgrind; never passes or fails.
bench-metrics:
    tests/clients/bench/metrics

# What CI runs.
ci:
    .ci/run

# What the newest service model of AWS has that is not here. Reports, never fails.
conformance-newest:
    cargo build --release --bins
    tests/clients/conformance/run newest
