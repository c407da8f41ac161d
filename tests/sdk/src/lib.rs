//! Nothing but a home for `tests/flow.rs`: the way of one stream with the AWS SDK for Rust, against the built binary.
