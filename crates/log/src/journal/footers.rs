//! Footers of sealed segments, read when a reader needs one and kept as long as the budget allows.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    mem::size_of,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::{Condvar, Mutex};

use crate::{ReadError, ShardLogId, format::Run};

use super::{
    committer::{grow, run_of},
    scan::{Step, Walk},
    segment::{Segment, read_footer},
    shard::IndexedRun,
};

/// Where the records of one sealed segment stand.
#[derive(Debug)]
pub(crate) struct SegmentRuns {
    /// By shard and position; effective times count from the segment's start.
    runs: Vec<IndexedRun>,
}

impl SegmentRuns {
    fn new(number: u64, runs: &[Run]) -> SegmentRuns {
        let indexed = |run: &Run| IndexedRun { segment: number, run: *run, effective_ms: 0 };
        let mut runs: Vec<IndexedRun> = runs.iter().map(indexed).collect();
        runs.sort_unstable_by_key(|run| (run.run.shard, run.run.first));
        for of_shard in runs.chunk_by_mut(|a, b| a.run.shard == b.run.shard) {
            let mut effective_ms = 0;
            for run in of_shard {
                effective_ms = run.run.arrival_ms_max.max(effective_ms);
                run.effective_ms = effective_ms;
            }
        }
        SegmentRuns { runs }
    }

    /// The runs of one shard, in order.
    pub fn runs_of(&self, id: ShardLogId) -> &[IndexedRun] {
        let start = self.runs.partition_point(|run| run.run.shard < id);
        let length = self.runs[start..].partition_point(|run| run.run.shard == id);
        &self.runs[start..start + length]
    }

    fn bytes(&self) -> usize {
        self.runs.len() * size_of::<IndexedRun>()
    }
}

/// The footers used last.
pub(crate) struct Footers {
    bytes_max: usize,
    /// Least recently used first. There are few: a footer is of a whole segment.
    kept: Mutex<VecDeque<(u64, Arc<SegmentRuns>)>>,
    /// Of segments that have none, for good: they are damaged, and recovery walked through them.
    pinned: Mutex<HashMap<u64, Arc<SegmentRuns>>>,
    /// Segments whose footer is being read: several readers of one segment shall not read it several times, and none
    /// shall wait for the disk because of another segment.
    reading: Mutex<HashSet<u64>>,
    read: Condvar,
}

/// Held by the one who reads a segment's footer.
struct Turn<'a>(&'a Footers, u64);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.reading.lock().remove(&self.1);
        self.0.read.notify_all();
    }
}

impl Footers {
    /// Keeps at most about `bytes_max`, and always the last one.
    pub fn new(bytes_max: usize) -> Footers {
        Footers {
            bytes_max,
            kept: Mutex::default(),
            pinned: Mutex::default(),
            reading: Mutex::default(),
            read: Condvar::new(),
        }
    }

    /// The runs of a sealed segment, from memory or from its footer. A damaged one is counted.
    pub fn get(
        &self,
        segment: &Segment,
        damage_met: &AtomicU64,
    ) -> Result<Arc<SegmentRuns>, ReadError> {
        if let Some(runs) = self.find(segment.number) {
            return Ok(runs);
        }
        let _turn = self.take_turn(segment.number);
        if let Some(runs) = self.find(segment.number) {
            return Ok(runs);
        }
        let io = |source| ReadError::Io { segment: segment.number, source };
        let length = segment.file.len().map_err(io)?;
        let runs = match read_footer(segment, length).map_err(io)? {
            Some((_, footer)) => footer.runs,
            None => {
                let number = segment.number;
                tracing::error!(segment = number, "the footer is damaged; the frames are read");
                damage_met.fetch_add(1, Ordering::Relaxed);
                walk_all(segment).map_err(io)?
            }
        };
        let runs = Arc::new(SegmentRuns::new(segment.number, &runs));
        self.keep(segment.number, runs.clone());
        Ok(runs)
    }

    fn take_turn(&self, number: u64) -> Turn<'_> {
        let mut reading = self.reading.lock();
        while !reading.insert(number) {
            self.read.wait(&mut reading);
        }
        Turn(self, number)
    }

    /// Keeps the runs of a segment that has no footer to read them from.
    pub fn pin(&self, number: u64, runs: &[Run]) -> Arc<SegmentRuns> {
        let runs = Arc::new(SegmentRuns::new(number, runs));
        self.pinned.lock().insert(number, runs.clone());
        runs
    }

    fn find(&self, number: u64) -> Option<Arc<SegmentRuns>> {
        if let Some(runs) = self.pinned.lock().get(&number) {
            return Some(runs.clone());
        }
        let mut kept = self.kept.lock();
        let at = kept.iter().position(|(kept, _)| *kept == number)?;
        let found = kept.remove(at)?;
        let runs = found.1.clone();
        kept.push_back(found);
        Some(runs)
    }

    fn keep(&self, number: u64, runs: Arc<SegmentRuns>) {
        let mut kept = self.kept.lock();
        kept.push_back((number, runs));
        let mut bytes: usize = kept.iter().map(|(_, runs)| runs.bytes()).sum();
        while bytes > self.bytes_max
            && kept.len() > 1
            && let Some((_, oldest)) = kept.pop_front()
        {
            bytes -= oldest.bytes();
        }
    }
}

/// The runs of all whole frames of a segment.
fn walk_all(segment: &Segment) -> io::Result<Vec<Run>> {
    let mut walk = Walk::new(segment)?;
    let mut runs = Vec::new();
    let mut open_runs: HashMap<ShardLogId, usize> = HashMap::new();
    loop {
        match walk.step()? {
            Step::Accepted { head, offset } if head.records > 0 => {
                let open = open_runs.get(&head.shard);
                if !open.is_some_and(|&at| grow(&mut runs, at, &head, offset)) {
                    open_runs.insert(head.shard, runs.len());
                    runs.push(run_of(&head, offset));
                }
            }
            Step::Accepted { .. } => {}
            Step::Stopped | Step::Newer => match walk.look_on(u64::MAX)?.resume_at {
                Some(offset) => walk.resume(offset),
                None => return Ok(runs),
            },
        }
    }
}
