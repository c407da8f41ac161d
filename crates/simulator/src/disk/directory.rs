//! One directory's two images: the names seen now, and the names on the platter.
//!
//! Each unsynced change stays or goes by itself in a crash. A rename is one change: the old name or the new one,
//! never both, never none.

use std::collections::BTreeMap;

use super::Keep;
use crate::chance::Chance;

/// What a name stands for; a renamed file keeps its node, and with it its bytes.
pub(super) type NodeId = u64;

#[derive(Debug, Default)]
pub(super) struct DirectoryImage {
    live: BTreeMap<String, NodeId>,
    durable: BTreeMap<String, NodeId>,
    unsynced: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Link { name: String, node: NodeId },
    Unlink { name: String, node: NodeId },
    Rename { from: String, to: String, node: NodeId },
}

impl DirectoryImage {
    pub(super) fn get(&self, name: &str) -> Option<NodeId> {
        self.live.get(name).copied()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.live.keys()
    }

    /// Every node that a name stands for now or may stand for after a crash.
    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.live.values().chain(self.durable.values()).copied()
    }

    pub(super) fn link(&mut self, name: &str, node: NodeId) {
        self.change(Change::Link { name: name.to_owned(), node });
    }

    /// False if there is no such name.
    pub(super) fn unlink(&mut self, name: &str) -> bool {
        let Some(node) = self.get(name) else { return false };
        self.change(Change::Unlink { name: name.to_owned(), node });
        true
    }

    /// False if there is no such name.
    pub(super) fn rename(&mut self, from: &str, to: &str) -> bool {
        let Some(node) = self.get(from) else { return false };
        self.change(Change::Rename { from: from.to_owned(), to: to.to_owned(), node });
        true
    }

    pub(super) fn sync(&mut self) {
        self.durable.clone_from(&self.live);
        self.unsynced.clear();
    }

    /// The power fails: each unsynced change is kept as `keep` says, and that is the directory from now on.
    pub(super) fn lose_power(&mut self, keep: Keep, chance: &Chance) {
        for change in std::mem::take(&mut self.unsynced) {
            if keep.pick_version(1, chance).is_some() {
                change.apply(&mut self.durable);
            }
        }
        self.live.clone_from(&self.durable);
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.unsynced.push(change);
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, NodeId>) {
        match self {
            Change::Link { name, node } => {
                names.insert(name.clone(), *node);
            }
            Change::Unlink { name, node } => {
                if names.get(name) == Some(node) {
                    names.remove(name);
                }
            }
            Change::Rename { from, to, node } => {
                if names.get(from) == Some(node) {
                    names.remove(from);
                }
                names.insert(to.clone(), *node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const COIN: Keep = Keep::EachSector { percent: 50 };

    #[test]
    fn a_synced_name_survives() {
        for seed in 0..50 {
            let mut directory = DirectoryImage::default();
            directory.link("a", 1);
            directory.sync();
            directory.link("b", 2);
            directory.lose_power(COIN, &Chance::new(seed));
            assert_eq!(directory.get("a"), Some(1));
        }
    }

    #[test]
    fn a_rename_leaves_the_old_name_or_the_new_one() {
        let mut seen = BTreeSet::new();
        for seed in 0..50 {
            let mut directory = DirectoryImage::default();
            directory.link("old", 1);
            directory.sync();
            assert!(directory.rename("old", "new"));
            directory.lose_power(COIN, &Chance::new(seed));
            seen.insert((directory.get("old"), directory.get("new")));
        }
        assert_eq!(seen, BTreeSet::from([(Some(1), None), (None, Some(1))]));
    }

    #[test]
    fn a_removal_may_come_undone_and_a_new_file_may_be_missing() {
        let mut seen = BTreeSet::new();
        for seed in 0..50 {
            let mut directory = DirectoryImage::default();
            directory.link("a", 1);
            directory.sync();
            assert!(directory.unlink("a"));
            directory.link("b", 2);
            directory.lose_power(COIN, &Chance::new(seed));
            seen.insert((directory.get("a"), directory.get("b")));
        }
        assert_eq!(seen.len(), 4, "both changes stay or go by themselves: {seen:?}");
    }

    #[test]
    fn what_is_not_there_is_neither_removed_nor_renamed() {
        let mut directory = DirectoryImage::default();
        assert!(!directory.unlink("a"));
        assert!(!directory.rename("a", "b"));
    }
}
