//! Every limit of this crate, by name. They bound what a hostile body can make us allocate; none of them is AWS's
//! own limit on an operation (those are in [`crate::rules`]), and no legal request comes near one.

/// Values in one body of Kinesis. The largest legal request, 500 records of PutRecords, has about 2,000.
pub const NODES_MAX: usize = 16_384;

/// Values in one body of CloudWatch or SNS. The largest legal PutMetricData has 1,000 datums of 150 values with their
/// counts and 30 dimensions: about 400,000.
pub const METRIC_NODES_MAX: usize = 1 << 19;

/// Lists and maps inside one another in such a body.
pub const DEPTH_MAX: usize = 64;

/// Pairs in one form-encoded body or query string. The largest legal PutMetricData has about 366,000.
pub const FORM_PAIRS_MAX: usize = 400_000;

/// Parts of a parameter's name, as `Metrics.member.1.Id` has four. PutMetricAlarm needs nine.
pub const FORM_DEPTH_MAX: usize = 32;

/// How many violated constraints AWS lists, and counts, in one ValidationException.
pub const VIOLATIONS_LISTED_MAX: usize = 10;

/// A client's value is printed in an error up to this length: an error must not be larger than its request.
pub const PRINTED_VALUE_BYTES_MAX: usize = 16 * 1024;
