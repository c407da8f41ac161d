//! Every limit of this crate, by name. They bound what a hostile body can make us allocate; none of them is AWS's
//! own limit on an operation (those are in [`crate::rules`]), and no legal request comes near one.

/// Values in one body of JSON or CBOR. The largest legal request, 500 records of PutRecords, has about 2,000.
pub const NODES_MAX: usize = 16_384;

/// Lists and maps inside one another in such a body.
pub const DEPTH_MAX: usize = 64;

/// Pairs in one form-encoded body or query string.
pub const FORM_PAIRS_MAX: usize = 4_096;

/// How many violated constraints AWS lists, and counts, in one ValidationException.
pub const VIOLATIONS_LISTED_MAX: usize = 10;

/// A client's value is printed in an error up to this length: an error must not be larger than its request.
pub const PRINTED_VALUE_BYTES_MAX: usize = 16 * 1024;
