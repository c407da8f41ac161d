//! The door to the disk: everything that touches a file goes through [`Disk`] and [`File`].
//!
//! [`RealDisk`] is the world; the simulator brings a disk of its own that forgets what was not synced.
//! Paths are relative to the data directory. What a call promises after a crash:
//! a file's bytes are durable after [`File::sync`], a created, renamed or removed name after [`Disk::sync_dir`].

use std::{
    io::{self, IoSlice},
    path::{Path, PathBuf},
    sync::Arc,
};

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
}

/// An open file. All methods may be called from several threads.
pub trait File: Send + Sync + 'static {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// True if the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Fills `buf` from `offset`, or fails with `UnexpectedEof`.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `bufs`, one behind the other, at `offset`.
    fn write_at(&self, bufs: &mut [IoSlice<'_>], offset: u64) -> io::Result<()>;
    /// Cuts or extends the file with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes all written bytes and the length durable.
    fn sync(&self) -> io::Result<()>;
}

/// The real file system below one directory.
#[derive(Debug)]
pub struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    /// A disk below `root`, which is created if it does not exist.
    pub fn new(root: &Path) -> io::Result<RealDisk> {
        real::create_dir_all(root)?;
        Ok(RealDisk { root: root.to_owned() })
    }

    /// Takes the directory's lock for as long as the answer lives, or says `WouldBlock` if another process has it.
    pub fn lock(&self) -> io::Result<DirectoryLock> {
        real::lock(&self.root.join("lock"))
    }
}

/// Held while the process uses the data directory; the kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: std::fs::File,
}

impl Disk for RealDisk {
    fn open(&self, path: &str, how: Open) -> io::Result<Arc<dyn File>> {
        real::open(&self.root.join(path), how)
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        real::create_dir_all(&self.root.join(path))
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.root.join(path))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        real::rename(&self.root.join(from), &self.root.join(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        real::remove(&self.root.join(path))
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        real::sync_dir(&self.root.join(path))
    }
}

/// The one place that calls the file system; platform differences live here.
#[allow(clippy::disallowed_methods)]
mod real {
    use std::{
        fs::{File as StdFile, OpenOptions},
        io::{self, IoSlice},
        os::unix::fs::FileExt,
        path::Path,
        sync::Arc,
    };

    use super::{DirectoryLock, File, Open};

    struct RealFile(StdFile);

    pub(super) fn create_dir_all(path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    pub(super) fn remove(path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
        StdFile::open(path)?.sync_all()
    }

    pub(super) fn lock(path: &Path) -> io::Result<DirectoryLock> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
        Ok(DirectoryLock { _file: file })
    }

    pub(super) fn open(path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
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
        Ok(Arc::new(RealFile(options.open(path)?)))
    }

    impl File for RealFile {
        fn len(&self) -> io::Result<u64> {
            Ok(self.0.metadata()?.len())
        }

        fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
            self.0.read_exact_at(buf, offset)
        }

        fn write_at(&self, bufs: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
            // The kernel takes at most this many buffers a call (IOV_MAX on Linux and macOS).
            const BUFFERS_MAX: usize = 1024;
            let (mut bufs, mut offset) = (bufs, offset);
            while !bufs.is_empty() {
                let batch = bufs.len().min(BUFFERS_MAX);
                let written = match rustix::io::pwritev(&self.0, &bufs[..batch], offset) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => written,
                    Err(rustix::io::Errno::INTR) => continue,
                    Err(error) => return Err(error.into()),
                };
                offset += written as u64;
                IoSlice::advance_slices(&mut bufs, written);
            }
            Ok(())
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.0.set_len(len)
        }

        // `sync_data` is fdatasync on Linux and F_FULLFSYNC on macOS; both make the length durable too.
        fn sync(&self) -> io::Result<()> {
            self.0.sync_data()
        }
    }
}
