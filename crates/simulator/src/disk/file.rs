//! One file's two images: what a reader sees now, and what is on the platter.
//!
//! Between them stand the sectors written since the last sync, with every version that a write-back could have
//! caught, and every length that the file had. A crash chooses among them; nothing else may happen to a file.

use std::collections::{BTreeMap, btree_map::Entry};

use super::Keep;
use crate::chance::Chance;

/// What a disk writes whole or not at all.
pub(super) const SECTOR_BYTES: usize = 512;
/// What a file system gives to a file at once.
pub(super) const BLOCK_BYTES: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct FileImage {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors that differ, or may: their newest version stands in `live`, older unsynced ones here.
    unsynced: BTreeMap<usize, Vec<Vec<u8>>>,
    /// Lengths since the last sync; the newest is `live.len()`.
    lengths: Vec<usize>,
    /// Which blocks of `live` take space: something was written into them. The others are holes.
    taken: Vec<bool>,
}

impl FileImage {
    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    /// The live bytes of a range, or nothing if it ends behind the file.
    pub(super) fn read(&self, offset: usize, len: usize) -> Option<&[u8]> {
        self.live.get(offset..offset.checked_add(len)?)
    }

    /// Blocks that take space.
    pub(super) fn blocks(&self) -> u64 {
        self.taken.iter().filter(|taken| **taken).count() as u64
    }

    /// How many of `len` bytes at `offset` can be written before `free` blocks more are taken.
    pub(super) fn room(&self, offset: usize, len: usize, mut free: u64) -> usize {
        for block in offset / BLOCK_BYTES..(offset + len).div_ceil(BLOCK_BYTES) {
            if self.taken.get(block).is_some_and(|taken| *taken) {
                continue;
            }
            if free == 0 {
                return (block * BLOCK_BYTES).saturating_sub(offset);
            }
            free -= 1;
        }
        len
    }

    /// The same where every block that is written is a new one.
    pub(super) fn room_for_copies(&self, offset: usize, len: usize, free: u64) -> usize {
        let end =
            (offset / BLOCK_BYTES).saturating_add(usize::try_from(free).unwrap_or(usize::MAX));
        end.saturating_mul(BLOCK_BYTES).saturating_sub(offset).min(len)
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let end = offset + bytes.len();
        let blocks = offset / BLOCK_BYTES..end.div_ceil(BLOCK_BYTES);
        self.taken.resize(self.taken.len().max(blocks.end), false);
        self.taken[blocks].fill(true);
        if end > self.live.len() {
            self.live.resize(end, 0);
            self.lengths.push(end);
        }
        self.mark_unsynced(offset, end);
        self.live[offset..end].copy_from_slice(bytes);
    }

    pub(super) fn set_len(&mut self, len: usize) {
        if len == self.live.len() {
            return;
        }
        if len < self.live.len() {
            // What is cut off reads as zeros if the file grows again; until a sync the platter has the old bytes.
            self.mark_unsynced(len, self.live.len());
        }
        self.live.resize(len, 0);
        self.taken.truncate(len.div_ceil(BLOCK_BYTES));
        self.lengths.push(len);
    }

    pub(super) fn sync(&mut self) {
        self.durable.resize(self.live.len(), 0);
        for sector in std::mem::take(&mut self.unsynced).into_keys() {
            let start = sector * SECTOR_BYTES;
            let end = (start + SECTOR_BYTES).min(self.live.len());
            if start < end {
                self.durable[start..end].copy_from_slice(&self.live[start..end]);
            }
        }
        self.lengths.clear();
    }

    /// The sync fails, and the kernel forgets what it could not write: a part is on the platter, the rest stands in
    /// the page cache as if it were, and only writing it again brings it there.
    pub(super) fn fail_sync(&mut self, chance: &Chance) {
        self.durable.resize(self.live.len().max(self.durable.len()), 0);
        for sector in std::mem::take(&mut self.unsynced).into_keys() {
            let start = sector * SECTOR_BYTES;
            let end = (start + SECTOR_BYTES).min(self.live.len());
            if start < end && chance.one_in(2) {
                self.durable[start..end].copy_from_slice(&self.live[start..end]);
            }
        }
        self.durable.resize(self.live.len(), 0);
        self.lengths.clear();
    }

    /// The power fails: the platter keeps what `keep` says, and that is what the file is from now on.
    pub(super) fn lose_power(&mut self, keep: Keep, chance: &Chance) {
        let mut image = std::mem::take(&mut self.durable);
        let lengths = std::mem::take(&mut self.lengths);
        let len = match keep.pick_version(lengths.len(), chance) {
            None => image.len(),
            Some(version) => lengths[version],
        };
        image.resize(self.live.len().max(image.len()).max(len), 0);
        for (sector, older) in std::mem::take(&mut self.unsynced) {
            let Some(version) = keep.pick_version(older.len() + 1, chance) else { continue };
            let start = sector * SECTOR_BYTES;
            let newest = self.sector(sector);
            let bytes = older.get(version).map_or(newest, Vec::as_slice);
            if let Some(room) = image.get_mut(start..) {
                let fits = bytes.len().min(room.len());
                room[..fits].copy_from_slice(&bytes[..fits]);
            }
        }
        image.resize(len, 0);
        self.live.clone_from(&image);
        self.durable = image;
        // A cut that came undone has its blocks again.
        self.taken.resize(len.div_ceil(BLOCK_BYTES), false);
        for (taken, block) in self.taken.iter_mut().zip(self.live.chunks(BLOCK_BYTES)) {
            *taken |= block.iter().any(|byte| *byte != 0);
        }
    }

    fn mark_unsynced(&mut self, from: usize, to: usize) {
        for sector in from / SECTOR_BYTES..to.div_ceil(SECTOR_BYTES) {
            let start = sector * SECTOR_BYTES;
            let newest = &self.live[start..(start + SECTOR_BYTES).min(self.live.len())];
            match self.unsynced.entry(sector) {
                Entry::Occupied(mut older) => older.get_mut().push(newest.to_vec()),
                Entry::Vacant(vacant) => {
                    vacant.insert(Vec::new());
                }
            }
        }
    }

    fn sector(&self, sector: usize) -> &[u8] {
        let start = (sector * SECTOR_BYTES).min(self.live.len());
        &self.live[start..(start + SECTOR_BYTES).min(self.live.len())]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn contents(image: &FileImage) -> &[u8] {
        image.read(0, image.len()).expect("the whole file")
    }

    #[test]
    fn a_synced_byte_survives_whatever_the_crash_keeps() {
        for seed in 0..100 {
            let mut image = FileImage::default();
            image.write(0, &[1; 2000]);
            image.sync();
            image.write(700, &[2; 10]);
            image.lose_power(Keep::EachSector { percent: 50 }, &Chance::new(seed));
            assert_eq!(image.len(), 2000);
            assert_eq!(image.read(0, 512), Some(&[1; 512][..]));
            assert_eq!(image.read(1024, 900), Some(&[1; 900][..]));
        }
    }

    #[test]
    fn an_unsynced_sector_may_stay_or_go_and_its_older_versions_too() {
        let mut seen = BTreeSet::new();
        for seed in 0..100 {
            let mut image = FileImage::default();
            image.write(0, &[1; 512]);
            image.sync();
            image.write(0, &[2; 512]);
            image.write(0, &[3; 512]);
            image.lose_power(Keep::EachSector { percent: 50 }, &Chance::new(seed));
            seen.insert(contents(&image)[0]);
        }
        assert_eq!(seen, BTreeSet::from([1, 2, 3]));
    }

    #[test]
    fn sectors_stay_or_go_one_by_one() {
        let mut seen = BTreeSet::new();
        for seed in 0..100 {
            let mut image = FileImage::default();
            image.write(0, &[1; 1024]);
            image.sync();
            image.write(0, &[2; 1024]);
            image.lose_power(Keep::EachSector { percent: 50 }, &Chance::new(seed));
            seen.insert((contents(&image)[0], contents(&image)[1023]));
        }
        assert_eq!(seen, BTreeSet::from([(1, 1), (1, 2), (2, 1), (2, 2)]));
    }

    #[test]
    fn an_unsynced_length_may_stay_or_go_and_new_bytes_without_their_sector_are_zeros() {
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            let mut image = FileImage::default();
            image.write(0, &[1; 10]);
            image.sync();
            image.write(512, &[2; 10]);
            image.lose_power(Keep::EachSector { percent: 50 }, &Chance::new(seed));
            seen.insert((image.len(), contents(&image).last().copied()));
        }
        assert_eq!(seen, BTreeSet::from([(10, Some(1)), (522, Some(0)), (522, Some(2))]));
    }

    #[test]
    fn a_cut_that_was_not_synced_may_bring_old_bytes_back() {
        let mut seen = BTreeSet::new();
        for seed in 0..100 {
            let mut image = FileImage::default();
            image.write(0, &[1; 1024]);
            image.sync();
            image.set_len(512);
            image.set_len(1024);
            assert_eq!(contents(&image)[1000], 0);
            image.lose_power(Keep::EachSector { percent: 50 }, &Chance::new(seed));
            seen.insert((image.len(), contents(&image).get(1000).copied()));
        }
        assert_eq!(seen, BTreeSet::from([(512, None), (1024, Some(0)), (1024, Some(1))]));
    }

    #[test]
    fn what_was_written_behind_an_unsynced_cut_is_gone() {
        for seed in 0..50 {
            let mut image = FileImage::default();
            image.write(5_000, &[1; 10]);
            image.set_len(10);
            image.lose_power(Keep::EachSector { percent: 50 }, &Chance::new(seed));
            assert!([0, 10, 5_010].contains(&image.len()));
        }
    }

    #[test]
    fn after_a_failed_sync_only_writing_again_helps() {
        let write = |seed, again| {
            let (mut image, chance) = (FileImage::default(), Chance::new(seed));
            image.write(0, &[1; 512]);
            image.sync();
            image.write(0, &[2; 512]);
            image.fail_sync(&chance);
            if again {
                image.write(0, &[2; 512]);
            }
            image.sync();
            assert_eq!(contents(&image)[0], 2, "it looks as if all were well");
            image.lose_power(Keep::Everything, &chance);
            contents(&image)[0]
        };
        let seen: BTreeSet<u8> = (0..50).map(|seed| write(seed, false)).collect();
        assert_eq!(seen, BTreeSet::from([1, 2]));
        assert!((0..50).all(|seed| write(seed, true) == 2));
    }

    #[test]
    fn a_hole_takes_space_when_it_is_written_and_only_then() {
        let mut image = FileImage::default();
        image.set_len(4 * BLOCK_BYTES);
        assert_eq!(image.blocks(), 0);
        assert_eq!(image.room(BLOCK_BYTES - 10, BLOCK_BYTES, 1), 10);
        image.write(BLOCK_BYTES, &[1; 10]);
        assert_eq!(image.blocks(), 1);
        assert_eq!(
            image.room(BLOCK_BYTES, BLOCK_BYTES, 0),
            BLOCK_BYTES,
            "what is taken is never refused"
        );
        assert_eq!(image.room(0, 4 * BLOCK_BYTES, 2), 3 * BLOCK_BYTES);
        image.set_len(BLOCK_BYTES);
        assert_eq!(image.blocks(), 0);
    }

    #[test]
    fn nothing_unsynced_stays_when_the_crash_keeps_nothing() {
        let mut image = FileImage::default();
        image.write(0, &[1; 100]);
        image.lose_power(Keep::Nothing, &Chance::new(0));
        assert_eq!(image.len(), 0);
    }
}
