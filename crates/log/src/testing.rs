//! A catalog's side in memory, and a clock that may jump, for tests of this room and of those above.

use parking_lot::Mutex;

use crate::{Manifest, ManifestChange, ManifestError, ManifestState};
pub use crate::{clock::FollowingClock, disk::MemoryDisk};

/// A manifest that lives as long as its value.
#[derive(Debug, Default)]
pub struct MemoryManifest {
    state: Mutex<ManifestState>,
}

impl MemoryManifest {
    /// A manifest that begins with `state`.
    pub fn new(state: ManifestState) -> MemoryManifest {
        MemoryManifest { state: Mutex::new(state) }
    }
}

impl Manifest for MemoryManifest {
    fn state(&self) -> ManifestState {
        self.state.lock().clone()
    }

    fn record(&self, change: ManifestChange) -> Result<(), ManifestError> {
        self.state.lock().apply(&change);
        Ok(())
    }
}
