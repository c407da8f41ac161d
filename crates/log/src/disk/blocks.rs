//! Reads around the blocks that a disk cannot give any more.
//!
//! Such a block is damage of its own bytes and of nothing else: what stands before and behind it is read. Whoever asks
//! is told which bytes are missing, and must not take the zeros that stand for them for zeros of the file. An error
//! that says nothing of the blocks (a file that ends, no memory) is an error as ever.

use std::{io, ops::Range};

use rustix::io::Errno;

use super::File;

/// What a read fails for as a whole: the page of most systems, and no less than a disk's sector.
const BLOCK: u64 = 4096;

/// Stretches of a file that cannot be read, in order.
pub(crate) type Unreadable = Vec<Range<u64>>;

/// Fills `buf` from `offset` with what can be read, and with zeros where nothing can.
pub(crate) fn read_around(file: &dyn File, buf: &mut [u8], offset: u64) -> io::Result<Unreadable> {
    match file.read_at(buf, offset) {
        Err(error) if is_unreadable(&error) => read_by_blocks(file, buf, offset),
        read => read.map(|()| Unreadable::new()),
    }
}

fn read_by_blocks(file: &dyn File, buf: &mut [u8], offset: u64) -> io::Result<Unreadable> {
    let mut unreadable = Unreadable::new();
    let end = offset + buf.len() as u64;
    let mut at = offset;
    while at < end {
        let next = (at / BLOCK + 1).saturating_mul(BLOCK).min(end);
        let block = &mut buf[(at - offset) as usize..(next - offset) as usize];
        match file.read_at(block, at) {
            Ok(()) => {}
            Err(error) if is_unreadable(&error) => {
                block.fill(0);
                match unreadable.last_mut() {
                    Some(last) if last.end == at => last.end = next,
                    _ => unreadable.push(at..next),
                }
            }
            Err(error) => return Err(error),
        }
        at = next;
    }
    Ok(unreadable)
}

/// What is left of `whole` without the stretches that cannot be read.
pub(crate) fn readable(whole: Range<u64>, unreadable: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut left = Vec::new();
    let mut at = whole.start;
    for gap in unreadable {
        left.push(at..gap.start);
        at = gap.end;
    }
    left.push(at..whole.end);
    left.retain(|range| range.start < range.end);
    left
}

/// True if it is the disk, or the file system's own checksums, that cannot give the bytes.
pub(crate) fn is_unreadable(error: &io::Error) -> bool {
    let Some(errno) = Errno::from_io_error(error) else { return false };
    #[cfg(target_os = "linux")]
    if matches!(errno, Errno::UCLEAN | Errno::REMOTEIO) {
        return true;
    }
    matches!(errno, Errno::IO | Errno::BADMSG | Errno::ILSEQ | Errno::NODATA)
}

#[cfg(test)]
mod tests {
    use std::{io::IoSlice, sync::Arc};

    use super::*;
    use crate::{Disk, MemoryDisk, Open};

    /// A file with blocks that cannot be read, for one of several reasons.
    struct Scratched(Arc<dyn File>, Vec<u64>, Errno);

    impl File for Scratched {
        fn len(&self) -> io::Result<u64> {
            self.0.len()
        }
        fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
            // A read that fails may have left anything.
            buf.fill(0xee);
            let end = offset + buf.len() as u64;
            if self.1.iter().any(|block| block * BLOCK < end && offset < (block + 1) * BLOCK) {
                return Err(self.2.into());
            }
            self.0.read_at(buf, offset)
        }
        fn write_at(&self, bufs: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
            self.0.write_at(bufs, offset)
        }
        fn set_len(&self, len: u64) -> io::Result<()> {
            self.0.set_len(len)
        }
        fn sync(&self) -> io::Result<()> {
            self.0.sync()
        }
    }

    fn scratched(blocks: &[u64], errno: Errno) -> Scratched {
        let file = MemoryDisk::default().open("file", Open::New).unwrap();
        file.write_at(&mut [IoSlice::new(&[7; 5 * BLOCK as usize + 100])], 0).unwrap();
        Scratched(file, blocks.to_vec(), errno)
    }

    #[test]
    fn only_the_blocks_that_fail_are_missing_and_they_are_named() {
        let file = scratched(&[0, 2, 3, 5], Errno::IO);
        let mut buf = vec![1; 5 * BLOCK as usize];
        let unreadable = read_around(&file, &mut buf, 50).unwrap();
        assert_eq!(unreadable, [50..BLOCK, 2 * BLOCK..4 * BLOCK, 5 * BLOCK..5 * BLOCK + 50]);
        for (at, byte) in (50..).zip(&buf) {
            let missing = unreadable.iter().any(|range| range.contains(&at));
            assert_eq!(*byte, if missing { 0 } else { 7 }, "{at}");
        }
        let whole = 50..50 + buf.len() as u64;
        assert_eq!(readable(whole, &unreadable), [BLOCK..2 * BLOCK, 4 * BLOCK..5 * BLOCK]);
    }

    #[test]
    fn what_can_be_read_is_one_read() {
        let file = scratched(&[3], Errno::IO);
        let mut buf = [0; 10_000];
        assert_eq!(read_around(&file, &mut buf, 0).unwrap(), []);
        assert_eq!(buf, [7; 10_000]);
        assert_eq!(readable(0..10_000, &[]).first(), Some(&(0..10_000)));
    }

    #[test]
    fn an_error_that_says_nothing_of_a_block_stays_an_error() {
        let mut buf = [0; 100];
        for errno in [Errno::NOMEM, Errno::BADF, Errno::ACCESS, Errno::INVAL] {
            let error = read_around(&scratched(&[0], errno), &mut buf, 0).unwrap_err();
            assert_eq!(Errno::from_io_error(&error), Some(errno));
        }
        let file = scratched(&[0], Errno::IO);
        let mut buf = vec![0; 6 * BLOCK as usize];
        let error = read_around(&file, &mut buf, 0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
