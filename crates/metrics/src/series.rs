//! What a metric is called.

use std::sync::Arc;

/// Number of a series in this store, given when it is seen first; never given twice in one life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId(pub u32);

/// A dimension: name and value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dimension {
    /// Its name: `StreamName`.
    pub name: Arc<str>,
    /// Its value: `nautilus-stream`.
    pub value: Arc<str>,
}

/// One metric in one unit, in an account and region. A metric with other dimensions is another one, as at AWS.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Series {
    /// Of twelve digits.
    pub account: Arc<str>,
    /// `us-east-1`.
    pub region: Arc<str>,
    /// `AWS/Kinesis`, or a client's own.
    pub namespace: Arc<str>,
    /// `IncomingBytes`.
    pub name: Arc<str>,
    /// Sorted by name.
    pub dimensions: Vec<Dimension>,
    /// What its samples are counted in.
    pub unit: Unit,
}

macro_rules! units {
    ($($name:ident $text:literal,)*) => {
        /// AWS's units.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        #[expect(missing_docs, reason = "they are AWS's names")]
        pub enum Unit { $($name,)* #[default] None }

        impl Unit {
            /// Every unit but `None`, as AWS writes them.
            pub const NAMES: &[&str] = &[$($text,)* "None"];

            /// The one that stands first in order; `None` stands last.
            pub(crate) const FIRST: Unit = Unit::Seconds;

            /// AWS's name.
            pub const fn text(self) -> &'static str {
                match self { $(Unit::$name => $text,)* Unit::None => "None" }
            }

            /// The unit of a name.
            pub fn parse(text: &str) -> Option<Unit> {
                Some(match text { $($text => Unit::$name,)* "None" => Unit::None, _ => return None })
            }
        }
    };
}

units! {
    Seconds "Seconds", Microseconds "Microseconds", Milliseconds "Milliseconds",
    Bytes "Bytes", Kilobytes "Kilobytes", Megabytes "Megabytes", Gigabytes "Gigabytes", Terabytes "Terabytes",
    Bits "Bits", Kilobits "Kilobits", Megabits "Megabits", Gigabits "Gigabits", Terabits "Terabits",
    Percent "Percent", Count "Count",
    BytesPerSecond "Bytes/Second", KilobytesPerSecond "Kilobytes/Second", MegabytesPerSecond "Megabytes/Second",
    GigabytesPerSecond "Gigabytes/Second", TerabytesPerSecond "Terabytes/Second",
    BitsPerSecond "Bits/Second", KilobitsPerSecond "Kilobits/Second", MegabitsPerSecond "Megabits/Second",
    GigabitsPerSecond "Gigabits/Second", TerabitsPerSecond "Terabits/Second", CountPerSecond "Count/Second",
}
