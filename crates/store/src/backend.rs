//! redb on our door to the disk, so that the simulator's crashes reach the catalog too.

use std::{fmt, io, io::IoSlice, sync::Arc};

use nautilus_log::{Disk, File, Open};
use redb::{Database, StorageBackend};

use crate::{Error, database};

struct Backend(Arc<dyn File>);

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backend")
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(&mut [IoSlice::new(data)], offset)
    }
}

/// Opens the database in `file`; makes it if the file is empty.
pub(crate) fn open_in(file: Arc<dyn File>, cache_bytes: usize) -> Result<Database, Error> {
    let mut builder = Database::builder();
    builder.set_cache_size(cache_bytes);
    builder.create_with_backend(Backend(file)).map_err(database)
}

/// Opens the database `name`, and its file. A new one gets its name only when it is whole: a crash while it is made
/// leaves nothing.
pub(crate) fn open(
    disk: &dyn Disk,
    name: &str,
    cache_bytes: usize,
) -> Result<(Arc<dyn File>, Database), Error> {
    let io = |op| move |source| Error::Io { op, source };
    match disk.open(name, Open::Existing) {
        Ok(file) => {
            // A life that was killed between the name and its sync left a name that may still vanish.
            disk.sync_dir(".").map_err(io("sync the directory of"))?;
            return Ok((file.clone(), open_in(file, cache_bytes)?));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io("open")(error)),
    }
    let temporary = format!("{name}.tmp");
    match disk.remove(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io("make")(error)),
        _ => {}
    }
    let file = disk.open(&temporary, Open::New).map_err(io("make"))?;
    let made = open_in(file.clone(), cache_bytes)?; // synced, when it is made
    disk.rename(&temporary, name).map_err(io("name"))?;
    disk.sync_dir(".").map_err(io("sync the directory of"))?;
    Ok((file, made))
}
