//! The door to the disk: everything that touches a file goes through [`Disk`] and [`File`].
//!
//! [`RealDisk`] is the world; the simulator brings a disk of its own that forgets what was not synced.
//! Paths are relative to the data directory. What a call promises after a crash:
//! a file's bytes are durable after [`File::sync`], a created, renamed or removed name after [`Disk::sync_dir`].

mod blocks;
mod direct;
mod memory;
mod process;
mod real;

use std::{
    io::{self, IoSlice},
    sync::Arc,
};

pub(crate) use blocks::{Unreadable, is_unreadable, read_around, readable};
pub use memory::MemoryDisk;
pub use process::ProcessFigures;
pub use real::{DirectoryLock, RealDisk};

/// How [`Disk::open`] opens a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// The file must exist.
    Existing,
    /// The file must not exist; it is created empty.
    New,
    /// The file is created empty if it does not exist.
    Either,
}

/// A directory tree that survives crashes as far as it was synced.
pub trait Disk: Send + Sync + 'static {
    /// Opens a file for reading and writing.
    fn open(&self, path: &str, how: Open) -> io::Result<Arc<dyn File>>;
    /// Opens a file that is mostly appended to and rarely read: a disk may write it past its cache.
    fn open_log(&self, path: &str, how: Open) -> io::Result<Arc<dyn File>> {
        self.open(path, how)
    }
    /// As [`Disk::open_log`], for a file whose writes are not waited for: the cache may take small ones.
    fn open_unsynced_log(&self, path: &str, how: Open) -> io::Result<Arc<dyn File>> {
        self.open(path, how)
    }
    /// Creates a directory and its parents; an existing one is fine.
    fn create_dir(&self, path: &str) -> io::Result<()>;
    /// The names in a directory, in any order.
    fn list(&self, path: &str) -> io::Result<Vec<String>>;
    /// Renames a file within its directory, replacing a file of that name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file's name.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &str) -> io::Result<()>;
    /// Bytes that are free for more files; `None` where nobody can tell.
    fn free_bytes(&self) -> io::Result<Option<u64>> {
        Ok(None)
    }
    /// Bytes of the whole file system, free or not; `None` where nobody can tell.
    fn size_bytes(&self) -> io::Result<Option<u64>> {
        Ok(None)
    }
}

/// An open file. All methods may be called from several threads.
pub trait File: Send + Sync + 'static {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// True if the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Fills `buf` from `offset`, or fails with `UnexpectedEof`; how much of `buf` a failed read has filled is not known.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `bufs`, one behind the other, at `offset`. A write that fails may have written any part of them.
    fn write_at(&self, bufs: &mut [IoSlice<'_>], offset: u64) -> io::Result<()>;
    /// Cuts or extends the file with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes all written bytes and the length durable.
    fn sync(&self) -> io::Result<()>;
    /// A promise of the caller: from `offset` to its end the file is zeros. Spares reads where blocks are written whole.
    fn zeros_from(&self, _offset: u64) {}
}
