//! A disk that forgets: every file and directory has a live and a durable image.
//!
//! [`SimDisk::kill`] ends the process: the page cache, so everything live, stays, still unsynced.
//! [`SimDisk::lose_power`] keeps, beside what was synced, any subset of the unsynced 512-byte sectors (and any
//! version of each that was written since), of length changes and of directory entries; a rename is one change.
//! It never damages what was synced and never tears a sector: that would be a broken disk, not a crash.
//!
//! A [`Fuse`] stops the disk inside a call: that call has its effect on the live image (a write only from its start
//! to somewhere), but nothing is durable by it, it fails, and so does every later one until the crash. A sync of a
//! segment that fails may besides leave pages that look clean and are not on the platter, as Linux does. Handles from
//! before a crash stay dead.
//!
//! A fault fails one call and no other: a read or a write that is interrupted, a sync that says so. Space may be short:
//! blocks are taken when something is first written into them, as file systems do it, and a write that finds none arrives
//! as far as they go. The journal may count on blocks that it has; the catalog may not, since some file systems write
//! copies.

mod calls;
mod directory;
mod faults;
mod file;
mod site;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use parking_lot::Mutex;

pub use self::site::{Call, FileClass, Site};
use self::{
    directory::{DirectoryImage, NodeId},
    faults::Faults,
    file::FileImage,
};
use crate::chance::Chance;

/// How much of what was not synced a power loss leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Only what was synced.
    Nothing,
    /// All of it, as it was last.
    Everything,
    /// Each change by itself, with this chance; a sector that was written several times in any of its versions.
    EachSector {
        /// Out of a hundred.
        percent: u64,
    },
}

impl Keep {
    /// Which of `versions` unsynced versions (the last is the newest) stays, or none.
    fn pick_version(self, versions: usize, chance: &Chance) -> Option<usize> {
        let newest = versions.checked_sub(1)?;
        match self {
            Keep::Nothing => None,
            Keep::Everything => Some(newest),
            Keep::EachSector { percent } if !chance.percent(percent) => None,
            // The newest is the likeliest: a write-back in between is rarer than one at the end.
            Keep::EachSector { .. } if chance.percent(70) => Some(newest),
            Keep::EachSector { .. } => Some(chance.below(versions as u64) as usize),
        }
    }
}

/// When the disk stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fuse {
    /// In the call after this many more that change something.
    Calls(u64),
    /// In the call after this many more at this site.
    Site(Site, u64),
}

/// A promise that the disk breaks, for mutants: the call says that all is well and does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Syncs of the journal's files do nothing.
    DataSync,
    /// Syncs of directories do nothing.
    DirectorySync,
    /// Syncs of the journal's segments do nothing while [`SimDisk::set_recovering`] holds.
    RecoverySync,
}

/// A seeded disk; clones share it.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

struct State {
    chance: Chance,
    nodes: BTreeMap<NodeId, Node>,
    next_node: NodeId,
    /// Of the process; handles of an earlier life fail.
    life: u64,
    fuse: Option<Fuse>,
    stopped_at: Option<Site>,
    lie: Option<Lie>,
    recovering: bool,
    calls: BTreeMap<Site, u64>,
    faults: Faults,
}

enum Node {
    File { image: FileImage, path: String },
    Directory(DirectoryImage),
}

const ROOT: NodeId = 0;

impl SimDisk {
    /// An empty disk whose crashes are decided by `seed`.
    pub fn new(seed: u64) -> SimDisk {
        let root = Node::Directory(DirectoryImage::default());
        let state = State {
            chance: Chance::new(seed),
            nodes: BTreeMap::from([(ROOT, root)]),
            next_node: ROOT + 1,
            life: 0,
            fuse: None,
            stopped_at: None,
            lie: None,
            recovering: false,
            calls: BTreeMap::new(),
            faults: Faults::default(),
        };
        SimDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// Breaks a promise from now on.
    pub fn set_lie(&self, lie: Option<Lie>) {
        self.state.lock().lie = lie;
    }

    /// Tells the disk that the process is opening its data, which only [`Lie::RecoverySync`] wants to know.
    pub fn set_recovering(&self, recovering: bool) {
        self.state.lock().recovering = recovering;
    }

    /// Sets the fuse, or takes it out.
    pub fn set_fuse(&self, fuse: Option<Fuse>) {
        self.state.lock().fuse = fuse;
    }

    /// Where the disk stopped, if it did since the last crash.
    pub fn stopped_at(&self) -> Option<Site> {
        self.state.lock().stopped_at
    }

    /// The process ends, the machine does not: all that was written stays, synced or not.
    pub fn kill(&self) {
        self.state.lock().new_life();
    }

    /// The machine ends: of what was not synced, a part stays.
    pub fn lose_power(&self, keep: Keep) {
        let mut state = self.state.lock();
        let State { nodes, chance, .. } = &mut *state;
        for node in nodes.values_mut() {
            match node {
                Node::File { image, .. } => image.lose_power(keep, chance),
                Node::Directory(image) => image.lose_power(keep, chance),
            }
        }
        state.forget_unreachable();
        state.name_files();
        state.new_life();
    }

    /// How often each site was called.
    pub fn calls(&self) -> BTreeMap<Site, u64> {
        self.state.lock().calls.clone()
    }

    /// How often one site was called.
    pub fn calls_at(&self, site: Site) -> u64 {
        self.state.lock().calls.get(&site).copied().unwrap_or(0)
    }

    /// The bytes of a file as a reader sees them now. For tests.
    pub fn contents(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state.lock();
        match state.nodes.get(&state.find(path)?)? {
            Node::File { image, .. } => image.read(0, image.len()).map(<[u8]>::to_vec),
            Node::Directory(_) => None,
        }
    }
}

impl State {
    fn new_life(&mut self) {
        self.life += 1;
        self.fuse = None;
        self.stopped_at = None;
        self.faults.new_life();
    }

    /// Counts a call that changes something. `Err` if the disk stands still; true if it stops in this call.
    fn begin(&mut self, call: Call, class: FileClass) -> io::Result<bool> {
        self.check_running()?;
        let site = Site { call, class };
        *self.calls.entry(site).or_default() += 1;
        let left = match &mut self.fuse {
            Some(Fuse::Calls(left)) => left,
            Some(Fuse::Site(at, left)) if *at == site => left,
            _ => return Ok(false),
        };
        if *left > 0 {
            *left -= 1;
            return Ok(false);
        }
        self.fuse = None;
        self.stopped_at = Some(site);
        Ok(true)
    }

    fn check_running(&self) -> io::Result<()> {
        match self.stopped_at {
            None => Ok(()),
            Some(site) => Err(io::Error::other(format!("the disk stopped ({site})"))),
        }
    }

    fn lies(&self, call: Call, class: FileClass) -> bool {
        let journal_file = matches!(class, FileClass::Segment | FileClass::TempSegment);
        match self.lie {
            None => false,
            Some(Lie::DataSync) => call == Call::Sync && journal_file,
            Some(Lie::DirectorySync) => call == Call::SyncDir,
            Some(Lie::RecoverySync) => self.recovering && class == FileClass::Segment,
        }
    }

    fn find(&self, path: &str) -> Option<NodeId> {
        parts(path).try_fold(ROOT, |node, name| match self.nodes.get(&node)? {
            Node::Directory(image) => image.get(name),
            Node::File { .. } => None,
        })
    }

    fn directory(&mut self, path: &str) -> io::Result<&mut DirectoryImage> {
        let node = self.find(path).ok_or(io::ErrorKind::NotFound)?;
        match self.nodes.get_mut(&node) {
            Some(Node::Directory(image)) => Ok(image),
            Some(Node::File { .. }) => Err(io::ErrorKind::NotADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn file(&mut self, node: NodeId, life: u64) -> io::Result<(&mut FileImage, &str)> {
        if life != self.life {
            return Err(io::Error::other("a handle from before the crash"));
        }
        match self.nodes.get_mut(&node) {
            Some(Node::File { image, path }) => Ok((image, path)),
            _ => unreachable!("files of this life are kept until it ends"),
        }
    }

    fn add_node(&mut self, node: Node) -> NodeId {
        let id = self.next_node;
        self.next_node += 1;
        self.nodes.insert(id, node);
        id
    }

    fn forget_unreachable(&mut self) {
        let (mut reachable, mut to_visit) = (BTreeSet::from([ROOT]), vec![ROOT]);
        while let Some(node) = to_visit.pop() {
            if let Some(Node::Directory(image)) = self.nodes.get(&node) {
                to_visit.extend(image.nodes().filter(|node| reachable.insert(*node)));
            }
        }
        self.nodes.retain(|node, _| reachable.contains(node));
    }

    /// A crash may have undone renames: a file's path is told by where it is found.
    fn name_files(&mut self) {
        let mut to_visit = vec![(ROOT, String::new())];
        while let Some((node, path)) = to_visit.pop() {
            match self.nodes.get_mut(&node) {
                Some(Node::Directory(image)) => {
                    for name in image.names() {
                        let node = image.get(name).unwrap_or(ROOT);
                        to_visit.push((node, format!("{path}/{name}")));
                    }
                }
                Some(Node::File { path: named, .. }) => *named = path,
                None => {}
            }
        }
    }
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

/// Directory and name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use nautilus_log::{Disk, File, Open};

    use super::*;

    fn write(disk: &SimDisk, path: &str, bytes: &[u8]) -> io::Result<Arc<dyn File>> {
        let file = disk.open(path, Open::Either)?;
        file.write_at(&mut [IoSlice::new(bytes)], 0)?;
        Ok(file)
    }

    fn exists(disk: &SimDisk, path: &str) -> bool {
        disk.open(path, Open::Existing).is_ok()
    }

    const COIN: Keep = Keep::EachSector { percent: 50 };

    #[test]
    fn a_file_and_its_name_survive_when_both_were_synced() {
        for seed in 0..50 {
            let disk = SimDisk::new(seed);
            disk.create_dir("journal").unwrap();
            disk.sync_dir("").unwrap();
            write(&disk, "journal/a", b"hello").unwrap().sync().unwrap();
            disk.sync_dir("journal").unwrap();
            disk.lose_power(COIN);
            assert_eq!(disk.contents("journal/a").as_deref(), Some(&b"hello"[..]));
        }
    }

    #[test]
    fn a_synced_file_without_a_synced_name_may_be_missing() {
        let mut seen = BTreeSet::new();
        for seed in 0..50 {
            let disk = SimDisk::new(seed);
            write(&disk, "a", b"hello").unwrap().sync().unwrap();
            disk.lose_power(COIN);
            seen.insert(disk.contents("a"));
        }
        assert_eq!(seen, BTreeSet::from([None, Some(b"hello".to_vec())]));
    }

    #[test]
    fn bytes_stay_with_the_file_under_either_name() {
        let mut seen = BTreeSet::new();
        for seed in 0..50 {
            let disk = SimDisk::new(seed);
            write(&disk, "a.tmp", b"hello").unwrap().sync().unwrap();
            disk.sync_dir("").unwrap();
            disk.rename("a.tmp", "a.seg").unwrap();
            disk.lose_power(COIN);
            assert_ne!(exists(&disk, "a.tmp"), exists(&disk, "a.seg"));
            let name = if exists(&disk, "a.seg") { "a.seg" } else { "a.tmp" };
            assert_eq!(disk.contents(name).as_deref(), Some(&b"hello"[..]));
            seen.insert(name);
        }
        assert_eq!(seen.len(), 2);
    }

    #[test]
    fn a_killed_process_loses_nothing_but_its_handles() {
        let disk = SimDisk::new(0);
        let file = write(&disk, "a", b"hello").unwrap();
        disk.kill();
        assert!(file.len().is_err());
        assert_eq!(disk.contents("a").as_deref(), Some(&b"hello"[..]));
        disk.lose_power(Keep::Nothing);
        assert_eq!(disk.contents("a"), None);
    }

    #[test]
    fn the_fuse_stops_the_disk_inside_a_call_and_names_the_site() {
        let disk = SimDisk::new(0);
        let file = write(&disk, "1.seg", b"hello").unwrap();
        let site = Site { call: Call::Sync, class: FileClass::Segment };
        disk.set_fuse(Some(Fuse::Site(site, 0)));
        file.write_at(&mut [IoSlice::new(b"x")], 5).unwrap();
        assert!(file.sync().is_err());
        assert_eq!(disk.stopped_at(), Some(site));
        assert!(file.len().is_err());
        assert!(disk.list("").is_err());
        disk.lose_power(Keep::Everything);
        assert_eq!(disk.contents("1.seg").as_deref(), Some(&b"hellox"[..]));
        assert_eq!(disk.stopped_at(), None);
    }

    #[test]
    fn the_fuse_counts_calls_that_change_something() {
        let disk = SimDisk::new(0);
        disk.set_fuse(Some(Fuse::Calls(2)));
        let file = write(&disk, "a", b"hello").unwrap();
        assert_eq!(file.len().unwrap(), 5);
        assert!(file.sync().is_err());
    }

    #[test]
    fn a_lying_disk_says_yes_and_syncs_nothing() {
        for (lie, name_stays, bytes_stay) in
            [(Lie::DataSync, true, false), (Lie::DirectorySync, false, false)]
        {
            let disk = SimDisk::new(0);
            disk.set_lie(Some(lie));
            write(&disk, "1.seg", b"hello").unwrap().sync().unwrap();
            disk.sync_dir("").unwrap();
            disk.lose_power(Keep::Nothing);
            assert_eq!(exists(&disk, "1.seg"), name_stays);
            assert_eq!(disk.contents("1.seg").is_some_and(|bytes| !bytes.is_empty()), bytes_stay);
        }
    }

    #[test]
    fn a_removed_file_can_be_read_by_who_has_it_open() {
        let disk = SimDisk::new(0);
        let file = write(&disk, "a", b"hello").unwrap();
        disk.remove("a").unwrap();
        let mut bytes = [0; 5];
        file.read_at(&mut bytes, 0).unwrap();
        assert_eq!(&bytes, b"hello");
    }
}
