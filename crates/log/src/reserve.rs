//! A few megabytes that nobody uses: given back when the disk is full, so that what frees space can still be recorded.
//!
//! The file is the state: it is there, or it was released.

use std::{
    io::{self, IoSlice},
    sync::Arc,
};

use crate::{Disk, Open};

const FILE: &str = "reserve";
const TEMPORARY: &str = "reserve.tmp";
const BYTES: usize = 4 << 20;

/// See the module.
#[derive(Clone)]
pub struct Reserve {
    disk: Arc<dyn Disk>,
    bytes: usize,
}

impl Reserve {
    /// The reserve on `disk`.
    pub fn new(disk: Arc<dyn Disk>) -> Reserve {
        Reserve { disk, bytes: BYTES }
    }

    /// One of another size, for a disk that is a toy.
    pub fn of_bytes(disk: Arc<dyn Disk>, bytes: usize) -> Reserve {
        Reserve { disk, bytes }
    }

    /// Gives the space back; false if that was done before.
    pub fn release(&self) -> bool {
        let released = self.disk.remove(FILE).is_ok();
        if released {
            tracing::warn!(
                "the disk is full; released the reserve so that deletions can be recorded"
            );
        }
        released
    }

    /// Takes the space again, if it is not held. Fails if it is not there.
    pub fn restore(&self) -> io::Result<()> {
        if self.disk.open(FILE, Open::Existing).is_ok() {
            return Ok(());
        }
        let written = self.write();
        if written.is_err() {
            // What was written of it is needed elsewhere.
            let _ = self.disk.remove(TEMPORARY);
        }
        written
    }

    fn write(&self) -> io::Result<()> {
        let file = self.disk.open(TEMPORARY, Open::Either)?;
        let zeros = vec![0; self.bytes.min(1 << 20)];
        for offset in (0..self.bytes).step_by(zeros.len()) {
            file.write_at(&mut [IoSlice::new(&zeros)], offset as u64)?;
        }
        file.sync()?;
        self.disk.rename(TEMPORARY, FILE)
    }
}
