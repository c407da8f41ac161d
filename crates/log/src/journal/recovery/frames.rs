//! The frames of a segment without a footer: what is whole is taken over, what is torn is cut, the rest is damage.

use std::{collections::HashMap, sync::Arc};

use super::{
    super::{
        Cut, CutShard, Error,
        committer::{Active, grow, run_of},
        scan::{Behind, LOOK_ON_BYTES, Outlook, Step, Walk},
        segment::{Segment, zero},
        verdict::{Verdict, verdict},
    },
    Recovery,
};
use crate::{
    ShardLogId,
    format::{self, Head, Run},
    mutant::{self, Mutant},
};

/// The frames of a segment without a footer.
pub(super) struct Scanned {
    pub end: u64,
    pub runs: Vec<Run>,
    pub first_group: u64,
    pub first_ms: u64,
    pub last_group: u64,
    pub last_group_start: u64,
    pub reseal: bool,
    /// There are frames that were written without a sync.
    pub unsynced: bool,
}

impl Recovery<'_> {
    pub(super) fn scan(
        &mut self,
        segment: &Segment,
        proven: bool,
        short: bool,
    ) -> Result<Scanned, Error> {
        let number = segment.number;
        let io = |source| Error::Io { op: "read", segment: number, source };
        let promise = self.clean_stop.as_ref().filter(|stop| stop.segment == number);
        let promised_end = promise.map(|stop| stop.offset);
        let proven = proven || short;
        let mut walk = Walk::new(segment).map_err(io)?;
        let mut scan = Collector::default();
        // Up to here bytes could not be read that may have been durable.
        let mut unreadable_to = 0;
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
            let unreadable = outlook.behind == Behind::Unreadable;
            if outlook.unsynced && !proven && !unreadable {
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
                // A group with such bytes is nothing to write over.
                Verdict::CutGroup if walk.group_start >= unreadable_to => {
                    let frames = std::mem::take(&mut scan.last_group);
                    walk.offset = walk.group_start;
                    self.cut(segment, walk.group_start, &outlook, &frames).map_err(io)?;
                    break false;
                }
                Verdict::Damaged | Verdict::CutGroup | Verdict::Reseal => {
                    let end = outlook.resume_at.or(promised_end).unwrap_or(outlook.last_byte + 1);
                    let what = match unreadable {
                        true => "bytes that may have been durable cannot be read",
                        false => "bytes that were durable are damaged",
                    };
                    self.damage(number, walk.offset, end, what);
                    if unreadable {
                        unreadable_to = end;
                    }
                    match outlook.resume_at {
                        Some(resume_at) => walk.resume(resume_at),
                        None if unreadable => break true,
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
        // Beside bytes that cannot be read nothing is written any more, and what was judged here stays so.
        let unreadable = unreadable_to > 0;
        self.begin_afresh |= unreadable && !proven;
        Ok(Scanned {
            end: walk.offset,
            runs: scan.runs,
            first_group: scan.first_group,
            first_ms: scan.first_ms,
            last_group: scan.group,
            last_group_start: scan.group_start,
            reseal: reseal || unreadable,
            unsynced: scan.unsynced,
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
        scan.unsynced |= head.flags & format::FLAG_UNSYNCED != 0;
        if head.group != scan.group {
            self.flush(segment, scan)?;
            scan.group = head.group;
            scan.group_start = group_start;
            if scan.first_group == 0 && head.records > 0 {
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
    unsynced: bool,
}

impl Scanned {
    pub(super) fn into_active(self, segment: Arc<Segment>) -> Active {
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
