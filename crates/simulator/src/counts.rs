//! What a run did, in numbers. A promise that was never put to the test counts for nothing, so zeros are failures.

use std::{collections::BTreeMap, fmt};

use crate::{
    disk::{Call, FileClass, Site},
    model::Violation,
    workload,
};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// With success.
    Done,
    /// With the error that it had to have.
    Refused,
    /// In a crash; it may have happened.
    Lost,
}

/// How a life of the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// In peace.
    CleanStop,
    /// The process died, the page cache lived.
    Killed,
    /// The machine died.
    PowerLost,
    /// The process died while it recovered.
    KilledInRecovery,
    /// The machine died while the process recovered.
    PowerLostInRecovery,
}

/// Counts of one or many worlds.
#[derive(Debug, Default, Clone)]
pub struct Counts {
    /// By name of the operation.
    pub operations: BTreeMap<(&'static str, Outcome), u64>,
    /// Where the disk stopped.
    pub sites: BTreeMap<Site, u64>,
    /// How lives ended.
    pub ends: BTreeMap<End, u64>,
    /// What else must have come to pass, by name.
    pub events: BTreeMap<&'static str, u64>,
    /// Records acknowledged.
    pub acknowledged: u64,
    /// Records whose answer was lost and that were there afterwards.
    pub survived: u64,
    /// Records whose answer was lost and that were not there afterwards.
    pub vanished: u64,
    /// Records read and compared.
    pub compared: u64,
}

/// Where the seeds must have crashed: each place whose order of writes and syncs matters.
const SITES: [(Call, FileClass); 13] = [
    (Call::Create, FileClass::TempSegment),
    (Call::Write, FileClass::TempSegment),
    (Call::Sync, FileClass::TempSegment),
    (Call::Rename, FileClass::TempSegment),
    (Call::SyncDir, FileClass::Directory),
    (Call::Create, FileClass::Segment),
    (Call::Write, FileClass::Segment),
    (Call::Sync, FileClass::Segment),
    (Call::Write, FileClass::Footer),
    (Call::SetLen, FileClass::Segment),
    (Call::Remove, FileClass::Segment),
    (Call::Write, FileClass::Catalog),
    (Call::Sync, FileClass::Catalog),
];

/// The places where a world may put a fuse.
pub(crate) fn sites() -> impl Iterator<Item = Site> {
    SITES.iter().map(|&(call, class)| Site { call, class })
}

const ENDS: [End; 5] =
    [End::CleanStop, End::Killed, End::PowerLost, End::KilledInRecovery, End::PowerLostInRecovery];

/// What must come to pass besides calls, crash sites and ends.
const EVENTS: &[&str] = &[
    "shards made by a reshard",
    "writes while parents close",
    "life ends with a reshard under way",
    "crash in a reshard's last step",
    "disk stops in a reshard's last step",
    "end of a shard, with its children",
    "child followed",
    "closed shard vanished",
    "iterator at a timestamp",
    "list AT_TIMESTAMP",
    "list FROM_TIMESTAMP",
    "list AT_TRIM_HORIZON",
    "list AFTER_SHARD_ID",
    "list AT_LATEST",
    "segment made ahead",
    "segment rewritten",
    "crash while segments are rewritten",
    "all is expired, and its space given back",
    "os: killed, and nothing lost",
    "os: power lost, and no record",
    "os: records lost with the power",
    "os: iterator at the number of a lost record",
    "memory: everything forgotten",
    "memory: refused at the limit",
    "memory: taken again",
    "full: write refused",
    "full: change refused",
    "full: a stream's change waits",
    "full: write waits for a reshard in vain",
    "full: taken again",
    "full: no start before there is space",
    "a call fails, and with it the process",
    "a call fails, and with it the start",
    "a read fails, and the reader asks again",
];

impl Counts {
    pub(crate) fn event(&mut self, name: &'static str, count: u64) {
        debug_assert!(EVENTS.contains(&name), "{name} is checked for zeros");
        *self.events.entry(name).or_default() += count;
    }

    pub(crate) fn operation(&mut self, name: &'static str, outcome: Outcome) {
        *self.operations.entry((name, outcome)).or_default() += 1;
    }

    /// Adds another world's counts.
    pub fn add(&mut self, other: &Counts) {
        merge(&mut self.operations, &other.operations);
        merge(&mut self.sites, &other.sites);
        merge(&mut self.ends, &other.ends);
        merge(&mut self.events, &other.events);
        self.acknowledged += other.acknowledged;
        self.survived += other.survived;
        self.vanished += other.vanished;
        self.compared += other.compared;
    }

    /// What was never tried.
    pub fn check_no_zeros(&self) -> Result<(), Violation> {
        let mut zeros = Vec::new();
        for name in workload::names() {
            if !self.operations.contains_key(&(name, Outcome::Done)) {
                zeros.push(name.to_owned());
            }
        }
        zeros.extend(sites().filter(|site| !self.sites.contains_key(site)).map(|s| s.to_string()));
        zeros.extend(ENDS.iter().filter(|end| !self.ends.contains_key(end)).map(|e| e.to_string()));
        let count = |event| self.events.get(event).copied().unwrap_or(0);
        zeros.extend(EVENTS.iter().filter(|&&it| count(it) == 0).map(|it| (*it).to_owned()));
        for (name, count) in
            [("a lost answer's record survived", self.survived), ("vanished", self.vanished)]
        {
            if count == 0 {
                zeros.push(name.to_owned());
            }
        }
        if zeros.is_empty() {
            return Ok(());
        }
        Err(Violation::new(format!("never happened: {}", zeros.join(", "))))
    }
}

fn merge<K: Ord + Copy>(into: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *into.entry(*key).or_default() += count;
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            End::CleanStop => "clean stop",
            End::Killed => "killed",
            End::PowerLost => "power lost",
            End::KilledInRecovery => "killed in recovery",
            End::PowerLostInRecovery => "power lost in recovery",
        })
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<32} {:>9} {:>9} {:>9}", "operation", "done", "refused", "lost")?;
        for name in workload::names() {
            let of = |outcome| self.operations.get(&(name, outcome)).copied().unwrap_or(0);
            let (done, refused, lost) =
                (of(Outcome::Done), of(Outcome::Refused), of(Outcome::Lost));
            writeln!(f, "{name:<32} {done:>9} {refused:>9} {lost:>9}")?;
        }
        writeln!(f, "\n{:<32} {:>9}", "the disk stopped in", "times")?;
        for (site, count) in &self.sites {
            writeln!(f, "{:<32} {count:>9}", site.to_string())?;
        }
        writeln!(f, "\n{:<32} {:>9}", "a life ended", "times")?;
        for (end, count) in &self.ends {
            writeln!(f, "{:<32} {count:>9}", end.to_string())?;
        }
        writeln!(f, "\n{:<36} {:>5}", "it came to", "times")?;
        for &name in EVENTS {
            writeln!(f, "{name:<36} {:>5}", self.events.get(name).copied().unwrap_or(0))?;
        }
        writeln!(f, "\n{:<32} {:>9}", "records", "")?;
        for (name, count) in [
            ("acknowledged", self.acknowledged),
            ("answer lost, there afterwards", self.survived),
            ("answer lost, not there", self.vanished),
            ("read and compared", self.compared),
        ] {
            writeln!(f, "{name:<32} {count:>9}")?;
        }
        Ok(())
    }
}
