//! What a world does to its disk beside crashes: space gets short and comes back, one call fails; and what the answers
//! may say of it. A refusal for want of space is a promise too: that there was none, and that nothing was done.

use nautilus_log::Durability;

use super::{World, workload::look_of};
use crate::{
    counts,
    disk::{Call, FileClass, Site},
    model::{Status, Violation},
};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// Space is short until the world frees some.
    short: bool,
    /// A segment could not be made ahead: whoever wants the next one is refused once.
    failed_spare: bool,
    /// A write was refused, and none was taken since.
    refused: bool,
    /// One of the present batch was.
    refused_now: bool,
    /// The streams that were on their way in when the present batch began.
    creating: Vec<String>,
    /// Bytes of memory that the records of the present batch take.
    sampled_bytes: u64,
    /// What the disk had counted when the present batch began.
    refused_before: u64,
    strikes_before: u64,
    syncs_before: u64,
    groups_before: u64,
}

impl World {
    /// Space is short from now on: there is room for `bytes` more.
    pub(crate) fn take_space(&mut self, bytes: u64) {
        if self.is_in_memory() {
            return;
        }
        self.tell(format_args!("room for {bytes} bytes more"));
        self.trouble.short = true;
        self.disk.set_free_bytes(Some(bytes));
    }

    /// There is space again.
    pub(crate) fn free_space(&mut self) {
        self.tell(format_args!("space is free"));
        self.trouble.short = false;
        self.disk.set_free_bytes(None);
    }

    pub(crate) fn is_in_memory(&self) -> bool {
        self.settings.durability == Durability::Memory
    }

    pub(crate) fn is_short_of_space(&self) -> bool {
        self.trouble.short
    }

    /// One of the next calls of the disk fails, and no other.
    pub(crate) fn fail_some_call(&mut self) {
        if self.is_in_memory() {
            return;
        }
        let sites: Vec<_> = counts::sites().collect();
        let read = Site { call: Call::Read, class: FileClass::Segment };
        let site = match self.chance.one_in(3) {
            true => read,
            false => *self.chance.pick(&sites).expect("there are sites"),
        };
        let after = self.chance.below(3);
        self.tell(format_args!("one call will fail: {site}, after {after} more"));
        self.disk.set_fault(Some((site, after)));
    }

    /// Makes a segment ahead, as the thread of the product does sooner or later.
    pub(crate) fn make_ahead(&mut self) -> Result<(), Violation> {
        self.begin_batch();
        let named = Site { call: Call::Rename, class: FileClass::TempSegment };
        let before = self.disk.calls_at(named);
        let made = self.engine().make_ahead();
        self.counts.event("segment made ahead", self.disk.calls_at(named) - before);
        if !self.is_down() && !made {
            if !self.found_no_space() && !self.was_interrupted() {
                return Err(Violation::new("no segment ahead, and nothing is in its way"));
            }
            self.trouble.failed_spare = true;
        }
        self.crash_if_down()
    }

    /// Without a process there is no segment ahead.
    pub(super) fn new_process(&mut self) {
        self.trouble.failed_spare = false;
    }

    pub(super) fn sampled(&mut self, bytes: u64) {
        self.trouble.sampled_bytes += bytes;
    }

    pub(super) fn begin_batch(&mut self) {
        self.trouble.refused_now = false;
        self.trouble.creating = self.model.names(|it| matches!(it, Status::Creating { .. }));
        self.trouble.refused_before = self.disk.refused_for_space();
        self.trouble.strikes_before = self.disk.strikes();
        self.trouble.syncs_before = self.disk.segment_syncs();
        self.trouble.groups_before = self.engine.as_ref().map_or(0, |engine| engine.groups());
    }

    /// The stream was on its way in when the batch began.
    pub(crate) fn was_creating(&self, name: &str) -> bool {
        self.trouble.creating.iter().any(|creating| creating == name)
    }

    pub(super) fn end_batch(&mut self) {
        self.trouble.sampled_bytes = 0;
        // Who wanted the next segment was refused; from now on it is made when it is wanted.
        self.trouble.failed_spare &= !self.trouble.refused_now;
    }

    /// A segment that was synced, was so with all that was written before the batch.
    pub(super) fn note_syncs(&mut self) {
        if self.disk.segment_syncs() > self.trouble.syncs_before {
            self.at_risk_from = self.at_risk_from.max(self.trouble.groups_before + 1);
        }
    }

    /// The disk had no space for something since the batch began.
    pub(super) fn found_no_space(&self) -> bool {
        self.disk.refused_for_space() > self.trouble.refused_before
    }

    /// A call of the disk failed since the batch began.
    pub(super) fn was_interrupted(&self) -> bool {
        self.disk.strikes() > self.trouble.strikes_before
    }

    /// Something was refused for want of space: there must have been none.
    pub(crate) fn refused_for_space(&mut self, operation: &str) -> Result<(), Violation> {
        let is_write = operation.starts_with("PutRecord");
        if self.is_in_memory() {
            let bytes = self.model.bytes_max(self.now_ms()) + self.trouble.sampled_bytes;
            if bytes <= self.settings.tail_bytes_max as u64 {
                let text = format!("no space, and at most {bytes} bytes are taken");
                return Err(Violation::new(text));
            }
            self.counts.event("memory: refused at the limit", 1);
        } else {
            let for_a_reason = self.is_down()
                || self.found_no_space()
                || self.was_interrupted()
                || self.trouble.failed_spare;
            if !for_a_reason {
                return Err(Violation::new("no space, and the disk has some"));
            }
            let event = if is_write { "full: write refused" } else { "full: change refused" };
            self.counts.event(event, 1);
        }
        self.trouble.refused |= is_write;
        self.trouble.refused_now |= is_write;
        Ok(())
    }

    /// A write found its shard closed, and what follows it did not come: only a full disk lets it wait for so long.
    pub(crate) fn throttled(&mut self) -> Result<(), Violation> {
        if !self.is_short_of_space() {
            return Err(Violation::new("throttled, and the disk has space"));
        }
        self.counts.event("full: write waits for a reshard in vain", 1);
        Ok(())
    }

    /// A write was acknowledged.
    pub(crate) fn taken(&mut self) {
        self.counts.acknowledged += 1;
        if std::mem::take(&mut self.trouble.refused) {
            let event = match self.settings.durability {
                Durability::Memory => "memory: taken again",
                Durability::Fsync | Durability::Os => "full: taken again",
            };
            self.counts.event(event, 1);
        }
    }

    /// Lets the journal do what it does when nothing comes.
    pub(crate) fn idle(&mut self) {
        self.engine().idle();
    }

    /// Which life of the process this is.
    pub(crate) fn life(&self) -> u64 {
        self.next_life
    }

    /// How often the disk was called at one site.
    pub(crate) fn calls_at(&self, site: Site) -> u64 {
        self.disk.calls_at(site)
    }

    /// Everything is expired: of the segments only those are left that hold no records, or every shard's position.
    pub(crate) fn check_space_given_back(&mut self) -> Result<(), Violation> {
        if self.is_in_memory() || self.is_down() || self.is_short_of_space() {
            return Ok(());
        }
        // The newest footer, the segment that takes the groups, and what was made ahead.
        const LEFT_MAX: usize = 4;
        let left = self.disk.names("journal");
        if left.len() > LEFT_MAX && self.disk.struck_at().is_none() {
            return Err(Violation::new(format!("all is expired, and there are {left:?}")));
        }
        self.counts.event("all is expired, and its space given back", 1);
        Ok(())
    }

    /// Without space the end of a passing state may wait.
    pub(super) fn settle_as_seen(&mut self, now_ms: u64) -> Result<(), Violation> {
        for name in self.model.due(now_ms) {
            let look = look_of(self, &name)?;
            let ended = self.model.settle_as_seen(&name, look.as_ref())?;
            self.counts.event("full: a stream's change waits", u64::from(!ended));
        }
        Ok(())
    }
}
