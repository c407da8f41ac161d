//! How lives of the process end and begin: in peace, by a kill, by a loss of power, and what must be there afterwards.
//!
//! With syncs: all that was acknowledged or shown. Without: after a kill the same, after a loss of power all but a
//! suffix. In memory: nothing.

use nautilus_log::Durability;

use super::{World, workload};
use crate::{
    chance::Chance,
    counts::End,
    disk::{Fuse, Keep},
    engine::Engine,
    model::Violation,
};

impl World {
    /// The disk stops when the fuse says so. Memory has no fuse.
    pub(crate) fn light(&mut self, fuse: Fuse) {
        if self.settings.durability != Durability::Memory {
            self.tell(format_args!("fuse {fuse:?}"));
            self.disk.set_fuse(Some(fuse));
        }
    }

    /// Ends this life while what is due is half done.
    pub(crate) fn crash_in_a_tick(&mut self, turns: u64) -> Result<(), Violation> {
        self.tell(format_args!("{turns} turns of a tick"));
        self.engine().part_of_a_tick(turns);
        self.counts.event("crash in a reshard's last step", 1);
        self.crash()
    }

    /// Stops in peace and starts again.
    pub(crate) fn restart(&mut self) -> Result<(), Violation> {
        self.begin_batch();
        self.engine().stop();
        if self.is_down() {
            return match self.found_no_space() {
                // The end could not be noted. It is none in peace.
                true => self.crash_again(),
                false => self.crash(),
            };
        }
        self.end(End::CleanStop);
        // What was stopped in peace is durable even if the power goes a moment later.
        if self.chance.one_in(2) {
            self.disk.lose_power(some_keep(&self.chance));
        } else {
            self.disk.kill();
        }
        self.end_process();
        self.open_or_crash()
    }

    /// Ends this life, and perhaps the next ones while they recover, and looks at what is left.
    pub(crate) fn crash(&mut self) -> Result<(), Violation> {
        if let Some(why) = self.engine().failure()
            && self.disk.stopped_at().is_none()
            && self.disk.struck_at().is_none()
        {
            return Err(Violation::new(format!("ends, though no call of the disk failed: {why}")));
        }
        self.crash_again()
    }

    fn crash_again(&mut self) -> Result<(), Violation> {
        loop {
            self.last_look()?;
            let end = self.end_life(End::Killed, End::PowerLost);
            self.end(end);
            self.open_or_crash()?;
            if self.chance.percent(50) {
                workload::verify_all(self)?;
            }
            // Two crashes in a row, with nothing written between them.
            if !self.chance.percent(25) {
                return Ok(());
            }
        }
    }

    pub(super) fn crash_if_down(&mut self) -> Result<(), Violation> {
        if self.is_down() { self.crash() } else { Ok(()) }
    }

    /// A process that cannot write any more goes on answering readers for a moment.
    fn last_look(&mut self) -> Result<(), Violation> {
        if !self.is_down() {
            return Ok(());
        }
        workload::last_look(self).map_err(|violation| violation.at("last look before the end"))
    }

    fn end_life(&mut self, killed: End, power_lost: End) -> End {
        if let Some(site) = self.disk.stopped_at() {
            *self.counts.sites.entry(site).or_default() += 1;
            self.tell(format_args!("stopped in: {site}"));
        } else if let Some(site) = self.disk.struck_at() {
            self.tell(format_args!("one call failed: {site}"));
            let fatal = self.engine.as_ref().is_some_and(Engine::is_down);
            self.counts.event("a call fails, and with it the process", u64::from(fatal));
        }
        let end = if self.chance.one_in(2) {
            self.disk.kill();
            let in_os = self.settings.durability == Durability::Os && !self.model.has_open_loss();
            self.counts.event("os: killed, and nothing lost", u64::from(in_os));
            killed
        } else {
            self.disk.lose_power(some_keep(&self.chance));
            if self.settings.durability == Durability::Os {
                self.model.lose_power(self.at_risk_from);
            }
            power_lost
        };
        self.end_process();
        end
    }

    /// Only when the disk takes nothing more of it, so that nothing of an orderly end reaches it.
    fn end_process(&mut self) {
        if let Some(engine) = self.engine.take() {
            self.groups_before = engine.groups();
        }
        if self.settings.durability == Durability::Memory {
            self.disk.forget_everything();
            self.model.forget_everything();
            self.counts.event("memory: everything forgotten", 1);
        }
    }

    fn end(&mut self, end: End) {
        *self.counts.ends.entry(end).or_default() += 1;
        self.tell(format_args!("{end}"));
    }

    /// Opens, and crashes a few times on the way.
    pub(super) fn open_or_crash(&mut self) -> Result<(), Violation> {
        for _ in 0..3 {
            if self.chance.percent(30) {
                self.light(Fuse::Calls(self.chance.below(40)));
            } else if self.chance.percent(10) {
                self.fail_some_call();
            }
            if self.open_once()? {
                break;
            }
            let end = self.end_life(End::KilledInRecovery, End::PowerLostInRecovery);
            self.end(end);
        }
        self.disk.set_fuse(None);
        self.disk.set_fault(None);
        // The first time it may be space that is wanted, and is there the second time.
        if self.engine.is_none() && !self.open_once()? && !self.open_once()? {
            return Err(Violation::new("does not open, and nothing is in its way"));
        }
        if self.reshards_are_under_way() {
            self.counts.event("life ends with a reshard under way", 1);
        }
        self.model.restarted();
        workload::look_at_all(self).map_err(|violation| violation.at("after a start"))?;
        self.learn_what_is_lost()?;
        self.at_risk_from = self.engine().groups() + 1;
        Ok(())
    }

    /// False if it did not open for a reason that the world knows.
    fn open_once(&mut self) -> Result<bool, Violation> {
        self.begin_batch();
        let opened = self.open();
        if self.is_down() {
            return Ok(false);
        }
        let Err(error) = opened else { return Ok(true) };
        self.tell(format_args!("does not open: {error}"));
        let is_damage = error.contains("Damage");
        if self.found_no_space() && !is_damage {
            self.counts.event("full: no start before there is space", 1);
            self.free_space();
            return Ok(false);
        }
        if self.was_interrupted() && !is_damage {
            self.counts.event("a call fails, and with it the start", 1);
            return Ok(false);
        }
        Err(Violation::new(format!("does not open: {error}")))
    }

    fn open(&mut self) -> Result<(), String> {
        // A new life does not know how far the clock was; a start takes longer than clocks are set back.
        let now_ms = self.now_ms();
        self.clock.set_ms(now_ms.max(self.model.furthest_ms()));
        self.clock_moved();
        self.new_process();
        self.disk.set_recovering(true);
        let (life, groups) = (self.next_life, self.groups_before);
        self.next_life += 1;
        let opened = Engine::open(&self.disk, self.clock.clone(), life, groups, &self.settings);
        self.disk.set_recovering(false);
        let (engine, report) = opened?;
        self.tell(format_args!("opened: {report}"));
        self.engine = Some(engine);
        Ok(())
    }

    /// Without syncs a loss of power takes a suffix: which one, reading everything tells.
    fn learn_what_is_lost(&mut self) -> Result<(), Violation> {
        if !self.model.has_open_loss() {
            return Ok(());
        }
        workload::verify_all(self)?;
        let lost = self.model.settle_loss()?;
        self.tell(format_args!("{lost} records lost with the power"));
        let event = match lost {
            0 => "os: power lost, and no record",
            _ => "os: records lost with the power",
        };
        self.counts.event(event, 1);
        Ok(())
    }
}

fn some_keep(chance: &Chance) -> Keep {
    match chance.weighted(&[2, 1, 3, 2, 2]) {
        0 => Keep::Nothing,
        1 => Keep::Everything,
        2 => Keep::EachSector { percent: 50 },
        3 => Keep::EachSector { percent: 10 },
        _ => Keep::EachSector { percent: 90 },
    }
}
