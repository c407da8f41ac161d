//! Opening a journal: what the catalog lists is read, a torn tail is cut, damage is told, and nothing is visible
//! before it is durable again.
//!
//! Who may be incomplete is known from the way groups are written: group n is synced before group n+1 is written, and
//! a segment before anything is written to the next one. So only the group with the highest number can be torn; it was
//! never acknowledged and is cut whole. Anything else that is wrong was durable once: it is damage, which is reported,
//! left as it is, and never served; the rest stays readable. `verdict.rs` is that decision, as a table.

use std::{
    collections::{BTreeMap, HashMap},
    io::IoSlice,
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{
    Disk, NextPosition, Open, Position, ShardLogId,
    format::{self, Footer, HEAD_BYTES, Head, Run},
    manifest::{CleanStop, ListedSegment, ManifestChange, ManifestState},
    mutant::{self, Mutant},
};

use super::{
    Cut, CutShard, Damage, Durability, Error, Report, World,
    committer::{Active, grow, run_of},
    leftovers::remove_leftovers,
    scan::{Behind, LOOK_ON_BYTES, Outlook, Step, Walk},
    segment::{self, DIRECTORY, Sealed, Segment, read_footer, read_trailer, write_footer, zero},
    shard::{SKIPPED, Shard},
    verdict::{Verdict, verdict},
};

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
}

/// The frames of a segment without a footer.
struct Scanned {
    end: u64,
    runs: Vec<Run>,
    first_group: u64,
    first_ms: u64,
    last_group: u64,
    last_group_start: u64,
    reseal: bool,
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
            let header = segment::read_header(&*file).map_err(io("read"))?;
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
            opened.push(Opened { segment: Arc::new(segment), length, has_trailer, short });
        }
        Ok(opened)
    }

    /// Takes over all segments in order; answers the one that takes the next groups and the unused ones.
    fn read_segments(
        &mut self,
        opened: Vec<Opened>,
    ) -> Result<(Option<Active>, Vec<Arc<Segment>>), Error> {
        let mut used = Vec::new();
        let clean_end = self.clean_stop.as_ref().map(|stop| stop.segment).filter(|&end| end > 0);
        // What was not sealed is in its own place.
        for one in &opened {
            // Behind a clean stop nothing was written.
            let beyond = clean_end.is_some_and(|end| one.segment.place > end);
            let written = one.has_trailer || one.short;
            used.push(written || (!beyond && has_bytes(&one.segment)?));
        }
        let last_used = used.iter().rposition(|&used| used);
        let mut active = None;
        let mut ready = Vec::new();
        for (at, one) in opened.into_iter().enumerate() {
            let Some(last_used) = last_used.filter(|&last| at <= last) else {
                ready.push(one.segment);
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

    fn scan(&mut self, segment: &Segment, proven: bool, short: bool) -> Result<Scanned, Error> {
        let number = segment.number;
        let io = |source| Error::Io { op: "read", segment: number, source };
        let promise = self.clean_stop.as_ref().filter(|stop| stop.segment == number);
        let promised_end = promise.map(|stop| stop.offset);
        let proven = proven || short;
        let mut walk = Walk::new(segment).map_err(io)?;
        let mut scan = Collector::default();
        let reseal = loop {
            match walk.step().map_err(io)? {
                Step::Accepted { head, offset } => {
                    self.collect(segment, &mut scan, head, offset, walk.group_start)?;
                    continue;
                }
                Step::Newer => return Err(Error::NewerFormat { segment: number }),
                Step::Stopped => {}
            }
            if promised_end == Some(walk.offset) {
                break false;
            }
            // What is proven to have been synced is searched to its end, so that nothing whole is given up.
            let far = if proven || walk.unsynced { u64::MAX } else { LOOK_ON_BYTES };
            let outlook = walk.look_on(far).map_err(io)?;
            self.group_max = self.group_max.max(outlook.group_max);
            let proven = proven || promised_end.is_some_and(|end| end > walk.offset);
            self.unsynced |= walk.unsynced || outlook.unsynced;
            if outlook.unsynced && !proven {
                // Nobody ever synced this: the longest prefix of whole groups stays, the rest is lost.
                self.cut(segment, walk.offset, &outlook, &[]).map_err(io)?;
                break false;
            }
            match verdict(outlook.behind, proven) {
                Verdict::End => break false,
                Verdict::Reseal if promised_end.is_none() => break true,
                Verdict::Cut | Verdict::CutGroup if mutant::is(Mutant::TakeTornGroup) => {
                    let Some(resume_at) = outlook.resume_at else { break false };
                    walk.resume(resume_at);
                }
                Verdict::Cut => {
                    self.cut(segment, walk.offset, &outlook, &[]).map_err(io)?;
                    break false;
                }
                Verdict::CutGroup => {
                    let frames = std::mem::take(&mut scan.last_group);
                    walk.offset = walk.group_start;
                    self.cut(segment, walk.group_start, &outlook, &frames).map_err(io)?;
                    break false;
                }
                Verdict::Damaged | Verdict::Reseal => {
                    let end = outlook.resume_at.or(promised_end).unwrap_or(outlook.last_byte + 1);
                    self.damage(number, walk.offset, end, "bytes that were durable are damaged");
                    match outlook.resume_at {
                        Some(resume_at) => walk.resume(resume_at),
                        None => {
                            // What is damaged stays as it is; what comes next is written behind it.
                            walk.offset = end.next_multiple_of(format::ALIGN as u64);
                            break proven && promised_end.is_none();
                        }
                    }
                }
            }
        };
        self.unsynced |= walk.unsynced;
        self.flush(segment, &mut scan)?;
        Ok(Scanned {
            end: walk.offset,
            runs: scan.runs,
            first_group: scan.first_group,
            first_ms: scan.first_ms,
            last_group: scan.group,
            last_group_start: scan.group_start,
            reseal,
        })
    }

    /// Takes an accepted frame; its group is taken over when the next one begins.
    fn collect(
        &mut self,
        segment: &Segment,
        scan: &mut Collector,
        head: Head,
        offset: u64,
        group_start: u64,
    ) -> Result<(), Error> {
        self.group_max = self.group_max.max(head.group);
        if head.group != scan.group {
            self.flush(segment, scan)?;
            scan.group = head.group;
            scan.group_start = group_start;
            if scan.first_group == 0 {
                (scan.first_group, scan.first_ms) = (head.group, head.arrived_ms);
            }
        }
        if scan.first_ms == 0 {
            scan.first_ms = head.arrived_ms;
        }
        scan.last_group.push((offset, head));
        Ok(())
    }

    /// Takes over the frames of a group that stays.
    fn flush(&mut self, segment: &Segment, scan: &mut Collector) -> Result<(), Error> {
        for (offset, head) in scan.last_group.drain(..) {
            if head.records == 0 {
                continue;
            }
            let Some(shard) = self.shard(segment.number, head.shard)? else { continue };
            let next = shard.writer.lock().next;
            let expected = self.expected(&shard);
            if head.first < next {
                let what = "a frame's positions were given before";
                self.damage(segment.number, offset, offset + head.frame_bytes(), what);
                continue;
            }
            if head.first > expected
                && head.flags & format::FLAG_GAP == 0
                && !mutant::is(Mutant::TakeTornGroup)
            {
                shard.adopt_damage(expected, head.first);
            }
            let run = match scan.open_runs.get(&head.shard) {
                Some(&at) if grow(&mut scan.runs, at, &head, offset) => scan.runs[at],
                _ => {
                    scan.open_runs.insert(head.shard, scan.runs.len());
                    scan.runs.push(run_of(&head, offset));
                    run_of(&head, offset)
                }
            };
            shard.adopt_run(segment.number, run);
            shard.writer.lock().segment_bytes += head.frame_bytes();
        }
        Ok(())
    }

    /// Overwrites what a crash left of unsynced writes, so that none of it ever comes back.
    fn cut(
        &mut self,
        segment: &Segment,
        from: u64,
        outlook: &Outlook,
        frames: &[(u64, Head)],
    ) -> std::io::Result<()> {
        let to = outlook.last_byte.max(from) + 1;
        zero(segment, from, to)?;
        segment.file.sync()?;
        let shards = frames.iter().filter(|(_, head)| head.records > 0).map(|(_, head)| CutShard {
            shard: head.shard,
            first: head.first,
            last: head.end() - 1,
            arrived_ms: head.arrived_ms,
        });
        let cut = Cut {
            segment: segment.number,
            offset: from,
            bytes: to - from,
            shards: shards.collect(),
        };
        self.report.cuts.push(cut);
        Ok(())
    }

    fn damage(&mut self, segment: u64, offset: u64, end: u64, what: &'static str) {
        tracing::error!(segment, offset, end, "{what}; the rest stays readable");
        self.report.damage.push(Damage { segment, offset, end, what });
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
            let (start, end) = (scanned.last_group_start, scanned.end);
            if start > 0 && start < end {
                let mut bytes = vec![0; (end - start) as usize];
                segment.file.read_at(&mut bytes, start)?;
                segment.file.write_at(&mut [IoSlice::new(&bytes)], start)?;
            }
            segment.file.sync()
        };
        rewrite().map_err(|source| Error::Io { op: "sync", segment: segment.number, source })
    }

    fn finish(
        mut self,
        mut active: Option<Active>,
        ready: Vec<Arc<Segment>>,
    ) -> Result<Recovered, Error> {
        let clean = self.clean_stop.is_some();
        if let Some(stop) = self.clean_stop.take() {
            stop.next.iter().for_each(|next| self.adopt_promise(next));
        }
        for (&id, &next) in &self.trimmed {
            if let Some(shard) = self.world.shards.get(id) {
                shard.adopt_next(NextPosition { shard: id, next, arrival_ms_max: 0 });
                shard.trim_to(next);
            }
        }
        if !self.report.damage.is_empty() || (self.unsynced && !clean && self.group_max > 0) {
            // What is damaged or was not synced may have held the last positions that were given.
            self.world.shards.all().iter().for_each(|shard| shard.skip_positions());
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
        let next_group = self.group_max + 1;
        Ok(Recovered { active, ready, next_group, clean, report: self.report })
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

/// Frames on their way into runs.
#[derive(Default)]
struct Collector {
    runs: Vec<Run>,
    /// Each shard's last run.
    open_runs: HashMap<ShardLogId, usize>,
    first_group: u64,
    first_ms: u64,
    group: u64,
    group_start: u64,
    last_group: Vec<(u64, Head)>,
}

impl Scanned {
    fn into_active(self, segment: Arc<Segment>) -> Active {
        Active {
            offset: self.end,
            first_group: self.first_group,
            last_group: self.last_group,
            first_ms: self.first_ms,
            runs: self.runs,
            ..Active::new(segment)
        }
    }
}

/// True if anything was ever written behind the header.
fn has_bytes(segment: &Segment) -> Result<bool, Error> {
    let io = |source| Error::Io { op: "read", segment: segment.number, source };
    let mut walk = Walk::new(segment).map_err(io)?;
    Ok(walk.look_on(LOOK_ON_BYTES).map_err(io)?.behind != Behind::Nothing)
}
