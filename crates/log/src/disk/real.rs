//! The real file system. All calls that std or the kernel could make differently elsewhere stand here and in `direct.rs`.
#![allow(clippy::disallowed_methods)] // the one place that touches files

use std::{
    fs::{File as StdFile, OpenOptions},
    io::{self, IoSlice},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::io::Errno;

use super::{Disk, File, Open, direct::DirectFile};

/// The real file system below one directory.
#[derive(Debug)]
pub struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    /// A disk below `root`, which is created if it does not exist.
    pub fn new(root: &Path) -> io::Result<RealDisk> {
        std::fs::create_dir_all(root)?;
        Ok(RealDisk { root: root.to_owned() })
    }

    /// Takes the directory's lock for as long as the answer lives, or says `WouldBlock` if another process has it.
    pub fn lock(&self) -> io::Result<DirectoryLock> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(self.root.join("lock"))?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
        Ok(DirectoryLock { _file: file })
    }

    /// A file that is written past the page cache, but for writes of at most `cached_bytes_max`.
    fn open_past_cache(
        &self,
        path: &str,
        how: Open,
        cached_bytes_max: usize,
    ) -> io::Result<Arc<dyn File>> {
        let path = self.root.join(path);
        let cached = CachedFile(open(&path, how)?);
        Ok(match DirectFile::open(&path, cached_bytes_max) {
            Some(direct) => Arc::new(LogFile { direct, cached }),
            None => Arc::new(cached),
        })
    }
}

/// Held while the process uses the data directory; the kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: StdFile,
}

impl Disk for RealDisk {
    fn open(&self, path: &str, how: Open) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(CachedFile(open(&self.root.join(path), how)?)))
    }

    fn open_log(&self, path: &str, how: Open) -> io::Result<Arc<dyn File>> {
        self.open_past_cache(path, how, 0)
    }

    fn open_unsynced_log(&self, path: &str, how: Open) -> io::Result<Arc<dyn File>> {
        // Measured: up to here a copy into the cache costs less than to wait for the device.
        const CACHED_BYTES_MAX: usize = 64 << 10;
        self.open_past_cache(path, how, CACHED_BYTES_MAX)
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        std::fs::create_dir_all(self.root.join(path))
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.root.join(path))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.root.join(from), self.root.join(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        std::fs::remove_file(self.root.join(path))
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        StdFile::open(self.root.join(path))?.sync_all()
    }

    fn free_bytes(&self) -> io::Result<Option<u64>> {
        let space = rustix::fs::statvfs(&self.root)?;
        Ok(Some(space.f_bavail.saturating_mul(space.f_frsize)))
    }

    fn size_bytes(&self) -> io::Result<Option<u64>> {
        let space = rustix::fs::statvfs(&self.root)?;
        Ok(Some(space.f_blocks.saturating_mul(space.f_frsize)))
    }
}

fn open(path: &Path, how: Open) -> io::Result<StdFile> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    match how {
        Open::Existing => {}
        Open::New => {
            options.create_new(true);
        }
        Open::Either => {
            options.create(true);
        }
    }
    options.open(path)
}

/// Writes all of `bufs` with a call that may be interrupted, and may take only a part.
fn write_fully(
    mut bufs: &mut [IoSlice<'_>],
    mut offset: u64,
    mut write: impl FnMut(&[IoSlice<'_>], u64) -> rustix::io::Result<usize>,
) -> io::Result<()> {
    // The kernel takes at most this many buffers a call (IOV_MAX on Linux and macOS).
    const BUFFERS_MAX: usize = 1024;
    IoSlice::advance_slices(&mut bufs, 0);
    while !bufs.is_empty() {
        let batch = bufs.len().min(BUFFERS_MAX);
        let written = match write(&bufs[..batch], offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => written,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        offset += written as u64;
        IoSlice::advance_slices(&mut bufs, written);
    }
    Ok(())
}

/// A file behind the page cache.
pub(super) struct CachedFile(pub(super) StdFile);

impl File for CachedFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buf, offset)
    }

    fn write_at(&self, bufs: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        write_fully(bufs, offset, |bufs, offset| rustix::io::pwritev(&self.0, bufs, offset))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    // `sync_data` is fdatasync on Linux and F_FULLFSYNC on macOS; both make the length durable too.
    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// A file that is read through the page cache and mostly written past it.
struct LogFile {
    direct: DirectFile,
    cached: CachedFile,
}

impl File for LogFile {
    fn len(&self) -> io::Result<u64> {
        self.cached.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.cached.read_at(buf, offset)
    }

    fn write_at(&self, bufs: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        self.direct.write_at(&self.cached, bufs, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.direct.release();
        self.cached.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.cached.sync()
    }

    fn zeros_from(&self, offset: u64) {
        self.direct.zeros_from(offset);
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    #[test]
    fn calls_that_take_a_part_or_are_interrupted_go_on_until_all_is_written() {
        let parts: Vec<Vec<u8>> = (0..3000usize).map(|n| vec![n as u8; n % 7]).collect();
        let whole = parts.concat();
        for step in [1, 2, 3, 5, 100, 1_000_000] {
            let mut written = Vec::new();
            let mut interrupted = iter::repeat([true, false, false]).flatten();
            let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
            let done = write_fully(&mut slices, 70, |bufs, offset| {
                assert!(bufs.len() <= 1024 && offset == 70 + written.len() as u64);
                if interrupted.next() == Some(true) {
                    return Err(Errno::INTR);
                }
                let bytes: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
                let taken = &bytes[..step.min(bytes.len())];
                written.extend_from_slice(taken);
                Ok(taken.len())
            });
            done.unwrap();
            assert!(written == whole, "{step} bytes a call");
        }
    }

    #[test]
    fn a_call_that_takes_nothing_or_fails_after_a_part_is_an_error() {
        let mut slices = [IoSlice::new(b"some"), IoSlice::new(b"bytes")];
        let error = write_fully(&mut slices, 0, |_, _| Ok(0)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);

        let mut slices = [IoSlice::new(b"some"), IoSlice::new(b"bytes")];
        let mut answers = [Ok(6), Err(Errno::NOSPC)].into_iter();
        let error = write_fully(&mut slices, 0, |_, _| answers.next().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        write_fully(&mut [], 0, |_, _| Ok(0)).unwrap();
    }
}
