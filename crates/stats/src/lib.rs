//! Samples, counted: how a number of them is kept in little space, and what can be asked of it afterwards.
//!
//! A [`Distribution`] is a minute's samples of one metric: count, sum, least, greatest, and bins so narrow that a percentile
//! is right within 1 %. Two of them merge into what both together would have been. A [`Recorder`] is one in atomics, for
//! the way of a request; a [`Statistic`] is what AWS lets a client ask for.

mod bins;
mod distribution;
mod histogram;
mod ranked;
mod recorder;
mod statistic;

pub use bins::Bins;
pub use distribution::Distribution;
pub use histogram::{Counted, Histogram};
pub use recorder::Recorder;
pub use statistic::{Bound, Range, Statistic};
