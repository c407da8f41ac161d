//! What the store does by itself, about once a second: sync, freeze, write blocks, merge them, roll up, forget.
//!
//! Each step is whole: new files first, synced; then the manifest; then memory; then the old files go. What fails is told
//! once and tried again after a while; what is known is known meanwhile.

use std::{
    collections::HashSet,
    io,
    sync::{Arc, atomic::Ordering},
};

use nautilus_stats::Distribution;

use crate::{
    DIRECTORY, SeriesId,
    block::{self, Block, BlockEntry, BlockWriter},
    core::{Core, Generation, Tables},
    entries::Record,
    manifest::Manifest,
    memtable::Point,
    merge,
    record_log::RecordLog,
    tier::Tier,
    write::log_path,
};

/// What only the keeper knows.
#[derive(Default)]
pub(crate) struct Keeper {
    pub manifest: Manifest,
    /// Where new series are listed, once there is one.
    pub series: Option<RecordLog>,
    /// Series in that file, with those that are forgotten.
    pub series_listed: usize,
    /// Blocks that cannot be read: they stay until they would be too old.
    pub damaged: Vec<BlockEntry>,
    /// Files that are of no use once both copies of the manifest say so.
    garbage: Vec<String>,
    second_copy_due: bool,
    forgot_ms: u64,
    retry_ms: u64,
    has_failed: bool,
    is_closed: bool,
}

pub(crate) fn series_path(number: u64) -> String {
    format!("{DIRECTORY}/series-{number:08}")
}

/// How often it is looked for series to forget.
const FORGET_MS: u64 = 3_600_000;

impl Keeper {
    pub fn close(&mut self) {
        self.is_closed = true;
    }
}

/// A change of the list of files.
#[derive(Default)]
struct Change {
    add: Vec<Block>,
    remove: HashSet<u64>,
    /// The oldest frozen table is in the new blocks.
    has_flushed: bool,
}

impl Core {
    /// Does what is due.
    pub fn keep(&self) {
        let mut keeper = self.keeper.lock();
        let now_ms = self.clock.now_ms();
        if keeper.is_closed {
            return;
        }
        self.beat();
        let wait_ms = keeper.retry_ms.saturating_sub(now_ms);
        if keeper.has_failed && (1..=self.settings.retry_ms).contains(&wait_ms) {
            return;
        }
        match self.keep_files(&mut keeper, now_ms) {
            Ok(()) => {
                if std::mem::take(&mut keeper.has_failed) {
                    tracing::warn!("metrics: blocks are written again");
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted && self.is_closing() => {}
            Err(error) => {
                if !std::mem::replace(&mut keeper.has_failed, true) {
                    tracing::error!(%error, "metrics: blocks cannot be written: tried again until they can");
                }
                keeper.retry_ms = now_ms + self.settings.retry_ms;
            }
        }
    }

    /// What has to be done in time, also during long work: sync, freeze, and keep memory bounded.
    pub fn beat(&self) {
        let now_ms = self.clock.now_ms();
        let synced_ms = self.synced_ms.load(Ordering::SeqCst);
        if now_ms.abs_diff(synced_ms) >= self.settings.sync_ms {
            self.synced_ms.store(now_ms, Ordering::SeqCst);
            // A failure is told by the writer, and what was in the file becomes blocks.
            let _ = self.sync_log();
        }
        let needs_flush = self.writer.lock().needs_flush;
        let is_turn_due = {
            let Tables { open, frozen, .. } = &*self.tables.read();
            // While one that needs it waits for the disk, another one would be no help.
            let is_urgent = needs_flush && !frozen.iter().any(|generation| generation.needs_flush);
            !open.table.is_empty()
                && (is_urgent
                    || open.table.bytes() >= self.settings.turn_bytes
                    || open.log_bytes >= self.settings.turn_log_bytes
                    || now_ms.saturating_sub(open.opened_ms) >= self.settings.turn_ms)
        };
        if is_turn_due {
            self.turn();
        }
        self.give_up_what_is_too_much();
    }

    /// Memory is bounded, whatever the disk does.
    fn give_up_what_is_too_much(&self) {
        let mut tables = self.tables.write();
        while tables.bytes() > self.settings.memory_bytes_max && tables.frozen.len() > 1 {
            let given_up = tables.frozen.pop_front();
            let bytes = given_up.map_or(0, |generation| generation.table.bytes());
            tracing::error!(
                bytes,
                "metrics: no room for more samples: the oldest unwritten ones are given up"
            );
        }
    }

    fn keep_files(&self, keeper: &mut Keeper, now_ms: u64) -> io::Result<()> {
        if keeper.second_copy_due {
            self.finish_change(keeper)?;
        }
        while let Some(generation) = self.flush_due(now_ms) {
            self.flush(keeper, &generation)?;
        }
        self.all_is_flushed();
        if self.clock.is_unsure() {
            return Ok(()); // by a wrong time nothing is too old
        }
        if now_ms.abs_diff(keeper.forgot_ms) >= FORGET_MS {
            keeper.forgot_ms = now_ms;
            self.forget(keeper)?;
        }
        loop {
            let blocks = self.tables.read().blocks.clone();
            let now_s = self.now_s();
            if let Some(due) = merge::find(&blocks, now_s, self.settings.merge_blocks) {
                self.merge(keeper, &due)?;
            } else if let Some(oldest) = self.too_much(&blocks) {
                self.change(keeper, Change { remove: [oldest].into(), ..Change::default() })?;
            } else {
                return Ok(());
            }
        }
    }

    fn flush_due(&self, now_ms: u64) -> Option<Arc<Generation>> {
        let needs_flush = self.writer.lock().needs_flush;
        let tables = self.tables.read();
        let oldest = tables.frozen.front()?;
        let is_due = needs_flush
            || tables.frozen.iter().any(|generation| generation.needs_flush)
            || tables.bytes() > self.settings.memory_bytes
            || tables.frozen.iter().map(|generation| generation.log_bytes).sum::<u64>()
                > self.settings.log_bytes
            || now_ms.saturating_sub(oldest.frozen_ms) >= self.settings.window_ms;
        is_due.then(|| oldest.clone())
    }

    /// If nothing is in memory, nothing of it needs to become blocks.
    fn all_is_flushed(&self) {
        let mut writer = self.writer.lock();
        let tables = self.tables.read();
        writer.needs_flush &= !tables.open.table.is_empty() || !tables.frozen.is_empty();
    }

    /// Writes a frozen table as blocks.
    fn flush(&self, keeper: &mut Keeper, generation: &Generation) -> io::Result<()> {
        self.list_series(keeper, &generation.registered)?;
        let mut runs: Vec<(Tier, u32, SeriesId, &[Point])> = Vec::new();
        for (id, points) in generation.table.all() {
            let span = |point: &Point| (point.tier, point.tier.span_of(point.at_s));
            let in_span = points.chunk_by(|one, other| span(one) == span(other));
            runs.extend(in_span.filter_map(|points| {
                let (tier, span_s) = span(points.first()?);
                Some((tier, span_s, id, points))
            }));
        }
        runs.sort_unstable_by_key(|(tier, span_s, id, _)| (*tier, *span_s, *id));
        let mut change = Change { has_flushed: true, ..Change::default() };
        let by_span = |one: &(Tier, u32, _, _), other: &(Tier, u32, _, _)| {
            (one.0, one.1) == (other.0, other.1)
        };
        for runs in runs.chunk_by(by_span) {
            if let Some(block) = self.write_block(runs)? {
                change.add.push(block);
            }
        }
        self.change(keeper, change)
    }

    fn write_block(&self, runs: &[(Tier, u32, SeriesId, &[Point])]) -> io::Result<Option<Block>> {
        let Some((tier, span_s, ..)) = runs.first() else { return Ok(None) };
        let number = self.next_file();
        let written = || {
            let quick = self.settings.quick;
            let mut out = BlockWriter::create(&*self.disk, number, *tier, *span_s, quick)?;
            for (_, _, id, points) in runs {
                if self.is_closing() {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                let points: Vec<(u32, Distribution)> =
                    points.iter().map(|point| (point.at_s, point.distribution())).collect();
                out.add(*id, points.iter().map(|(at_s, samples)| (*at_s, samples)))?;
            }
            out.finish()
        };
        let block = written();
        if block.is_err() {
            // What it takes is needed; if it stays, the next start removes it.
            let _ = self.disk.remove(&block::path(number));
        }
        block
    }

    fn merge(&self, keeper: &mut Keeper, due: &merge::Merge) -> io::Result<()> {
        let remove: HashSet<u64> = due.blocks.iter().map(|block| block.entry.number).collect();
        let merged = match due.target {
            Some(target) => merge::write(self, &due.blocks, target, self.settings.thorough)?,
            None => None,
        };
        self.change(
            keeper,
            Change { add: merged.into_iter().collect(), remove, has_flushed: false },
        )
    }

    /// The oldest block, if all of them are more than may be.
    fn too_much(&self, blocks: &[Arc<Block>]) -> Option<u64> {
        let all: u64 = blocks.iter().map(|block| block.entry.bytes).sum();
        let oldest = blocks.iter().min_by_key(|block| (block.entry.last_s, block.entry.number))?;
        (all > self.settings.blocks_bytes_max).then_some(oldest.entry.number)
    }

    /// Makes a change: when the manifest's first copy is written, it is made.
    fn change(&self, keeper: &mut Keeper, change: Change) -> io::Result<()> {
        let mut manifest = keeper.manifest.clone();
        manifest.version += 1;
        manifest.blocks.retain(|entry| !change.remove.contains(&entry.number));
        manifest.blocks.extend(change.add.iter().map(|block| block.entry));
        {
            let tables = self.tables.read();
            manifest.next_series = manifest.next_series.max(tables.registry.next_id());
            if let Some(flushed) = tables.frozen.front().filter(|_| change.has_flushed) {
                manifest.first_log = manifest.first_log.max(flushed.through + 1);
            }
        }
        if let Some(series) = &keeper.series {
            manifest.series_bytes = series.end();
        }
        manifest.next_file = self.next_file.load(Ordering::SeqCst);
        if let Err(error) = manifest.store_first(&*self.disk) {
            // If it is there all the same, it names them: they go with a later one that is whole.
            let added = change.add.iter().map(|block| block::path(block.entry.number));
            keeper.garbage.extend(added);
            return Err(error);
        }

        let logs = keeper.manifest.first_log..manifest.first_log;
        keeper.garbage.extend(logs.map(log_path));
        keeper.garbage.extend(change.remove.iter().map(|number| block::path(*number)));
        keeper.manifest = manifest;
        keeper.second_copy_due = true;
        {
            let mut tables = self.tables.write();
            tables.blocks.retain(|block| !change.remove.contains(&block.entry.number));
            tables.blocks.extend(change.add.into_iter().map(Arc::new));
            if change.has_flushed {
                tables.frozen.pop_front();
            }
        }
        self.finish_change(keeper)
    }

    fn finish_change(&self, keeper: &mut Keeper) -> io::Result<()> {
        keeper.manifest.store_second(&*self.disk)?;
        keeper.second_copy_due = false;
        for path in keeper.garbage.drain(..) {
            // Of most numbers there is no file of the log; what stays all the same, the next start removes.
            let _ = self.disk.remove(&path);
        }
        Ok(())
    }

    /// Lists series that are new, before anything that names them is in a block.
    fn list_series(&self, keeper: &mut Keeper, registered: &[SeriesId]) -> io::Result<()> {
        if keeper.series.is_none() {
            return self.list_all_series(keeper);
        }
        let Some(series) = &mut keeper.series else { return Ok(()) };
        for ids in registered.chunks(SERIES_PER_RECORD) {
            let mut record = Record::default();
            for id in ids {
                // What was forgotten meanwhile has no samples.
                let known = self.tables.read().registry.series(*id).cloned();
                known.iter().for_each(|series| record.series(*id, series));
            }
            if record.is_empty() {
                continue;
            }
            series.append(&record.finish())?;
            keeper.series_listed += ids.len();
        }
        series.file().sync()
    }

    /// Lists all series in a new file; the manifest's next version has it.
    fn list_all_series(&self, keeper: &mut Keeper) -> io::Result<()> {
        let mut all: Vec<_> = {
            let tables = self.tables.read();
            tables.registry.all().map(|(id, series)| (id, series.clone())).collect()
        };
        all.sort_unstable_by_key(|(id, _)| *id);
        let number = self.next_file();
        let mut file = RecordLog::create(&*self.disk, &series_path(number))?;
        for series in all.chunks(SERIES_PER_RECORD) {
            let mut record = Record::default();
            series.iter().for_each(|(id, series)| record.series(*id, series));
            file.append(&record.finish())?;
        }
        file.file().sync()?;
        if keeper.manifest.series_file > 0 {
            keeper.garbage.push(series_path(keeper.manifest.series_file));
        }
        keeper.manifest.series_file = number;
        keeper.series = Some(file);
        keeper.series_listed = all.len();
        Ok(())
    }

    /// Forgets series whose last samples are too old, and lists the others anew if most are forgotten.
    fn forget(&self, keeper: &mut Keeper) -> io::Result<()> {
        let oldest_s = self.now_s().saturating_sub(Tier::Hour.kept_s() + Tier::Hour.step_s());
        let (forgotten, known) = {
            let mut tables = self.tables.write();
            (tables.registry.forget_before(oldest_s), tables.registry.len())
        };
        if forgotten > 0 {
            tracing::info!(
                count = forgotten,
                "metrics: series without samples for 455 days are forgotten"
            );
        }
        let now_s = self.now_s();
        let is_too_old = |entry: &BlockEntry| Tier::of_age(entry.end_s() - 1, now_s).is_none();
        let too_old = keeper.damaged.extract_if(.., |entry| is_too_old(entry));
        let remove: HashSet<u64> = too_old.map(|entry| entry.number).collect();
        let are_most_forgotten = keeper.series_listed > 2 * known + SERIES_PER_RECORD;
        if keeper.series.is_some() && are_most_forgotten {
            self.list_all_series(keeper)?;
        } else if remove.is_empty() {
            return Ok(());
        }
        self.change(keeper, Change { remove, ..Change::default() })
    }
}

/// Series that are written at once.
const SERIES_PER_RECORD: usize = 1024;
