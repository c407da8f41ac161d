//! A disk in memory: for the catalog of a server that keeps nothing, and for tests.

use std::{
    collections::BTreeMap,
    io::{self, IoSlice},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{Disk, File, Open};

/// A disk that never fails and forgets nothing as long as its value lives.
#[derive(Debug, Default)]
pub struct MemoryDisk {
    files: Mutex<BTreeMap<String, Arc<MemoryFile>>>,
}

/// A file of [`MemoryDisk`].
#[derive(Debug, Default)]
struct MemoryFile {
    bytes: Mutex<Vec<u8>>,
}

impl MemoryDisk {
    /// A copy of all files as they are now.
    pub fn copy(&self) -> MemoryDisk {
        let files = self.files.lock();
        let copied = files.iter().map(|(path, file)| {
            let bytes = Mutex::new(file.bytes.lock().clone());
            (path.clone(), Arc::new(MemoryFile { bytes }))
        });
        MemoryDisk { files: Mutex::new(copied.collect()) }
    }

    /// Changes a file's bytes behind everyone's back.
    pub fn edit(&self, path: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        if let Some(file) = self.files.lock().get(path) {
            edit(&mut file.bytes.lock());
        }
    }

    /// The paths of all files.
    pub fn paths(&self) -> Vec<String> {
        self.files.lock().keys().cloned().collect()
    }
}

impl Disk for MemoryDisk {
    fn open(&self, path: &str, how: Open) -> io::Result<Arc<dyn File>> {
        let mut files = self.files.lock();
        match (files.get(path), how) {
            (Some(_), Open::New) => Err(io::ErrorKind::AlreadyExists.into()),
            (Some(file), _) => Ok(file.clone()),
            (None, Open::Existing) => Err(io::ErrorKind::NotFound.into()),
            (None, _) => {
                let file = Arc::new(MemoryFile::default());
                files.insert(path.to_owned(), file.clone());
                Ok(file)
            }
        }
    }

    fn create_dir(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let files = self.files.lock();
        let below = |name: &String| Some(name.strip_prefix(path)?.strip_prefix('/')?.to_owned());
        Ok(files.keys().filter_map(below).collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files.lock();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.files.lock().remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }
}

impl File for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let bytes = self.bytes.lock();
        let end = offset as usize + buf.len();
        let found = bytes.get(offset as usize..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(found);
        Ok(())
    }

    fn write_at(&self, bufs: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let mut bytes = self.bytes.lock();
        let mut at = offset as usize;
        for buf in bufs.iter() {
            let end = at + buf.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[at..end].copy_from_slice(buf);
            at = end;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.bytes.lock().resize(len as usize, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
