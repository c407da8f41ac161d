//! The disk as the rooms see it: each call counts, may meet the fuse, may be lied about, and changes the images.

use std::{
    io::{self, IoSlice},
    sync::Arc,
};

use nautilus_log::{Disk, File, Open};

use super::{
    Call, FileClass, Node, SimDisk, State,
    directory::{DirectoryImage, NodeId},
    faults::interrupted,
    file::{BLOCK_BYTES, FileImage, SECTOR_BYTES},
    parts, split,
};

impl Disk for SimDisk {
    fn open(&self, path: &str, how: Open) -> io::Result<Arc<dyn File>> {
        let mut state = self.state.lock();
        state.check_running()?;
        let found = state.find(path);
        let node = match (found, how) {
            (Some(_), Open::New) => return Err(io::ErrorKind::AlreadyExists.into()),
            (None, Open::Existing) => return Err(io::ErrorKind::NotFound.into()),
            (Some(node), _) => node,
            (None, _) => {
                let (directory, name) = split(path);
                state.directory(directory)?;
                let class = FileClass::of_path(path);
                let stops = state.begin(Call::Create, class)?;
                state.may_fail(Call::Create, class)?;
                // A directory has room for a name more, mostly.
                if state.free_blocks() == 0 && state.chance.one_in(4) {
                    return Err(state.no_space());
                }
                let node = state
                    .add_node(Node::File { image: FileImage::default(), path: path.to_owned() });
                state.directory(directory)?.link(name, node);
                if stops {
                    state.check_running()?;
                }
                node
            }
        };
        if matches!(state.nodes.get(&node), Some(Node::Directory(_))) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let life = state.life;
        Ok(Arc::new(SimFile { disk: self.clone(), node, life }))
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.check_running()?;
        let mut parent = String::new();
        for name in parts(path) {
            if state.directory(&parent)?.get(name).is_none() {
                let stops = state.begin(Call::Create, FileClass::Directory)?;
                let node = state.add_node(Node::Directory(DirectoryImage::default()));
                state.directory(&parent)?.link(name, node);
                if stops {
                    state.check_running()?;
                }
            }
            parent = format!("{parent}/{name}");
        }
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let mut state = self.state.lock();
        state.check_running()?;
        Ok(state.directory(path)?.names().cloned().collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        let ((directory, old), (to_directory, new)) = (split(from), split(to));
        assert_eq!(directory, to_directory, "files are renamed within their directory");
        let stops = state.begin(Call::Rename, FileClass::of_path(from))?;
        state.may_fail(Call::Rename, FileClass::of_path(from))?;
        if !state.directory(directory)?.rename(old, new) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let node = state.find(to).ok_or(io::ErrorKind::NotFound)?;
        if let Some(Node::File { path, .. }) = state.nodes.get_mut(&node) {
            *path = to.to_owned();
        }
        if stops { state.check_running() } else { Ok(()) }
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        let (directory, name) = split(path);
        let stops = state.begin(Call::Remove, FileClass::of_path(path))?;
        state.may_fail(Call::Remove, FileClass::of_path(path))?;
        if !state.directory(directory)?.unlink(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if stops { state.check_running() } else { Ok(()) }
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.begin(Call::SyncDir, FileClass::Directory)? {
            return state.check_running();
        }
        state.may_fail(Call::SyncDir, FileClass::Directory)?;
        if !state.lies(Call::SyncDir, FileClass::Directory) {
            state.directory(path)?.sync();
        }
        Ok(())
    }
}

struct SimFile {
    disk: SimDisk,
    node: NodeId,
    life: u64,
}

impl File for SimFile {
    fn len(&self) -> io::Result<u64> {
        let mut state = self.disk.state.lock();
        state.check_running()?;
        Ok(state.file(self.node, self.life)?.0.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        state.check_running()?;
        let class = FileClass::of_path(state.file(self.node, self.life)?.1);
        state.may_fail(Call::Read, class)?;
        let (image, _) = state.file(self.node, self.life)?;
        let bytes = image.read(offset as usize, buf.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(bytes);
        Ok(())
    }

    fn write_at(&self, bufs: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| &buf[..]);
        let class = FileClass::of_write(state.file(self.node, self.life)?.1, first);
        let stops = state.begin(Call::Write, class)?;
        let fails = state.strikes(Call::Write, class);
        state.check_whole(self.node, Call::Write);
        let bytes: usize = bufs.iter().map(|buf| buf.len()).sum();
        // Who is killed or interrupted in a write has written a part of it, from its start.
        let mut left = match stops || fails {
            true => {
                state.chance.below(bytes as u64 / SECTOR_BYTES as u64 + 2) as usize * SECTOR_BYTES
            }
            false => bytes,
        };
        let free = state.free_blocks();
        let (image, _) = state.file(self.node, self.life)?;
        let mut offset = offset as usize;
        let room = match class {
            // Its pages, but for the first one, are never written where they were.
            FileClass::Catalog if offset >= BLOCK_BYTES => {
                image.room_for_copies(offset, bytes, free)
            }
            _ => image.room(offset, bytes, free),
        };
        left = left.min(room);
        for buf in bufs {
            let take = buf.len().min(left);
            image.write(offset, &buf[..take]);
            offset += take;
            left -= take;
        }
        if stops {
            return state.check_running();
        }
        if fails {
            state.break_segment(self.node, class);
            return Err(interrupted(Call::Write));
        }
        if room < bytes { Err(state.no_space()) } else { Ok(()) }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        let class = FileClass::of_path(state.file(self.node, self.life)?.1);
        let stops = state.begin(Call::SetLen, class)?;
        state.may_fail(Call::SetLen, class)?;
        state.file(self.node, self.life)?.0.set_len(len as usize);
        if stops { state.check_running() } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        let class = FileClass::of_path(state.file(self.node, self.life)?.1);
        let stops = state.begin(Call::Sync, class)?;
        let fails = state.strikes(Call::Sync, class);
        state.check_whole(self.node, Call::Sync);
        if stops || fails {
            // Only the journal says that it can bear this; a catalog of another kind could not.
            if class == FileClass::Segment && state.chance.one_in(2) {
                let State { chance, nodes, .. } = &mut *state;
                if let Some(Node::File { image, .. }) = nodes.get_mut(&self.node) {
                    image.fail_sync(chance);
                }
            }
            state.break_segment(self.node, class);
            state.check_running()?;
            return Err(interrupted(Call::Sync));
        }
        state.faults.segment_syncs += u64::from(class == FileClass::Segment);
        if !state.lies(Call::Sync, class) {
            state.file(self.node, self.life)?.0.sync();
        }
        Ok(())
    }

    fn zeros_from(&self, offset: u64) {
        let mut state = self.disk.state.lock();
        if state.stopped_at.is_some() {
            return;
        }
        let Ok((image, path)) = state.file(self.node, self.life) else { return };
        let rest = image.len().saturating_sub(offset as usize);
        let zeros = image.read(offset as usize, rest).is_none_or(|b| b.iter().all(|b| *b == 0));
        assert!(zeros, "{path} was promised to be zeros from {offset}");
    }
}
