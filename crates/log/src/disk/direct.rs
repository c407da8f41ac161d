//! Writes past the page cache (`O_DIRECT`), from a buffer of whole blocks.
//!
//! Why: what a journal writes is served from the tail's memory and hardly ever read from the disk soon after. Through
//! the page cache every byte would be copied into a fresh page, twice with the blocks written ahead, and would push
//! out what others need. A block that a write covers only in part is written whole, with what the file has there.
//!
//! Where nobody waits for a sync, small writes may go through the cache: also in whole blocks, so that none has to be
//! read first. The kernel keeps the two ways consistent: before a direct write it writes what the cache has of those
//! blocks, and then drops it.
//!
//! Where a file system does not take such writes, they go through the page cache as ever.
#![allow(clippy::disallowed_methods)] // with `real.rs` the one place that touches files

use std::{
    fs::{File as StdFile, OpenOptions},
    io::{self, IoSlice},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;
use rustix::io::Errno;

use super::{File, real::CachedFile};

/// What devices and file systems ask for at most.
const BLOCK: usize = 4096;
/// Bytes of one write call.
const BUFFER_BYTES: usize = 4 << 20;

/// The side of a file that is written past the page cache.
pub(super) struct DirectFile {
    file: StdFile,
    works: AtomicBool,
    /// Writes up to so many bytes go through the page cache all the same.
    cached_bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// [`BUFFER_BYTES`] from a block's boundary, or nothing yet.
    buffer: Vec<u8>,
    /// A block as it was written last.
    last: Option<(u64, Box<[u8]>)>,
    /// From here on the file is zeros.
    zeros_from: Option<u64>,
}

impl DirectFile {
    /// `None` where the system does not offer this.
    pub fn open(path: &Path, cached_bytes_max: usize) -> Option<DirectFile> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let flags = rustix::fs::OFlags::DIRECT.bits() as i32;
        let file = OpenOptions::new().write(true).custom_flags(flags).open(path).ok()?;
        let works = AtomicBool::new(true);
        Some(DirectFile { file, works, cached_bytes_max, state: Mutex::default() })
    }

    /// Takes the caller's word that from `offset` on the file is zeros.
    pub fn zeros_from(&self, offset: u64) {
        self.state.lock().zeros_from = Some(offset);
    }

    /// Gives the buffer back; for a file that will hardly be written again.
    pub fn release(&self) {
        *self.state.lock() = State::default();
    }

    /// Writes all of `bufs`; `cached` is the same file behind the page cache.
    pub fn write_at(
        &self,
        cached: &CachedFile,
        bufs: &mut [IoSlice<'_>],
        offset: u64,
    ) -> io::Result<()> {
        if !self.works.load(Ordering::Relaxed) {
            return cached.write_at(bufs, offset);
        }
        match self.write_blocks(cached, bufs, offset) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                tracing::info!("the file system takes no direct writes; the page cache does");
                self.works.store(false, Ordering::Relaxed);
                cached.write_at(bufs, offset)
            }
            Err(error) => {
                // What the blocks have now is not known.
                self.release();
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }

    fn write_blocks(
        &self,
        cached: &CachedFile,
        bufs: &[IoSlice<'_>],
        offset: u64,
    ) -> io::Result<()> {
        let bytes: usize = bufs.iter().map(|buf| buf.len()).sum();
        let file = if bytes <= self.cached_bytes_max { &cached.0 } else { &self.file };
        let state = &mut *self.state.lock();
        if state.buffer.is_empty() {
            state.buffer = vec![0; BUFFER_BYTES + BLOCK];
        }
        let aligned = state.buffer.as_ptr().align_offset(BLOCK);
        let buffer = &mut state.buffer[aligned..aligned + BUFFER_BYTES];
        let block_of = |offset: u64| offset / BLOCK as u64 * BLOCK as u64;

        let mut base = block_of(offset);
        let mut filled = (offset - base) as usize;
        if filled > 0 {
            let known = state.last.as_ref().filter(|(at, _)| *at == base);
            match known {
                Some((_, block)) => buffer[..BLOCK].copy_from_slice(block),
                None => read_or_zeros(cached, &mut buffer[..BLOCK], base)?,
            }
        }
        for buf in bufs {
            let mut rest: &[u8] = buf;
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(BUFFER_BYTES - filled));
                buffer[filled..filled + now.len()].copy_from_slice(now);
                filled += now.len();
                rest = later;
                if filled == BUFFER_BYTES {
                    write_whole(file, buffer, base)?;
                    (base, filled) = (base + BUFFER_BYTES as u64, 0);
                }
            }
        }
        let end = base + filled as u64;
        let zeros_from = state.zeros_from.filter(|&zeros| end >= zeros);
        state.zeros_from = zeros_from.map(|_| end).or(state.zeros_from);
        let over = filled % BLOCK;
        if over > 0 {
            let last = filled - over..filled - over + BLOCK;
            let last_at = base + last.start as u64;
            if zeros_from.is_some() {
                buffer[filled..last.end].fill(0);
            } else {
                let mut there = vec![0; BLOCK];
                read_or_zeros(cached, &mut there, last_at)?;
                buffer[filled..last.end].copy_from_slice(&there[over..]);
            }
            filled = last.end;
            match &mut state.last {
                Some((at, block)) => {
                    *at = last_at;
                    block.copy_from_slice(&buffer[last]);
                }
                none => *none = Some((last_at, buffer[last].into())),
            }
        } else {
            state.last = None;
        }
        write_whole(file, &buffer[..filled], base)
    }
}

fn write_whole(file: &StdFile, blocks: &[u8], offset: u64) -> io::Result<()> {
    write_by_blocks(blocks, offset, |blocks, offset| rustix::io::pwrite(file, blocks, offset))
}

/// Writes whole blocks with a call that may be interrupted, and may take only a part: of a block that was taken in part,
/// the whole is written again, for direct writes begin where a block does.
fn write_by_blocks(
    mut blocks: &[u8],
    mut offset: u64,
    mut write: impl FnMut(&[u8], u64) -> rustix::io::Result<usize>,
) -> io::Result<()> {
    while !blocks.is_empty() {
        let taken = match write(blocks, offset) {
            Ok(taken) => taken / BLOCK * BLOCK,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        if taken == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        blocks = &blocks[taken..];
        offset += taken as u64;
    }
    Ok(())
}

/// Reads what the file has; behind its end it has zeros.
fn read_or_zeros(cached: &CachedFile, block: &mut [u8], offset: u64) -> io::Result<()> {
    let there = cached.len()?.saturating_sub(offset).min(block.len() as u64) as usize;
    block[there..].fill(0);
    if there == 0 { Ok(()) } else { cached.read_at(&mut block[..there], offset) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_take_a_part_or_are_interrupted_go_on_at_a_block() {
        let blocks: Vec<u8> = (0..10 * BLOCK).map(|n| (n / 100) as u8).collect();
        for step in [BLOCK, BLOCK + 1, 2 * BLOCK - 512, 3 * BLOCK, 100 * BLOCK] {
            let mut written = vec![0; blocks.len()];
            let mut interrupt = false;
            let done = write_by_blocks(&blocks, 0, |bytes, offset| {
                interrupt = !interrupt;
                if interrupt {
                    return Err(Errno::INTR);
                }
                assert_eq!((bytes.len() % BLOCK, offset as usize % BLOCK), (0, 0));
                let taken = step.min(bytes.len());
                written[offset as usize..][..taken].copy_from_slice(&bytes[..taken]);
                Ok(taken)
            });
            done.unwrap();
            assert!(written == blocks, "{step} bytes a call");
        }
    }

    #[test]
    fn a_call_that_takes_less_than_a_block_or_fails_after_a_part_is_an_error() {
        let blocks = vec![1; 3 * BLOCK];
        for taken in [0, 512] {
            let error = write_by_blocks(&blocks, 0, |_, _| Ok(taken)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::WriteZero);
        }
        let mut answers = [Ok(BLOCK), Err(Errno::IO)].into_iter();
        let error = write_by_blocks(&blocks, 0, |_, _| answers.next().unwrap()).unwrap_err();
        assert_eq!(Errno::from_io_error(&error), Some(Errno::IO));
    }
}
