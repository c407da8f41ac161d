//! Every limit of queries, by name. Those that are AWS's say so; the others bound what one call may cost.

/// AWS: queries of one GetMetricData.
pub(crate) const QUERIES_MAX: usize = 500;
/// AWS: points that one GetMetricData answers with, and its MaxDatapoints at most.
pub(crate) const POINTS_MAX: usize = 100_800;
/// AWS: characters of an expression.
pub(crate) const EXPRESSION_CHARS_MAX: usize = 2_048;
/// AWS: characters of what a SEARCH looks for.
pub(crate) const SEARCH_CHARS_MAX: usize = 1_024;
/// AWS: SEARCHes of one call.
pub(crate) const SEARCHES_MAX: usize = 100;
/// AWS: metrics of a call, those that its SEARCHes find among them; and time series of an array.
pub(crate) const SERIES_MAX: usize = 500;
/// AWS: a SEARCH finds metrics that had samples within this time.
pub(crate) const SEARCHED_MS: u64 = 14 * 86_400_000;

/// Parentheses, brackets, calls and powers inside one another. Each costs the parser a frame of its stack.
pub(crate) const EXPRESSION_DEPTH_MAX: usize = 64;
/// Parentheses and NOTs inside one another in a SEARCH.
pub(crate) const SEARCH_DEPTH_MAX: usize = 32;
/// Points that are read and computed for one call in all. A call of AWS's most points has forty times that for its math.
pub(crate) const MATH_POINTS_MAX: usize = 4_000_000;
/// About how long a page of GetMetricData may take, µs; its rest is for the next one. Clients wait for a minute.
pub(crate) const PAGE_US_MAX: u64 = 5_000_000;
/// Bytes of names that the SEARCHes of one call compare in all.
pub(crate) const SEARCH_WORK_MAX: usize = 256 << 20;
/// Series that one call of the metric store's list gives to a SEARCH at a time.
pub(crate) const SEARCH_PAGE: usize = 1_000;

/// Characters of a label before its values are put in.
pub(crate) const LABEL_CHARS_MAX: usize = 2_048;
/// AWS: values of points that a label shows; further ones stay as they are written.
pub(crate) const LABEL_VALUES_MAX: usize = 5;
