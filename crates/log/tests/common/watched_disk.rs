//! A disk in memory that a test watches: it is told of each read, and may refuse a write.
#![allow(dead_code)] // not every test uses all of it

use std::{
    io::{self, IoSlice},
    sync::Arc,
};

use nautilus_log::{Disk, File, MemoryDisk, Open};

/// Told of what passes through a [`WatchedDisk`].
pub trait Watcher: Send + Sync + 'static {
    /// So many bytes are read.
    fn read(&self, _bytes: usize) {}
    /// A write would make the file so long; it is `length` now.
    fn write(&self, _end: u64, _length: u64) -> io::Result<()> {
        Ok(())
    }
}

/// See the module.
pub struct WatchedDisk<W> {
    pub inner: Arc<MemoryDisk>,
    pub watcher: Arc<W>,
}

struct WatchedFile<W>(Arc<dyn File>, Arc<W>);

impl<W> Clone for WatchedDisk<W> {
    fn clone(&self) -> WatchedDisk<W> {
        WatchedDisk { inner: self.inner.clone(), watcher: self.watcher.clone() }
    }
}

impl<W: Default> Default for WatchedDisk<W> {
    fn default() -> WatchedDisk<W> {
        WatchedDisk { inner: Arc::default(), watcher: Arc::default() }
    }
}

impl<W: Watcher> Disk for WatchedDisk<W> {
    fn open(&self, path: &str, how: Open) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(WatchedFile(self.inner.open(path, how)?, self.watcher.clone())))
    }
    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.inner.create_dir(path)
    }
    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.inner.list(path)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }
    fn remove(&self, path: &str) -> io::Result<()> {
        self.inner.remove(path)
    }
    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.inner.sync_dir(path)
    }
}

impl<W: Watcher> File for WatchedFile<W> {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.1.read(buf.len());
        self.0.read_at(buf, offset)
    }
    fn write_at(&self, bufs: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let end = offset + bufs.iter().map(|buf| buf.len() as u64).sum::<u64>();
        self.1.write(end, self.len()?)?;
        self.0.write_at(bufs, offset)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}
