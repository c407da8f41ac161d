//! Footers of sealed segments, read when a reader needs one and kept as long as the budget allows.

use std::{collections::VecDeque, io, mem::size_of, sync::Arc};

use parking_lot::Mutex;

use crate::{ReadError, ShardLogId};

use super::{
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
}

impl Footers {
    /// Keeps at most about `bytes_max`, and always the last one.
    pub fn new(bytes_max: usize) -> Footers {
        Footers { bytes_max, kept: Mutex::default() }
    }

    /// The runs of a sealed segment, from memory or from its footer.
    pub fn get(&self, segment: &Segment) -> Result<Arc<SegmentRuns>, ReadError> {
        {
            let mut kept = self.kept.lock();
            if let Some(at) = kept.iter().position(|(number, _)| *number == segment.number)
                && let Some(found) = kept.remove(at)
            {
                let runs = found.1.clone();
                kept.push_back(found);
                return Ok(runs);
            }
        }
        let io = |source| ReadError::Io { segment: segment.number, source };
        let length = segment.file.len().map_err(io)?;
        let Some((_, footer)) = read_footer(segment, length).map_err(io)? else {
            tracing::error!(segment = segment.number, "the segment's footer is damaged");
            return Err(io(io::ErrorKind::InvalidData.into()));
        };
        let mut runs: Vec<IndexedRun> = footer
            .runs
            .iter()
            .map(|run| IndexedRun { segment: segment.number, run: *run, effective_ms: 0 })
            .collect();
        runs.sort_unstable_by_key(|run| (run.run.shard, run.run.first));
        for of_shard in runs.chunk_by_mut(|a, b| a.run.shard == b.run.shard) {
            let mut effective_ms = 0;
            for run in of_shard {
                effective_ms = run.run.arrival_ms_max.max(effective_ms);
                run.effective_ms = effective_ms;
            }
        }
        let runs = Arc::new(SegmentRuns { runs });
        self.keep(segment.number, runs.clone());
        Ok(runs)
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
