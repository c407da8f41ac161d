//! Samples in memory: those of the puts since the log's last turn.
//!
//! A series without samples here costs nothing. A point is kept as its row, which is a fifth of what its distribution
//! would take.

use std::collections::HashMap;

use nautilus_stats::Distribution;

use crate::{SeriesId, codec, tier::Tier};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct MemTable {
    series: HashMap<SeriesId, Vec<Point>>,
    bytes: usize,
}

/// What is known of one series in one period.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub tier: Tier,
    pub at_s: u32,
    row: Box<[u8]>,
}

/// What a point takes beside its row, and a series beside its points.
const POINT_BYTES: usize = 48;
const SERIES_BYTES: usize = 64;

impl Point {
    /// What points of a series are in the order of.
    pub fn key(&self) -> (Tier, u32) {
        (self.tier, self.at_s)
    }

    /// Bytes of its row.
    pub fn bytes(&self) -> usize {
        self.row.len()
    }

    pub fn distribution(&self) -> Distribution {
        codec::take(&mut &*self.row).expect("a row was written by the codec")
    }
}

fn row(samples: &Distribution) -> Box<[u8]> {
    let mut row = Vec::with_capacity(64);
    codec::put(&mut row, samples);
    row.into_boxed_slice()
}

impl MemTable {
    /// Adds samples to what is known of their period.
    pub fn add(&mut self, id: SeriesId, tier: Tier, at_s: u32, samples: &Distribution) {
        let points = self.series.entry(id).or_insert_with(|| {
            self.bytes += SERIES_BYTES;
            Vec::new()
        });
        match points.binary_search_by_key(&(tier, at_s), Point::key) {
            Ok(at) => {
                let point = &mut points[at];
                let mut merged = point.distribution();
                merged.merge(samples);
                self.bytes -= point.row.len();
                point.row = row(&merged);
                self.bytes += point.row.len();
            }
            Err(at) => {
                let point = Point { tier, at_s, row: row(samples) };
                self.bytes += POINT_BYTES + point.row.len();
                points.insert(at, point);
            }
        }
    }

    /// About what this takes of memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The points of a series in `from_s..to_s`, by tier and time, behind one of these.
    pub fn points(
        &self,
        id: SeriesId,
        from_s: u32,
        to_s: u32,
        after: Option<(Tier, u32)>,
    ) -> impl Iterator<Item = &Point> {
        let points = self.series.get(&id).map_or(&[][..], Vec::as_slice);
        let passed = after.map_or(0, |after| points.partition_point(|point| point.key() <= after));
        let points = points.get(passed..).unwrap_or_default();
        Tier::ALL.into_iter().flat_map(move |tier| {
            let first = points.partition_point(|point| point.key() < (tier, from_s));
            let end = points.partition_point(|point| point.key() < (tier, to_s));
            points.get(first..end).unwrap_or(&[])
        })
    }

    /// All points of all series.
    pub fn all(&self) -> impl Iterator<Item = (SeriesId, &[Point])> {
        self.series.iter().map(|(id, points)| (*id, points.as_slice()))
    }
}
