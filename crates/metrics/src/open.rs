//! How the store finds what it knew: the manifest, the blocks that it names, the series, and what the log has since.
//!
//! The log's last file may end in a record that was torn: it was never answered, and is cut. Damage anywhere else is told,
//! and what stands behind it is read.

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::Arc,
};

use nautilus_log::{Clock, Disk, File, Open};

use crate::{
    DIRECTORY, Error,
    block::{self, Block, ReadError},
    core::{Core, Tables},
    entries::{self, Entry},
    error::cannot,
    keep::{Keeper, series_path},
    manifest::{self, Manifest},
    record_log::{self, RecordLog},
    settings::Settings,
    write::{Writer, log_path},
};

impl Core {
    /// Opens what is in `disk`.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Core, Error> {
        disk.create_dir(DIRECTORY).map_err(cannot("create metrics/"))?;
        let manifest = Manifest::load(&*disk)?.unwrap_or_default();
        let names = disk.list(DIRECTORY).map_err(cannot("list metrics/"))?;
        let mut files = Files::of(&names, &manifest);
        for name in files.useless.drain(..) {
            disk.remove(&format!("{DIRECTORY}/{name}")).map_err(cannot("remove a file"))?;
        }

        let mut opening = Opening {
            disk: &*disk,
            now_ms: clock.now_ms(),
            manifest: &manifest,
            tables: Tables::default(),
            keeper: Keeper::default(),
            unknown: 0,
            unsynced: HashMap::new(),
        };
        opening.series()?;
        opening.blocks()?;
        opening.log(&files.logs)?;
        let Opening { tables, mut keeper, unsynced, .. } = opening;
        keeper.manifest = manifest;
        let writer = Writer::new(tables.open.through, unsynced);
        Ok(Core::new(disk, clock, settings, tables, keeper, writer, files.next))
    }
}

/// What the names in the directory say.
struct Files {
    /// Files of the log that are in no block, oldest first.
    logs: Vec<u64>,
    /// The first number that no file has or had.
    next: u64,
    /// Names of what a crash left, and of what a change had no time to remove.
    useless: Vec<String>,
}

impl Files {
    fn of(names: &[String], manifest: &Manifest) -> Files {
        let blocks: HashSet<u64> = manifest.blocks.iter().map(|entry| entry.number).collect();
        let mut files =
            Files { logs: Vec::new(), next: manifest.next_file.max(1), useless: Vec::new() };
        for name in names {
            let numbered =
                name.split_once('-').and_then(|(kind, number)| Some((kind, number.parse().ok()?)));
            let is_useful = match numbered {
                Some(("log", number)) if number >= manifest.first_log => {
                    files.logs.push(number);
                    true
                }
                Some(("block", number)) => blocks.contains(&number),
                Some(("series", number)) => number == manifest.series_file,
                Some(("log", _)) => false,
                // What is not ours stays.
                _ => name != manifest::TEMPORARY,
            };
            if let Some((_, number)) = numbered {
                files.next = files.next.max(number + 1);
            }
            if !is_useful {
                files.useless.push(name.clone());
            }
        }
        files.logs.sort_unstable();
        files
    }
}

struct Opening<'a> {
    disk: &'a dyn Disk,
    now_ms: u64,
    manifest: &'a Manifest,
    tables: Tables,
    keeper: Keeper,
    /// Samples of series that are not listed.
    unknown: u64,
    /// The files of the log: nobody knows what of them is durable.
    unsynced: HashMap<u64, Arc<dyn File>>,
}

impl Opening<'_> {
    fn series(&mut self) -> Result<(), Error> {
        let Manifest { series_file, series_bytes, next_series, .. } = *self.manifest;
        self.tables.registry.reserve(next_series);
        if series_file == 0 {
            return Ok(());
        }
        let path = series_path(series_file);
        let registry = &mut self.tables.registry;
        let mut listed = 0;
        let mut is_damaged = false;
        let read = record_log::read(self.disk, &path, Some(series_bytes), &mut |record| {
            let read = entries::read(record, |entry| {
                if let Entry::Series(id, series) = entry {
                    listed += 1;
                    if registry.series(id).is_none() {
                        registry.insert(id, &series);
                    }
                }
            });
            is_damaged |= read.is_none();
        });
        let found = match read {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                record_log::Found::default()
            }
            read => read?,
        };
        if is_damaged || found.damaged > 0 || found.end != series_bytes {
            // It is not gone on with: the next block's series are listed anew, with all that are left.
            tracing::error!(
                file = path,
                "metrics: the list of series is damaged: the samples of some are not found any more"
            );
            return Ok(());
        }
        self.keeper.series_listed = listed;
        let series = RecordLog::open(self.disk, &path, series_bytes);
        self.keeper.series = Some(series.map_err(cannot("open the list of series"))?);
        Ok(())
    }

    fn blocks(&mut self) -> Result<(), Error> {
        for entry in &self.manifest.blocks {
            let path = block::path(entry.number);
            match Block::open(self.disk, *entry) {
                Ok(Some(block)) => {
                    self.seen_in(&block);
                    self.tables.blocks.push(Arc::new(block));
                }
                Ok(None) => {
                    tracing::error!(
                        file = path,
                        "metrics: this block's index is damaged: its samples are not shown"
                    );
                    self.keeper.damaged.push(*entry);
                }
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    tracing::error!(
                        file = path,
                        "metrics: this block is missing: its samples are lost"
                    );
                    self.keeper.damaged.push(*entry);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Which series the block has samples of tells when they were seen.
    fn seen_in(&mut self, block: &Block) {
        for page in 0..block.page_count() {
            match block.entries(page) {
                Ok(entries) => entries
                    .iter()
                    .for_each(|entry| self.tables.registry.seen(entry.id, entry.last_s)),
                Err(ReadError::Damaged | ReadError::Io(_)) => {
                    let path = block::path(block.entry.number);
                    tracing::error!(
                        file = path,
                        "metrics: a page of this block's index is damaged"
                    );
                }
            }
        }
    }

    /// All files of the log become the open table; new samples go to a new file.
    fn log(&mut self, numbers: &[u64]) -> Result<(), Error> {
        for (at, number) in numbers.iter().enumerate() {
            let path = log_path(*number);
            let mut is_damaged = false;
            let found = record_log::read(self.disk, &path, None, &mut |record| {
                is_damaged |= entries::read(record, |entry| self.entry(entry)).is_none();
            })?;
            let is_last = at + 1 == numbers.len();
            if is_damaged || found.damaged > 0 || (found.has_tail && !is_last) {
                tracing::error!(file = path, "metrics: the log is damaged: some samples are lost");
            }
            if found.has_tail && is_last {
                tracing::warn!(
                    file = path,
                    at = found.end,
                    "metrics: cut what was written last and not whole"
                );
                self.cut(&path, found.end).map_err(cannot("cut the log"))?;
            }
            self.tables.open.through = *number;
            self.tables.open.log_bytes += found.end;
            if let Ok(file) = self.disk.open(&path, Open::Existing) {
                self.unsynced.insert(*number, file);
            }
        }
        if self.unknown > 0 {
            let count = self.unknown;
            tracing::error!(count, "metrics: periods of series that are not listed are lost");
        }
        self.tables.open.opened_ms = self.now_ms;
        Ok(())
    }

    fn cut(&self, path: &str, end: u64) -> io::Result<()> {
        // Without its head it would be damaged the next time.
        if end == 0 {
            return self.disk.remove(path);
        }
        self.disk.open(path, Open::Existing)?.set_len(end)
    }

    fn entry(&mut self, entry: Entry) {
        let Tables { registry, open, .. } = &mut self.tables;
        match entry {
            Entry::Series(id, series) => {
                if registry.series(id).is_none() {
                    registry.insert(id, &series);
                    open.registered.push(id);
                }
            }
            Entry::Sample { id, tier, at_s, samples } => {
                // Its number is not given again, whatever it was.
                registry.reserve(id.0.saturating_add(1));
                if registry.series(id).is_none() {
                    self.unknown += 1;
                    return;
                }
                registry.seen(id, at_s);
                open.table.add(id, tier, at_s, &samples);
            }
        }
    }
}
