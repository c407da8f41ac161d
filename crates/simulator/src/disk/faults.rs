//! What a disk does that goes on working: one call that fails, and space that is short.

use std::{collections::BTreeSet, io};

use super::{Call, FileClass, Node, NodeId, SimDisk, Site, State, file::BLOCK_BYTES};

/// See the module.
#[derive(Default)]
pub(super) struct Faults {
    /// The call after so many more at this site fails.
    next: Option<(Site, u64)>,
    /// Where one failed in this life.
    struck: Option<Site>,
    /// Segments that a write or a sync failed on: nobody knows what they hold, so nobody may go on with them.
    broken: BTreeSet<NodeId>,
    /// Blocks that the disk has; without a number, enough.
    blocks_max: Option<u64>,
    /// Calls that found no space.
    refused: u64,
    /// Calls that failed.
    strikes: u64,
    /// Syncs of segments that did not.
    pub(super) segment_syncs: u64,
}

impl Faults {
    /// What was broken is read again by the next life. Space stays as short as it is.
    pub(super) fn new_life(&mut self) {
        self.next = None;
        self.struck = None;
        self.broken.clear();
    }
}

impl SimDisk {
    /// One call at `site` will fail, after so many more there; or none. Every other call works.
    pub fn set_fault(&self, fault: Option<(Site, u64)>) {
        self.state.lock().faults.next = fault;
    }

    /// Where a call failed in this life of the process, if one did.
    pub fn struck_at(&self) -> Option<Site> {
        self.state.lock().faults.struck
    }

    /// Leaves room for so many bytes more, or for as many as anybody wants.
    pub fn set_free_bytes(&self, bytes: Option<u64>) {
        let mut state = self.state.lock();
        let used = state.used_blocks();
        state.faults.blocks_max = bytes.map(|bytes| used + bytes / BLOCK_BYTES as u64);
    }

    /// How often there was no space, in all lives.
    pub fn refused_for_space(&self) -> u64 {
        self.state.lock().faults.refused
    }

    /// How often one call failed, in all lives.
    pub fn strikes(&self) -> u64 {
        self.state.lock().faults.strikes
    }

    /// How often a segment was synced, in all lives.
    pub fn segment_syncs(&self) -> u64 {
        self.state.lock().faults.segment_syncs
    }

    /// Forgets everything, as memory does when its process ends.
    pub fn forget_everything(&self) {
        let mut state = self.state.lock();
        state.nodes.clear();
        state.nodes.insert(super::ROOT, Node::Directory(super::DirectoryImage::default()));
        state.new_life();
    }

    /// The names of a directory's files. For checks of a world, at any moment.
    pub fn names(&self, path: &str) -> Vec<String> {
        let mut state = self.state.lock();
        state.directory(path).map_or_else(|_| Vec::new(), |image| image.names().cloned().collect())
    }
}

impl State {
    /// True if this call is the one that fails.
    pub(super) fn strikes(&mut self, call: Call, class: FileClass) -> bool {
        let site = Site { call, class };
        let Some((_, left)) = self.faults.next.as_mut().filter(|(at, _)| *at == site) else {
            return false;
        };
        if *left > 0 {
            *left -= 1;
            return false;
        }
        self.faults.next = None;
        self.faults.struck = Some(site);
        self.faults.strikes += 1;
        true
    }

    /// Fails if this call is the one that does, with no effect.
    pub(super) fn may_fail(&mut self, call: Call, class: FileClass) -> io::Result<()> {
        if self.strikes(call, class) { Err(interrupted(call)) } else { Ok(()) }
    }

    /// A write or sync of a segment failed: going on with it as if nothing were is a broken promise.
    pub(super) fn break_segment(&mut self, node: NodeId, class: FileClass) {
        if matches!(class, FileClass::Segment | FileClass::Footer) {
            self.faults.broken.insert(node);
        }
    }

    pub(super) fn check_whole(&self, node: NodeId, call: Call) {
        let broken = self.faults.broken.contains(&node);
        assert!(!broken, "a {call} of a segment after one that failed, in the same life");
    }

    /// How many blocks a write or a new name may still take.
    pub(super) fn free_blocks(&self) -> u64 {
        match self.faults.blocks_max {
            None => u64::MAX,
            Some(max) => max.saturating_sub(self.used_blocks()),
        }
    }

    pub(super) fn no_space(&mut self) -> io::Error {
        self.faults.refused += 1;
        io::ErrorKind::StorageFull.into()
    }

    /// Blocks of all files that have a name: a removed one's are free at once.
    fn used_blocks(&self) -> u64 {
        let (mut used, mut to_visit) = (0, vec![super::ROOT]);
        while let Some(node) = to_visit.pop() {
            match self.nodes.get(&node) {
                Some(Node::Directory(image)) => {
                    to_visit.extend(image.names().filter_map(|name| image.get(name)));
                }
                Some(Node::File { image, .. }) => used += image.blocks(),
                None => {}
            }
        }
        used
    }
}

/// An interrupted call.
pub(super) fn interrupted(call: Call) -> io::Error {
    io::Error::other(format!("{call} failed"))
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use nautilus_log::{Disk, File, Open};

    use super::*;
    use crate::disk::Keep;

    const BLOCK: u64 = BLOCK_BYTES as u64;

    fn write(file: &dyn File, bytes: usize, offset: u64) -> io::Result<()> {
        file.write_at(&mut [IoSlice::new(&vec![7; bytes])], offset)
    }

    #[test]
    fn a_write_without_space_arrives_as_far_as_there_is_some() {
        let disk = SimDisk::new(0);
        let file = disk.open("1.seg", Open::New).unwrap();
        write(&*file, 10, 0).unwrap();
        disk.set_free_bytes(Some(BLOCK));
        let refused = write(&*file, 3 * BLOCK_BYTES, 100).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        assert_eq!(file.len().unwrap(), 2 * BLOCK);
        write(&*file, 2 * BLOCK_BYTES, 0).unwrap();
        assert_eq!(disk.refused_for_space(), 1);

        disk.set_free_bytes(None);
        write(&*file, 3 * BLOCK_BYTES, 100).unwrap();
    }

    #[test]
    fn what_is_removed_or_cut_makes_space() {
        let disk = SimDisk::new(0);
        let (first, second) =
            (disk.open("a", Open::New).unwrap(), disk.open("b", Open::New).unwrap());
        write(&*first, 2 * BLOCK_BYTES, 0).unwrap();
        disk.set_free_bytes(Some(0));
        assert!(write(&*second, 1, 0).is_err());
        first.set_len(1).unwrap();
        write(&*second, 1, 0).unwrap();
        assert!(write(&*second, 1, BLOCK).is_err());
        disk.remove("a").unwrap();
        write(&*second, 1, BLOCK).unwrap();
    }

    #[test]
    fn a_catalog_finds_no_space_even_where_it_has_written_before() {
        let disk = SimDisk::new(0);
        let file = disk.open("catalog.redb", Open::New).unwrap();
        write(&*file, 2 * BLOCK_BYTES, 0).unwrap();
        disk.set_free_bytes(Some(0));
        assert!(write(&*file, BLOCK_BYTES, BLOCK).is_err());
        write(&*file, BLOCK_BYTES, 0).unwrap();
        disk.set_free_bytes(Some(BLOCK));
        write(&*file, BLOCK_BYTES, BLOCK).unwrap();
    }

    #[test]
    fn one_call_fails_and_the_others_work() {
        let disk = SimDisk::new(0);
        let file = disk.open("1.seg", Open::New).unwrap();
        let read = Site { call: Call::Read, class: FileClass::Segment };
        disk.set_fault(Some((read, 1)));
        write(&*file, 10, 0).unwrap();
        let mut bytes = [0; 10];
        file.read_at(&mut bytes, 0).unwrap();
        assert!(file.read_at(&mut bytes, 0).is_err());
        assert_eq!(disk.struck_at(), Some(read));
        file.read_at(&mut bytes, 0).unwrap();
        assert_eq!(bytes, [7; 10]);
    }

    #[test]
    fn an_interrupted_write_leaves_its_start() {
        let lengths: BTreeSet<u64> = (0..50)
            .map(|seed| {
                let disk = SimDisk::new(seed);
                let file = disk.open("a", Open::New).unwrap();
                disk.set_fault(Some((Site { call: Call::Write, class: FileClass::Other }, 0)));
                assert!(write(&*file, 1_000, 0).is_err());
                file.len().unwrap()
            })
            .collect();
        assert_eq!(lengths, BTreeSet::from([0, 512, 1_000]));
    }

    #[test]
    #[should_panic(expected = "a write of a segment after one that failed")]
    fn nobody_goes_on_with_a_segment_whose_sync_failed() {
        let disk = SimDisk::new(0);
        let file = disk.open("1.seg", Open::New).unwrap();
        disk.set_fault(Some((Site { call: Call::Sync, class: FileClass::Segment }, 0)));
        assert!(file.sync().is_err());
        let _ = write(&*file, 10, 0);
    }

    #[test]
    fn the_next_life_may_go_on_with_everything() {
        let disk = SimDisk::new(0);
        let file = disk.open("1.seg", Open::New).unwrap();
        disk.set_fault(Some((Site { call: Call::Sync, class: FileClass::Segment }, 0)));
        assert!(file.sync().is_err());
        disk.kill();
        assert_eq!(disk.struck_at(), None);
        let file = disk.open("1.seg", Open::Existing).unwrap();
        write(&*file, 10, 0).unwrap();
        file.sync().unwrap();
        disk.sync_dir("").unwrap();
        disk.lose_power(Keep::Nothing);
        assert_eq!(disk.contents("1.seg"), Some(vec![7; 10]));
    }
}
