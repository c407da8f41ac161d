//! The list of the store's files: what is not in it is not there.
//!
//! It is written anew with every change, whole, in two copies one after the other, each renamed into its place. So one
//! damaged copy costs nothing, and a crash leaves one that is whole and names only files that are.

use std::io::{self, IoSlice};

use nautilus_log::{Disk, Open};

use crate::{
    DIRECTORY, Error,
    block::BlockEntry,
    error::cannot,
    format::{self, HEAD_BYTES, Kind},
    tier::Tier,
    varint,
};

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Counts the changes.
    pub version: u64,
    /// Number of the next file, of any kind.
    pub next_file: u64,
    /// No series has this number or a greater one, but those in the log.
    pub next_series: u32,
    /// The first file of the log whose samples are in no block.
    pub first_log: u64,
    /// The file that lists the series, and its length; 0 before there is one.
    pub series_file: u64,
    pub series_bytes: u64,
    pub blocks: Vec<BlockEntry>,
}

const COPIES: [&str; 2] = ["a", "b"];

fn path(copy: &str) -> String {
    format!("{DIRECTORY}/manifest-{copy}")
}

/// What a copy is written to before it is renamed.
pub(crate) const TEMPORARY: &str = "manifest.tmp";

fn temporary() -> String {
    format!("{DIRECTORY}/{TEMPORARY}")
}

impl Manifest {
    /// The newest copy; `None` if there is none at all.
    pub fn load(disk: &dyn Disk) -> Result<Option<Manifest>, Error> {
        let mut newest: Option<Manifest> = None;
        let mut is_damaged = false;
        for copy in COPIES {
            let path = path(copy);
            let file = match disk.open(&path, Open::Existing) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(cannot("open the manifest")(error)),
            };
            let len = file.len().map_err(cannot("read the manifest"))?;
            let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
            let read = file.read_at(&mut bytes, 0).is_ok();
            match read.then(|| decode(&path, &bytes)).transpose()?.flatten() {
                Some(found) if newest.as_ref().is_none_or(|one| one.version < found.version) => {
                    newest = Some(found);
                }
                Some(_) => {}
                None => {
                    tracing::error!(
                        file = path,
                        "metrics: this copy of the list of files is damaged"
                    );
                    is_damaged = true;
                }
            }
        }
        match newest {
            Some(manifest) => Ok(Some(manifest)),
            // A copy is renamed into its place when it is whole: one alone that is damaged was not being written.
            None if is_damaged => Err(Error::Manifest),
            None => Ok(None),
        }
    }

    /// Writes the first copy: when that is done, so is the change. The names of all new files are durable before it names
    /// them.
    pub fn store_first(&self, disk: &dyn Disk) -> io::Result<()> {
        self.write(disk)?;
        disk.sync_dir(DIRECTORY)?;
        disk.rename(&temporary(), &path(COPIES[0]))
    }

    /// Writes the second copy, and makes both durable: only then what the change removed may go.
    pub fn store_second(&self, disk: &dyn Disk) -> io::Result<()> {
        self.write(disk)?;
        disk.rename(&temporary(), &path(COPIES[1]))?;
        disk.sync_dir(DIRECTORY)
    }

    fn write(&self, disk: &dyn Disk) -> io::Result<()> {
        let file = disk.open(&temporary(), Open::Either)?;
        file.set_len(0)?;
        file.write_at(&mut [IoSlice::new(&self.encode())], 0)?;
        file.sync()
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = format::head(Kind::Manifest).to_vec();
        for value in [
            self.version,
            self.next_file,
            self.next_series.into(),
            self.first_log,
            self.series_file,
            self.series_bytes,
            self.blocks.len() as u64,
        ] {
            varint::put(&mut out, value);
        }
        for block in &self.blocks {
            for value in [
                block.number,
                block.tier.number().into(),
                block.span_s.into(),
                block.first_s.into(),
                block.last_s.into(),
                block.bytes,
            ] {
                varint::put(&mut out, value);
            }
        }
        format::seal(&mut out, 0);
        out
    }
}

fn decode(path: &str, bytes: &[u8]) -> Result<Option<Manifest>, Error> {
    let Some(head) = bytes.get(..HEAD_BYTES) else { return Ok(None) };
    if !format::check_head(path, head, Kind::Manifest)? {
        return Ok(None);
    }
    Ok(format::unseal(bytes).and_then(|sealed| fields(&sealed[HEAD_BYTES..])))
}

fn fields(mut rest: &[u8]) -> Option<Manifest> {
    let rest = &mut rest;
    let mut manifest = Manifest {
        version: varint::take(rest)?,
        next_file: varint::take(rest)?,
        next_series: varint::take_u32(rest)?,
        first_log: varint::take(rest)?,
        series_file: varint::take(rest)?,
        series_bytes: varint::take(rest)?,
        blocks: Vec::new(),
    };
    for _ in 0..varint::take(rest)? {
        manifest.blocks.push(BlockEntry {
            number: varint::take(rest)?,
            tier: Tier::of_number(varint::take(rest)?.try_into().ok()?)?,
            span_s: varint::take_u32(rest)?,
            first_s: varint::take_u32(rest)?,
            last_s: varint::take_u32(rest)?,
            bytes: varint::take(rest)?,
        });
    }
    Some(manifest)
}

#[cfg(test)]
mod tests {
    use nautilus_log::MemoryDisk;

    use super::*;

    fn manifest(version: u64) -> Manifest {
        let block = |number| BlockEntry {
            number,
            tier: Tier::Minute,
            span_s: 86_400,
            first_s: 86_460,
            last_s: 100_000,
            bytes: 1 << 40,
        };
        Manifest {
            version,
            next_file: 70,
            next_series: 100,
            first_log: 7,
            series_file: 3,
            series_bytes: 1000,
            blocks: (8..20).map(block).collect(),
        }
    }

    fn stored() -> MemoryDisk {
        let disk = MemoryDisk::default();
        manifest(1).store_first(&disk).unwrap();
        manifest(1).store_second(&disk).unwrap();
        disk
    }

    #[test]
    fn the_newest_copy_counts() {
        let disk = MemoryDisk::default();
        assert_eq!(Manifest::load(&disk).unwrap(), None);
        manifest(1).store_first(&disk).unwrap();
        assert_eq!(Manifest::load(&disk).unwrap(), Some(manifest(1)));
        manifest(1).store_second(&disk).unwrap();
        manifest(2).store_first(&disk).unwrap();
        assert_eq!(Manifest::load(&disk).unwrap(), Some(manifest(2)));
    }

    #[test]
    fn one_damaged_copy_costs_nothing_and_two_are_told() {
        let len = manifest(1).encode().len();
        for at in 0..len * 8 {
            let disk = stored();
            disk.edit("metrics/manifest-b", |bytes| bytes[at / 8] ^= 1 << (at % 8));
            assert_eq!(Manifest::load(&disk).unwrap(), Some(manifest(1)));
            disk.edit("metrics/manifest-a", |bytes| bytes[at / 8] ^= 1 << (at % 8));
            assert!(matches!(Manifest::load(&disk), Err(Error::Manifest)));
        }
    }

    #[test]
    fn another_format_is_refused() {
        let disk = stored();
        disk.edit("metrics/manifest-a", |bytes| {
            bytes[8] = 2;
            let checksum = crc32c::crc32c(&bytes[..12]);
            bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
        });
        assert!(matches!(Manifest::load(&disk), Err(Error::Format { found: 2, .. })));
    }
}
