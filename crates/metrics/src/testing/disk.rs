//! A disk that can be full, fail, stop, and lose what was not synced.

use std::{
    collections::BTreeMap,
    io::{self, IoSlice},
    sync::Arc,
};

use nautilus_log::{Disk, File, Open};
use parking_lot::Mutex;

/// Clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct TestDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Default)]
struct State {
    files: BTreeMap<usize, Contents>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Since the last sync of the directory.
    renamed: Vec<(String, usize)>,
    next: usize,
    /// Calls that change something, until all of them fail: the process is dead.
    fuse: Option<usize>,
    is_full: bool,
    fails_syncs: bool,
    calls: usize,
}

#[derive(Clone, Default)]
struct Contents {
    live: Vec<u8>,
    durable: Vec<u8>,
}

struct TestFile {
    disk: TestDisk,
    number: usize,
}

impl TestDisk {
    /// The disk after a `kill -9`: the page cache stays, and nothing fails.
    pub fn killed(&self) -> TestDisk {
        let state =
            State { fuse: None, is_full: false, fails_syncs: false, ..self.state.lock().clone() };
        TestDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// The disk after a power loss: what was not synced is gone.
    pub fn powered_off(&self) -> TestDisk {
        let disk = self.killed();
        {
            let mut state = disk.state.lock();
            state.names = state.durable_names.clone();
            state.files.values_mut().for_each(|file| file.live = file.durable.clone());
        }
        disk
    }

    /// The same, but the last renames are durable, and nothing else of the directory that was not synced.
    pub fn powered_off_after_renames(&self) -> TestDisk {
        let disk = self.powered_off();
        {
            let state = &mut *disk.state.lock();
            state.names.extend(state.renamed.drain(..));
        }
        disk
    }

    /// After so many more calls that change something, every one fails.
    pub fn stop_after(&self, calls: usize) {
        self.state.lock().fuse = Some(calls);
    }

    /// Calls that changed something.
    pub fn calls(&self) -> usize {
        self.state.lock().calls
    }

    pub fn set_full(&self, is_full: bool) {
        self.state.lock().is_full = is_full;
    }

    pub fn set_fails_syncs(&self, fails: bool) {
        self.state.lock().fails_syncs = fails;
    }

    pub fn paths(&self) -> Vec<String> {
        self.state.lock().names.keys().cloned().collect()
    }

    pub fn edit(&self, path: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state.lock();
        let number = state.names[path];
        edit(&mut state.files.get_mut(&number).unwrap().live);
    }

    pub fn bytes(&self, path: &str) -> Vec<u8> {
        let state = self.state.lock();
        state.files[&state.names[path]].live.clone()
    }
}

impl State {
    fn change(&mut self) -> io::Result<()> {
        self.calls += 1;
        match &mut self.fuse {
            Some(0) => Err(io::Error::other("the process is dead")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Disk for TestDisk {
    fn open(&self, path: &str, how: Open) -> io::Result<Arc<dyn File>> {
        let mut state = self.state.lock();
        let number = match (state.names.get(path), how) {
            (Some(_), Open::New) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(number), _) => *number,
            (None, Open::Existing) => return Err(io::ErrorKind::NotFound.into()),
            (None, _) => {
                state.change()?;
                if state.is_full {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                let number = state.next;
                state.next += 1;
                state.files.insert(number, Contents::default());
                state.names.insert(path.to_owned(), number);
                number
            }
        };
        Ok(Arc::new(TestFile { disk: self.clone(), number }))
    }

    fn create_dir(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let below = |name: &String| Some(name.strip_prefix(path)?.strip_prefix('/')?.to_owned());
        Ok(self.state.lock().names.keys().filter_map(below).collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.change()?;
        let number = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), number);
        state.renamed.push((to.to_owned(), number));
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.change()?;
        state.names.remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, _path: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.change()?;
        if state.fails_syncs {
            return Err(io::Error::other("the sync failed"));
        }
        state.durable_names = state.names.clone();
        state.renamed.clear();
        Ok(())
    }
}

impl TestFile {
    fn with<T>(&self, work: impl FnOnce(&mut Contents) -> T) -> T {
        work(self.disk.state.lock().files.get_mut(&self.number).unwrap())
    }
}

impl File for TestFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.with(|file| file.live.len() as u64))
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let offset = offset as usize;
        self.with(|file| {
            let found = file.live.get(offset..offset + buf.len());
            buf.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn write_at(&self, bufs: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let bytes: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
        let (is_alive, is_full) = {
            let mut state = self.disk.state.lock();
            (state.change(), state.is_full)
        };
        // One that fails has written a part.
        let is_done = is_alive.is_ok() && !is_full;
        let written = if is_done { bytes.len() } else { bytes.len() / 2 };
        let end = offset as usize + written;
        self.with(|file| {
            if file.live.len() < end {
                file.live.resize(end, 0);
            }
            file.live[offset as usize..end].copy_from_slice(&bytes[..written]);
        });
        is_alive?;
        if is_full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.state.lock().change()?;
        self.with(|file| file.live.resize(len as usize, 0));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        {
            let mut state = self.disk.state.lock();
            state.change()?;
            if state.fails_syncs {
                return Err(io::Error::other("the sync failed"));
            }
        }
        self.with(|file| file.durable = file.live.clone());
        Ok(())
    }
}
