//! Which series there are.
//!
//! Each costs some 300 bytes, for its names are shared: the streams' and the metrics' names come again in many of them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Bound,
    sync::Arc,
};

use crate::{Dimension, Series, SeriesId, Unit};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    by_name: BTreeMap<Arc<Series>, SeriesId>,
    by_id: HashMap<SeriesId, Known>,
    names: HashSet<Arc<str>>,
    bytes: usize,
    next_id: u32,
}

/// A registered series.
#[derive(Debug)]
struct Known {
    series: Arc<Series>,
    /// When its newest samples are of.
    seen_s: u32,
}

/// What a series takes beside its names.
const SERIES_BYTES: usize = 300;
/// What a dimension takes beside its names.
const DIMENSION_BYTES: usize = 48;

/// About what a series takes of memory if it shares nothing.
fn bytes_of(series: &Series) -> usize {
    let own = [&series.account, &series.region, &series.namespace, &series.name];
    let own: usize = own.iter().map(|name| name.len()).sum();
    let dimensions = series.dimensions.iter();
    let dimensions: usize =
        dimensions.map(|one| DIMENSION_BYTES + one.name.len() + one.value.len()).sum();
    SERIES_BYTES + own + dimensions
}

/// The metric in the first unit and in the last: all its series are between.
fn units_of(metric: &Series) -> (Series, Series) {
    let with = |unit| Series { unit, ..metric.clone() };
    (with(Unit::FIRST), with(Unit::None))
}

impl Registry {
    pub fn id(&self, series: &Series) -> Option<SeriesId> {
        self.by_name.get(series).copied()
    }

    pub fn series(&self, id: SeriesId) -> Option<&Arc<Series>> {
        self.by_id.get(&id).map(|known| &known.series)
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The number that the next new series gets.
    pub fn next_id(&self) -> u32 {
        self.next_id
    }

    /// Gives no number below this to a new series.
    pub fn reserve(&mut self, next_id: u32) {
        self.next_id = self.next_id.max(next_id);
    }

    /// A new series; `None` if the registry may not take more than `bytes_max`, or all numbers are given.
    pub fn register(&mut self, series: &Series, bytes_max: usize) -> Option<SeriesId> {
        if self.bytes + bytes_of(series) > bytes_max || self.next_id == u32::MAX {
            return None;
        }
        let id = SeriesId(self.next_id);
        self.insert(id, series);
        Some(id)
    }

    /// A series that has its number.
    pub fn insert(&mut self, id: SeriesId, series: &Series) {
        let series = Arc::new(Series {
            account: self.shared(&series.account),
            region: self.shared(&series.region),
            namespace: self.shared(&series.namespace),
            name: self.shared(&series.name),
            dimensions: series
                .dimensions
                .iter()
                .map(|Dimension { name, value }| Dimension {
                    name: self.shared(name),
                    value: self.shared(value),
                })
                .collect(),
            unit: series.unit,
        });
        self.reserve(id.0.saturating_add(1));
        self.bytes += bytes_of(&series);
        if let Some(other) = self.by_name.insert(series.clone(), id) {
            self.bytes -= self.by_id.remove(&other).map_or(0, |known| bytes_of(&known.series));
        }
        self.by_id.insert(id, Known { series, seen_s: 0 });
    }

    fn shared(&mut self, name: &Arc<str>) -> Arc<str> {
        match self.names.get(name) {
            Some(known) => known.clone(),
            None => {
                // Not the caller's: that may be a part of something larger.
                let own: Arc<str> = Arc::from(&**name);
                self.names.insert(own.clone());
                own
            }
        }
    }

    /// There are samples of `at_s`.
    pub fn seen(&mut self, id: SeriesId, at_s: u32) {
        if let Some(known) = self.by_id.get_mut(&id) {
            known.seen_s = known.seen_s.max(at_s);
        }
    }

    /// Forgets what has had no samples since `since_s`; how many these are.
    pub fn forget_before(&mut self, since_s: u32) -> usize {
        let before = self.by_id.len();
        let (by_name, bytes) = (&mut self.by_name, &mut self.bytes);
        self.by_id.retain(|_, known| {
            let is_kept = known.seen_s >= since_s;
            if !is_kept {
                by_name.remove(&known.series);
                *bytes -= bytes_of(&known.series);
            }
            is_kept
        });
        let forgotten = before - self.by_id.len();
        if forgotten > 0 {
            self.names.retain(|name| Arc::strong_count(name) > 1);
        }
        forgotten
    }

    /// The series of a metric, one for each unit.
    pub fn find(&self, metric: &Series) -> Vec<(SeriesId, Arc<Series>)> {
        let (first, last) = units_of(metric);
        let found = self.by_name.range::<Series, _>(&first..=&last);
        found.map(|(series, id)| (*id, series.clone())).collect()
    }

    /// Up to `count` series of an account and region behind `after`, in their order, with when their newest samples are of.
    pub fn page(
        &self,
        account: &str,
        region: &str,
        after: Option<&Series>,
        count: usize,
    ) -> Vec<(SeriesId, Arc<Series>, u32)> {
        let first = Series {
            account: account.into(),
            region: region.into(),
            namespace: "".into(),
            name: "".into(),
            dimensions: Vec::new(),
            unit: Unit::FIRST,
        };
        let begin = match after {
            Some(after) if *after >= first => Bound::Excluded(after),
            _ => Bound::Included(&first),
        };
        self.by_name
            .range::<Series, _>((begin, Bound::Unbounded))
            .take_while(|(series, _)| *series.account == *account && *series.region == *region)
            .take(count)
            .map(|(series, id)| {
                (*id, series.clone(), self.by_id.get(id).map_or(0, |known| known.seen_s))
            })
            .collect()
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (SeriesId, &Series)> {
        self.by_id.iter().map(|(id, known)| (*id, &*known.series))
    }
}
