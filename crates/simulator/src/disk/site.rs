//! Where a crash struck: the call, and what kind of file it was about.
//!
//! The counts by site show that the seeds reach every place where the order of writes and syncs matters.

use std::fmt;

/// A disk call that changes something, makes it durable, or reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// A file comes into being.
    Create,
    /// Bytes are written.
    Write,
    /// The length is set.
    SetLen,
    /// A file's bytes are made durable.
    Sync,
    /// A file gets another name.
    Rename,
    /// A name is removed.
    Remove,
    /// A directory's names are made durable.
    SyncDir,
    /// Bytes are read. Nothing stops here, since nothing changes, but a read can fail.
    Read,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileClass {
    /// A segment of the journal, under its final name.
    Segment,
    /// A segment that is being made ahead, under its temporary name.
    TempSegment,
    /// A footer, which lies in a segment.
    Footer,
    /// The catalog, also while it is made under a temporary name.
    Catalog,
    /// A directory.
    Directory,
    /// Anything else, such as the lock and the reserve.
    Other,
}

/// A call and what it was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// What was called.
    pub call: Call,
    /// What the call was about.
    pub class: FileClass,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Call::Create => "create",
            Call::Write => "write",
            Call::SetLen => "set length of",
            Call::Sync | Call::SyncDir => "sync",
            Call::Rename => "rename",
            Call::Remove => "remove",
            Call::Read => "read",
        })
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.class {
            FileClass::Segment => "segment",
            FileClass::TempSegment => "temporary segment",
            FileClass::Footer => "footer",
            FileClass::Catalog => "catalog",
            FileClass::Directory => "directory",
            FileClass::Other => "other file",
        };
        write!(f, "{} {class}", self.call)
    }
}

impl FileClass {
    /// Told by the name.
    pub(super) fn of_path(path: &str) -> FileClass {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.ends_with(".seg") {
            FileClass::Segment
        } else if name.starts_with("catalog.") {
            FileClass::Catalog
        } else if name.ends_with(".seg.tmp") {
            FileClass::TempSegment
        } else {
            FileClass::Other
        }
    }

    /// A write into a segment that begins with a footer's magic is a footer.
    pub(super) fn of_write(path: &str, first: &[u8]) -> FileClass {
        match FileClass::of_path(path) {
            FileClass::Segment if first.starts_with(FOOTER_MAGIC) => FileClass::Footer,
            class => class,
        }
    }
}

/// As in the journal's format.
const FOOTER_MAGIC: &[u8] = b"NFT1";
