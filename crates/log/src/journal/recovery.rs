//! Opening a journal: what the catalog lists is read, a torn tail is cut, damage is told, and nothing is visible
//! before it is durable again.
//!
//! Who may be incomplete is known from the way groups are written: group n is synced before group n+1 is written, and
//! a segment before anything is written to the next one. So only the group with the highest number can be torn; it was
//! never acknowledged and is cut whole. Anything else that is wrong was durable once: it is damage, which is reported,
//! left as it is, and never served; the rest stays readable. `verdict.rs` is that decision, as a table.
//!
//! Bytes that cannot be read are damage too: never the end, never cut. They may be readable at a later start, so nothing is
//! written beside them, and what was decided about them is made to last: the next group goes to a fresh segment.

mod frames;

use std::{collections::BTreeMap, io::IoSlice, sync::Arc};

use parking_lot::Mutex;

use crate::{
    Disk, NextPosition, Open, Position, ShardLogId,
    disk::{is_unreadable, readable},
    format::{Footer, HEAD_BYTES, Run},
    manifest::{CleanStop, ListedSegment, ManifestChange, ManifestState},
};

use super::{
    Damage, Durability, Error, Report, World,
    committer::Active,
    leftovers::remove_leftovers,
    scan::{Behind, LOOK_ON_BYTES, Walk},
    segment::{self, DIRECTORY, Sealed, Segment, read_footer, read_trailer, write_footer},
    shard::{SKIPPED, Shard},
};
use frames::Scanned;

/// Bytes that are written again at once.
const AGAIN_BYTES: u64 = 1 << 20;

/// A journal that was opened.
pub(crate) struct Recovered {
    pub active: Option<Active>,
    pub ready: Vec<Arc<Segment>>,
    pub next_group: u64,
    pub clean: bool,
    pub report: Report,
}

/// Makes the journal's directory. Durable with the next sync of the data directory, which opening the catalog does.
pub fn prepare(disk: &dyn Disk) -> std::io::Result<()> {
    disk.create_dir(DIRECTORY)
}

/// Opens what is there; fills the world's shards and segments.
pub(crate) fn recover(world: &World, next_shard: ShardLogId) -> Result<Recovered, Error> {
    let io = |op| move |source| Error::Io { op, segment: 0, source };
    if world.disk.list(DIRECTORY).is_err() {
        prepare(&*world.disk).map_err(io("make directory"))?;
        world.disk.sync_dir(".").map_err(io("sync directory"))?;
    }
    let mut state = world.manifest.state();
    remove_leftovers(world, &state)?;
    if state.journal_id == 0 {
        let journal_id =
            u128::from(world.rng.next_u64()) << 64 | u128::from(world.rng.next_u64()) | 1;
        world.manifest.record(ManifestChange::Made { journal_id })?;
        state = world.manifest.state();
    }
    let mut recovery = Recovery {
        world,
        next_shard,
        clean_stop: state.clean_stop.clone(),
        group_max: state.clean_stop.as_ref().map_or(0, |stop| stop.next_group.saturating_sub(1)),
        report: Report::default(),
        unsynced: world.config.durability == Durability::Os,
        trimmed: state.trimmed.clone(),
        begin_afresh: false,
    };
    let opened = recovery.open_segments(&state)?;
    let (active, ready) = recovery.read_segments(opened)?;
    recovery.finish(active, ready)
}

/// A listed segment's file and what its end says.
struct Opened {
    segment: Arc<Segment>,
    length: u64,
    /// It ends with a trailer: it was sealed, whatever became of its footer.
    has_trailer: bool,
    /// Shorter than an unsealed segment can be.
    short: bool,
    /// Its header cannot be read.
    headless: bool,
}

impl Opened {
    fn was_sealed(&self) -> bool {
        self.has_trailer || self.short
    }
}

struct Recovery<'a> {
    world: &'a World,
    next_shard: ShardLogId,
    clean_stop: Option<CleanStop>,
    group_max: u64,
    report: Report,
    /// Something here was written without a sync.
    unsynced: bool,
    /// Up to where positions may be missing because they expired.
    trimmed: BTreeMap<ShardLogId, Position>,
    /// The next group must go to a segment of its own.
    begin_afresh: bool,
}

impl Recovery<'_> {
    fn open_segments(&mut self, state: &ManifestState) -> Result<Vec<Opened>, Error> {
        let mut opened = Vec::new();
        let mut listed: Vec<_> = state.segments.iter().collect();
        listed.sort_unstable_by_key(|(_, listed)| listed.place);
        for (&number, &ListedSegment { salt, place }) in listed {
            let path = segment::path(number);
            let file = match self.world.open_segment(&path, Open::Existing) {
                Ok(file) => file,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    self.damage(number, 0, 0, "the segment's file is missing");
                    continue;
                }
                Err(source) => return Err(Error::Io { op: "open", segment: number, source }),
            };
            let io = |op| move |source| Error::Io { op, segment: number, source };
            let length = file.len().map_err(io("read"))?;
            let (header, headless) = match segment::read_header(&*file) {
                // The catalog knows the salt: frames can be told all the same.
                Err(error) if is_unreadable(&error) => (None, true),
                read => (read.map_err(io("read"))?, false),
            };
            let bytes = match header {
                Some(header) if header.journal_id != state.journal_id => {
                    return Err(Error::OtherJournal { segment: number });
                }
                Some(header) if header.number == number && header.salt == salt => header.bytes,
                _ => {
                    self.damage(number, 0, HEAD_BYTES as u64, "the segment's header is damaged");
                    length
                }
            };
            let segment = Segment { number, place, salt, bytes, file, sealed: Mutex::new(None) };
            // Footers are large: each is read when it is taken over.
            let has_trailer = read_trailer(&segment, length).map_err(io("read"))?.is_some();
            let short = length < bytes;
            let segment = Arc::new(segment);
            opened.push(Opened { segment, length, has_trailer, short, headless });
        }
        Ok(opened)
    }

    /// Takes over all segments in order; answers the one that takes the next groups and the unused ones.
    fn read_segments(
        &mut self,
        opened: Vec<Opened>,
    ) -> Result<(Option<Active>, Vec<Arc<Segment>>), Error> {
        let mut uses: Vec<Use> = Vec::new();
        let clean_end = self.clean_stop.as_ref().map(|stop| stop.segment).filter(|&end| end > 0);
        // What was not sealed is in its own place.
        for (at, one) in opened.iter().enumerate() {
            // Behind a clean stop nothing was written.
            let beyond = clean_end.is_some_and(|end| one.segment.place > end);
            let in_turn = at.checked_sub(1).is_none_or(|before| opened[before].was_sealed());
            uses.push(match (one.was_sealed(), beyond) {
                (true, _) => Use::Written,
                (false, true) if one.headless => Use::Unreadable,
                (false, true) => Use::Nothing,
                (false, false) => use_of(&one.segment, in_turn)?,
            });
        }
        let last_used = uses.iter().rposition(|used| *used == Use::Written);
        let mut active = None;
        let mut ready = Vec::new();
        for (at, one) in opened.into_iter().enumerate() {
            let Some(last_used) = last_used.filter(|&last| at <= last) else {
                match uses[at] {
                    Use::Unreadable => self.set_aside(one.segment),
                    _ => ready.push(one.segment),
                }
                continue;
            };
            self.world.segments.insert(one.segment.clone());
            let io = |source| Error::Io { op: "read", segment: one.segment.number, source };
            if one.has_trailer
                && let Some((offset, footer)) = read_footer(&one.segment, one.length).map_err(io)?
            {
                self.adopt_footer(&one.segment, offset, &footer)?;
                if at == last_used && self.clean_stop.is_none() {
                    // It may be in the page cache only; written again, it is on the disk.
                    write_footer(&one.segment, offset, &footer)?;
                }
                continue;
            }
            // Something later proves that this segment was synced to its end.
            let proven = at < last_used;
            let scanned = self.scan(&one.segment, proven, one.short)?;
            if scanned.reseal || proven || one.short {
                if self.begin_afresh || scanned.unsynced {
                    self.make_durable(&one.segment, &scanned)?;
                }
                self.reseal(&one.segment, scanned)?;
            } else {
                self.make_durable(&one.segment, &scanned)?;
                one.segment.file.zeros_from(scanned.end);
                active = Some(scanned.into_active(one.segment));
            }
        }
        Ok((active, ready))
    }

    fn adopt_footer(&mut self, segment: &Segment, end: u64, footer: &Footer) -> Result<(), Error> {
        self.group_max = self.group_max.max(footer.last_group);
        let mut spans: BTreeMap<ShardLogId, Run> = BTreeMap::new();
        for run in &footer.runs {
            let span = spans.entry(run.shard).or_insert(*run);
            span.first = span.first.min(run.first);
            span.last = span.last.max(run.last);
            span.arrival_ms_max = span.arrival_ms_max.max(run.arrival_ms_max);
        }
        for (id, span) in spans {
            let Some(shard) = self.shard(segment.number, id)? else { continue };
            self.note_lost(&shard, span.first, span.first_arrival_ms);
            shard.adopt_span(segment.number, &span);
        }
        for next in &footer.next {
            if let Some(shard) = self.world.shards.get(next.shard) {
                self.note_lost(&shard, next.next, next.arrival_ms_max);
                shard.adopt_next(*next);
            }
        }
        let records: u64 = footer.runs.iter().map(|run| u64::from(run.records)).sum();
        // Runs of several shards may cover the same bytes: about as many as records.
        let estimated = |run: &Run| end * u64::from(run.records) / records.max(1);
        *segment.sealed.lock() = Some(Sealed::of(&footer.runs, &self.world.shards, estimated));
        Ok(())
    }

    /// Where a shard's next position must be, unless some are lost or a gap was left.
    fn expected(&self, shard: &Shard) -> Position {
        let trimmed = self.trimmed.get(&shard.id).copied().unwrap_or(1);
        trimmed.max(shard.writer.lock().next)
    }

    /// A sealed segment goes on at `found`: what should stand before it and does not is lost.
    fn note_lost(&mut self, shard: &Shard, found: Position, arrival_ms: u64) {
        let expected = self.expected(shard);
        // Positions may have been left out after damage; the frame that says so is found when it is read.
        if found > expected && found - expected < SKIPPED {
            tracing::error!(shard = shard.id.0, first = expected, end = found, "records are lost");
            shard.adopt_lost_span(expected, found, arrival_ms);
        }
    }

    /// The living shard; `None` for one that was deleted.
    fn shard(&self, segment: u64, id: ShardLogId) -> Result<Option<Arc<Shard>>, Error> {
        if id >= self.next_shard {
            return Err(Error::CatalogOlder { segment });
        }
        Ok(self.world.shards.get(id))
    }

    fn damage(&mut self, segment: u64, offset: u64, end: u64, what: &'static str) {
        tracing::error!(segment, offset, end, "{what}; the rest stays readable");
        self.report.damage.push(Damage { segment, offset, end, what });
    }

    /// A segment that nothing was written to yet, and that cannot be read, takes nothing.
    fn set_aside(&mut self, segment: Arc<Segment>) {
        let what = "a segment without records cannot be read";
        self.damage(segment.number, 0, segment.bytes, what);
        self.world.footers.pin(segment.number, &[]);
        *segment.sealed.lock() = Some(Sealed { damaged: true, ..Sealed::default() });
        self.world.segments.insert(segment);
    }

    /// Gives a segment the footer that it lost. One with damage stays as it is; its runs are kept in memory.
    fn reseal(&mut self, segment: &Segment, scanned: Scanned) -> Result<(), Error> {
        let mut sealed = Sealed::counted(&scanned.runs, &self.world.shards);
        sealed.damaged = self.report.damage.iter().any(|damage| damage.segment == segment.number);
        if sealed.damaged {
            self.world.footers.pin(segment.number, &scanned.runs);
        } else {
            let footer = Footer {
                first_group: scanned.first_group,
                last_group: scanned.last_group,
                runs: scanned.runs,
                next: self.world.shards.all().iter().map(|shard| shard.next_position()).collect(),
            };
            write_footer(segment, scanned.end, &footer)?;
            tracing::warn!(segment = segment.number, "rebuilt the segment's footer by a scan");
        }
        *segment.sealed.lock() = Some(sealed);
        self.world.shards.all().iter().for_each(|shard| shard.index.write().seal(segment.number));
        self.report.rebuilt.push(segment.number);
        Ok(())
    }

    /// After an unclean stop the last accepted group may be in the page cache only, and its pages may even be clean
    /// after a sync that failed: written again, it is on the disk.
    fn make_durable(&self, segment: &Segment, scanned: &Scanned) -> Result<(), Error> {
        if self.clean_stop.is_some() {
            return Ok(());
        }
        let rewrite = || {
            // Without syncs that holds for every group.
            let from = if scanned.unsynced { HEAD_BYTES as u64 } else { scanned.last_group_start };
            let mut start = if from > 0 { from } else { scanned.end };
            while start < scanned.end {
                let end = scanned.end.min(start + AGAIN_BYTES);
                let mut bytes = vec![0; (end - start) as usize];
                let unreadable = segment.read(&mut bytes, start)?;
                for part in readable(start..end, &unreadable) {
                    let bytes = &bytes[(part.start - start) as usize..(part.end - start) as usize];
                    segment.file.write_at(&mut [IoSlice::new(bytes)], part.start)?;
                }
                start = end;
            }
            segment.file.sync()
        };
        rewrite().map_err(|source| Error::Io { op: "sync", segment: segment.number, source })
    }

    fn finish(
        mut self,
        mut active: Option<Active>,
        mut ready: Vec<Arc<Segment>>,
    ) -> Result<Recovered, Error> {
        let clean = self.clean_stop.is_some();
        if self.begin_afresh && !clean {
            active = Some(self.open_afresh(&mut ready)?);
        }
        if let Some(stop) = self.clean_stop.take() {
            stop.next.iter().for_each(|next| self.adopt_promise(next));
        }
        for (&id, &next) in &self.trimmed {
            if let Some(shard) = self.world.shards.get(id) {
                shard.adopt_trimmed(next);
            }
        }
        let may_be_lost =
            self.unsynced && !clean && !self.world.manifest.state().segments.is_empty();
        if !self.report.damage.is_empty() || may_be_lost {
            // What is damaged or was not synced may have held the last positions that were given.
            self.skip_positions()?;
        }
        if let Some(active) = active.as_mut() {
            for (at, run) in active.runs.iter().enumerate() {
                if let Some(shard) = self.world.shards.get(run.shard) {
                    shard.writer.lock().open_run = Some((active.segment.number, at));
                }
            }
        }
        if !self.world.segments.all().is_empty() {
            let synced = self.world.disk.sync_dir(DIRECTORY);
            synced.map_err(|source| Error::Io { op: "sync directory", segment: 0, source })?;
        }
        let next_group = self.next_group(clean);
        Ok(Recovered { active, ready, next_group, clean, report: self.report })
    }

    /// Group numbers are left out after an unclean stop. What a start has cut may come back, if its sync failed and the next
    /// start saw zeros that never reached the disk: then its number is below every later one, and it is taken for nothing.
    fn next_group(&self, clean: bool) -> u64 {
        const LEFT_OUT: u64 = 1 << 10;
        self.group_max + if clean || self.group_max == 0 { 1 } else { LEFT_OUT }
    }

    /// Leaves out positions in all shards, more than in any life before: that is durable first, for what is written behind
    /// the gap may be lost too.
    fn skip_positions(&self) -> Result<(), Error> {
        let shards = self.world.shards.all();
        let known = shards.iter().map(|shard| shard.next_position().next / SKIPPED).max();
        let times = self.world.manifest.state().skips.max(known.unwrap_or(0)) + 1;
        self.world.manifest.record(ManifestChange::PositionsSkipped { times })?;
        shards.iter().for_each(|shard| shard.skip_positions(times));
        Ok(())
    }

    /// Opens the next group in a fresh segment. That proves to every later start that what was taken over now is to stay:
    /// bytes that cannot be read now may be readable then, and what stands around them look like a torn group.
    fn open_afresh(&self, ready: &mut Vec<Arc<Segment>>) -> Result<Active, Error> {
        let segment = match ready.is_empty() {
            true => segment::make(self.world)?,
            false => ready.remove(0),
        };
        self.world.segments.insert(segment.clone());
        let mut active = Active::new(segment);
        active.open_group(self.next_group(false))?;
        let synced = active.segment.file.sync();
        let number = active.segment.number;
        synced.map_err(|source| Error::Io { op: "sync", segment: number, source })?;
        Ok(active)
    }

    /// A clean stop knew every shard's next position; what is missing below it is damage.
    fn adopt_promise(&mut self, next: &NextPosition) {
        let Some(shard) = self.world.shards.get(next.shard) else { return };
        let found = self.expected(&shard);
        if found < next.next && next.next - found < SKIPPED {
            tracing::error!(
                shard = next.shard.0,
                first = found,
                end = next.next,
                "records are lost"
            );
            self.report.damage.push(Damage {
                segment: 0,
                offset: 0,
                end: 0,
                what: "records that were durable are missing",
            });
            shard.adopt_damage(found, next.next);
        }
        shard.adopt_next(*next);
    }
}

/// What a segment without a footer was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Something was written behind the header.
    Written,
    /// It was made ahead.
    Nothing,
    /// As far as can be read, nothing.
    Unreadable,
}

/// `in_turn`: groups may have gone here, for the segment before was sealed.
fn use_of(segment: &Segment, in_turn: bool) -> Result<Use, Error> {
    let io = |source| Error::Io { op: "read", segment: segment.number, source };
    let mut walk = Walk::new(segment).map_err(io)?;
    let outlook = walk.look_on(LOOK_ON_BYTES).map_err(io)?;
    Ok(match outlook.behind {
        Behind::Nothing => Use::Nothing,
        Behind::Unreadable if outlook.group_max == 0 && !in_turn => Use::Unreadable,
        _ => Use::Written,
    })
}
