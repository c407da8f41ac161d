//! A disk in memory that a test watches: it is told of each call, and may refuse it, hold it up or do it in part.
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
    /// A file is read from `offset` on.
    fn read_at(&self, _path: &str, _offset: u64, _bytes: usize) -> io::Result<()> {
        Ok(())
    }
    /// A write would make the file so long; it is `length` now.
    fn write(&self, _end: u64, _length: u64) -> io::Result<()> {
        Ok(())
    }
    /// A file is written from `offset` on.
    fn write_at(&self, _path: &str, _offset: u64, _bytes: u64) -> io::Result<()> {
        Ok(())
    }
    /// So many bytes of a write are written, and then it fails.
    fn torn_after(&self, _path: &str) -> Option<usize> {
        None
    }
    /// A file is synced.
    fn sync(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }
}

/// See the module.
pub struct WatchedDisk<W> {
    pub inner: Arc<MemoryDisk>,
    pub watcher: Arc<W>,
}

struct WatchedFile<W> {
    file: Arc<dyn File>,
    watcher: Arc<W>,
    /// The name that it gets in the end.
    path: String,
}

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
        let file = self.inner.open(path, how)?;
        let path = path.trim_end_matches(".tmp").to_owned();
        Ok(Arc::new(WatchedFile { file, watcher: self.watcher.clone(), path }))
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
        self.file.len()
    }
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.watcher.read(buf.len());
        self.watcher.read_at(&self.path, offset, buf.len())?;
        self.file.read_at(buf, offset)
    }
    fn write_at(&self, bufs: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let end = offset + bufs.iter().map(|buf| buf.len() as u64).sum::<u64>();
        self.watcher.write(end, self.len()?)?;
        self.watcher.write_at(&self.path, offset, end - offset)?;
        if let Some(torn_after) = self.watcher.torn_after(&self.path) {
            let mut bytes = bufs.iter().flat_map(|buf| buf.iter().copied()).collect::<Vec<u8>>();
            bytes.truncate(torn_after);
            self.file.write_at(&mut [IoSlice::new(&bytes)], offset)?;
            return Err(io::Error::from_raw_os_error(5));
        }
        self.file.write_at(bufs, offset)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }
    fn sync(&self) -> io::Result<()> {
        self.watcher.sync(&self.path)?;
        self.file.sync()
    }
}
