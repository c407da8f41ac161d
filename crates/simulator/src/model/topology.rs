//! Where the shards of a stream stand: in the hash space, in time, and between parents and children.
//!
//! What a plan will make is told by the ranges that will be open; the shards themselves are learned from a list, and the
//! list is held to what must be true of every list: the open shards tile the hash space, children cover their parents,
//! nothing that closed opens again, nothing that vanished comes back.

use std::collections::BTreeSet;

use super::{Floors, Sequence, Violation};

/// A part of the hash space, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// Its first key.
    pub start: u128,
    /// Its last key.
    pub end: u128,
}

impl Range {
    /// The space cut into equal parts; the last one takes what the division leaves.
    pub fn even(count: u64) -> Vec<Range> {
        if count == 1 {
            return vec![Range { start: 0, end: u128::MAX }];
        }
        let count = u128::from(count);
        // floor(2^128 / count), and 2^128 needs more than 128 bits.
        let step = u128::MAX / count + u128::from(u128::MAX % count == count - 1);
        let end = |index| if index + 1 == count { u128::MAX } else { (index + 1) * step - 1 };
        (0..count).map(|index| Range { start: index * step, end: end(index) }).collect()
    }

    /// Is `key` in it?
    pub fn holds(&self, key: u128) -> bool {
        self.start <= key && key <= self.end
    }

    /// Does `upper` begin where this one ends?
    pub fn is_followed_by(&self, upper: &Range) -> bool {
        self.end.checked_add(1) == Some(upper.start)
    }
}

/// A shard as a list shows it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The number in its id.
    pub index: usize,
    /// Its range.
    pub range: Range,
    /// ParentShardId, AdjacentParentShardId.
    pub parents: Vec<usize>,
    /// StartingSequenceNumber.
    pub start: Sequence,
    /// EndingSequenceNumber.
    pub end: Option<Sequence>,
}

/// A moment that is known to lie between two, both possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Not before this.
    pub from_ms: u64,
    /// Not after this.
    pub to_ms: u64,
}

/// What ListShards can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// No filter, or FROM_TRIM_HORIZON, or AFTER_SHARD_ID with an index.
    All {
        /// Only shards above this one.
        after: Option<usize>,
    },
    /// The open ones.
    Latest,
    /// AT_TRIM_HORIZON (0) or AT_TIMESTAMP.
    At(u64),
    /// FROM_TIMESTAMP.
    From(u64),
}

#[derive(Debug)]
struct Place {
    range: Range,
    parents: Vec<usize>,
    opened: Moment,
    closed: Option<Moment>,
    /// It was closed when it was made, on the way to others.
    passing: bool,
    start: Option<Sequence>,
    end: Option<Sequence>,
    gone: bool,
}

/// What a list told that was not known.
#[derive(Debug, Default)]
pub struct News {
    /// Shards that are new.
    pub made: usize,
    /// Shards that vanished.
    pub vanished: Vec<usize>,
}

/// All shards that one life of a stream ever showed.
#[derive(Debug)]
pub struct Topology {
    places: Vec<Place>,
}

impl Topology {
    /// A stream's first generation.
    pub fn new(ranges: &[Range]) -> Topology {
        let opened = Moment { from_ms: 0, to_ms: 0 };
        let place = |&range: &Range| Place {
            range,
            parents: Vec::new(),
            opened,
            closed: None,
            passing: false,
            start: None,
            end: None,
            gone: false,
        };
        Topology { places: ranges.iter().map(place).collect() }
    }

    /// How many there ever were.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// The part of the hash space that a shard had.
    pub fn range(&self, index: usize) -> Option<Range> {
        self.places.get(index).map(|place| place.range)
    }

    /// The shards that it came from.
    pub fn parents(&self, index: usize) -> &[usize] {
        self.places.get(index).map_or(&[], |place| &place.parents)
    }

    /// The shards that came from it.
    pub fn children(&self, index: usize) -> Vec<usize> {
        (0..self.places.len()).filter(|&it| self.places[it].parents.contains(&index)).collect()
    }

    /// The open ones with their ranges, in the order of those.
    pub fn open(&self) -> Vec<(usize, Range)> {
        let open = self.places.iter().enumerate().filter(|(_, place)| place.closed.is_none());
        let mut open: Vec<_> = open.map(|(index, place)| (index, place.range)).collect();
        open.sort_by_key(|(_, range)| *range);
        open
    }

    /// When it was opened; one of the first generation when the stream was made.
    pub fn opened(&self, index: usize) -> Option<Moment> {
        self.places.get(index).map(|place| place.opened)
    }

    /// Takes nothing any more.
    pub fn is_closed(&self, index: usize) -> bool {
        self.places.get(index).is_some_and(|place| place.closed.is_some())
    }

    /// Which of all take nothing any more.
    pub fn closed(&self) -> BTreeSet<usize> {
        (0..self.places.len()).filter(|&index| self.is_closed(index)).collect()
    }

    /// Perhaps all of it has expired, or it did so before.
    pub fn may_be_gone(&self, index: usize, floors: Floors) -> bool {
        let Some(place) = self.places.get(index) else { return true };
        place.gone || place.closed.is_some_and(|closed| closed.from_ms < floors.soft_ms)
    }

    /// Learns from a whole list. The open shards must have the ranges of one of `either`; what is new became so at `at`.
    pub fn learn(
        &mut self,
        listed: &[Listed],
        either: &[&[Range]],
        at: Moment,
        floors: Floors,
    ) -> Result<News, Violation> {
        let latest_ms = self.places.iter().map(|place| place.opened.to_ms).max().unwrap_or(0);
        let at = Moment { to_ms: at.to_ms.max(latest_ms), ..at };
        let mut news = News::default();
        for shard in listed {
            if shard.index == self.places.len() {
                news.made += 1;
                self.add(shard, at)?;
            } else {
                self.meet(shard, at)?;
            }
        }
        let mut open: Vec<Range> =
            listed.iter().filter(|shard| shard.end.is_none()).map(|shard| shard.range).collect();
        open.sort();
        check_tiling(&open)?;
        if !either.iter().any(|ranges| *ranges == open) {
            return Err(Violation::new(format!("open are {open:?}, expected {either:?}")));
        }
        for shard in listed {
            self.check_children(shard.index)?;
        }
        news.vanished = self.check_vanished(listed, floors)?;
        Ok(news)
    }

    fn add(&mut self, shard: &Listed, at: Moment) -> Result<(), Violation> {
        let wrong = |what: &str| Err(Violation::new(format!("{what}: {shard:?}")));
        let parents: Vec<&Place> =
            shard.parents.iter().filter_map(|&parent| self.places.get(parent)).collect();
        let fits = match parents[..] {
            [one] => one.range.start <= shard.range.start && shard.range.end <= one.range.end,
            [lower, upper] => {
                lower.range.is_followed_by(&upper.range)
                    && (lower.range.start, upper.range.end) == (shard.range.start, shard.range.end)
            }
            _ => return wrong("a new shard has one or two parents"),
        };
        if !fits || parents.len() != shard.parents.len() {
            return wrong("a new shard lies where its parents did");
        }
        let mut opened = at;
        for parent in &parents {
            let (Some(closed), Some(end)) = (parent.closed, &parent.end) else {
                return wrong("a parent of a shown child is closed");
            };
            if *end >= shard.start {
                return wrong("a child's numbers are above its parents'");
            }
            opened = Moment { from_ms: closed.from_ms + 1, to_ms: closed.to_ms + 1 };
        }
        self.places.push(Place {
            range: shard.range,
            parents: shard.parents.clone(),
            opened,
            closed: shard.end.as_ref().map(|_| at),
            passing: shard.end.is_some(),
            start: Some(shard.start.clone()),
            end: shard.end.clone(),
            gone: false,
        });
        Ok(())
    }

    fn meet(&mut self, shard: &Listed, at: Moment) -> Result<(), Violation> {
        let Some(place) = self.places.get_mut(shard.index) else {
            return Err(Violation::new(format!("a shard was left out before {shard:?}")));
        };
        let reopened = place.closed.is_some() && place.end != shard.end;
        let start = place.start.get_or_insert_with(|| shard.start.clone());
        if place.gone
            || reopened
            || *start != shard.start
            || (place.range, &place.parents) != (shard.range, &shard.parents)
        {
            return Err(Violation::new(format!("{shard:?} was {place:?}")));
        }
        if place.closed.is_none() && shard.end.is_some() {
            let from_ms = at.from_ms.max(place.opened.from_ms);
            place.closed = Some(Moment { from_ms, ..at });
            place.end.clone_from(&shard.end);
        }
        Ok(())
    }

    /// The children of a closed shard cover all of it.
    fn check_children(&self, index: usize) -> Result<(), Violation> {
        let place = &self.places[index];
        let children = self.children(index);
        let ranges: Vec<Range> = children.iter().map(|&child| self.places[child].range).collect();
        let covers = match ranges[..] {
            [] => place.closed.is_none(),
            [one] => one.start <= place.range.start && place.range.end <= one.end,
            [lower, upper] => {
                lower.is_followed_by(&upper)
                    && (lower.start, upper.end) == (place.range.start, place.range.end)
            }
            _ => false,
        };
        if covers && place.closed.is_some() != children.is_empty() {
            return Ok(());
        }
        Err(Violation::new(format!("shard {index} has the children {children:?}: {place:?}")))
    }

    /// What is not listed any more has expired, and what has expired is not listed.
    fn check_vanished(
        &mut self,
        listed: &[Listed],
        floors: Floors,
    ) -> Result<Vec<usize>, Violation> {
        let there: BTreeSet<usize> = listed.iter().map(|shard| shard.index).collect();
        let mut vanished = Vec::new();
        for (index, place) in self.places.iter_mut().enumerate() {
            let surely = place.closed.is_some_and(|closed| closed.to_ms < floors.hard_ms);
            let perhaps = place.closed.is_some_and(|closed| closed.from_ms < floors.soft_ms);
            match there.contains(&index) {
                true if surely => {
                    return Err(Violation::new(format!("shard {index} is expired and is listed")));
                }
                false if !place.gone && !perhaps => {
                    return Err(Violation::new(format!("shard {index} vanished: {place:?}")));
                }
                false if !place.gone => {
                    place.gone = true;
                    vanished.push(index);
                }
                _ => {}
            }
        }
        Ok(vanished)
    }

    /// Checks what a filter found.
    pub fn check_filter(
        &self,
        filter: Filter,
        found: &[usize],
        floors: Floors,
    ) -> Result<(), Violation> {
        let unknown = found.last().is_some_and(|&last| last >= self.places.len());
        if unknown || !found.is_sorted_by(|a, b| a < b) {
            return Err(Violation::new(format!("unknown or not in order: {found:?}")));
        }
        for (index, place) in self.places.iter().enumerate() {
            let (surely, perhaps) = place.fits(index, filter, floors);
            let is_found = found.contains(&index);
            if (surely && !is_found) || (is_found && !perhaps) {
                return Err(Violation::new(format!("shard {index}, {place:?}, in {found:?}")));
            }
        }
        if let Filter::Latest | Filter::At(_) = filter {
            let mut ranges: Vec<Range> = found.iter().filter_map(|&it| self.range(it)).collect();
            ranges.sort();
            check_tiling(&ranges)?;
        }
        Ok(())
    }
}

impl Place {
    /// Must a filter find it, and may it?
    fn fits(&self, index: usize, filter: Filter, floors: Floors) -> (bool, bool) {
        let ended_from = |from_ms: u64| {
            let Some(closed) = self.closed else { return (true, true) };
            let surely = closed.from_ms >= from_ms.max(floors.soft_ms);
            (surely && !self.gone, closed.to_ms >= from_ms.max(floors.hard_ms) && !self.gone)
        };
        match filter {
            Filter::Latest => (self.closed.is_none(), self.closed.is_none()),
            Filter::All { after } if after.is_some_and(|after| index <= after) => (false, false),
            Filter::All { .. } => ended_from(0),
            Filter::From(ms) => ended_from(ms),
            Filter::At(_) if self.passing => (false, false),
            Filter::At(ms) => {
                let (surely, perhaps) = ended_from(ms);
                let began = self.opened.to_ms <= ms.max(floors.hard_ms);
                (surely && began, perhaps && self.opened.from_ms <= ms.max(floors.soft_ms))
            }
        }
    }
}

/// The ranges, in order, are all of the hash space, each key once.
fn check_tiling(ranges: &[Range]) -> Result<(), Violation> {
    let tiles = ranges.first().is_some_and(|first| first.start == 0)
        && ranges.last().is_some_and(|last| last.end == u128::MAX)
        && ranges.windows(2).all(|pair| pair[0].is_followed_by(&pair[1]));
    if tiles { Ok(()) } else { Err(Violation::new(format!("no tiling: {ranges:?}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: Floors = Floors { hard_ms: 0, soft_ms: 0, opened_ms: 0 };
    const AT: Moment = Moment { from_ms: 50, to_ms: 60 };

    fn listed(index: usize, range: Range, parents: &[usize], end: Option<&str>) -> Listed {
        let start = Sequence::new(&(index * 100 + 1).to_string());
        Listed { index, range, parents: parents.to_vec(), start, end: end.map(Sequence::new) }
    }

    /// A list after shard 0 of one was split in two.
    fn split() -> Vec<Listed> {
        let halves = Range::even(2);
        let whole = Range::even(1)[0];
        vec![
            listed(0, whole, &[], Some("99")),
            listed(1, halves[0], &[0], None),
            listed(2, halves[1], &[0], None),
        ]
    }

    #[test]
    fn even_ranges_are_cut_as_aws_cuts_them() {
        let three = Range::even(3);
        assert_eq!(three[1].start, 113427455640312821154458202477256070485);
        for count in 1..9 {
            check_tiling(&Range::even(count)).unwrap();
        }
    }

    #[test]
    fn a_split_is_learned_and_a_second_look_tells_nothing_new() {
        let mut topology = Topology::new(&Range::even(1));
        let halves = Range::even(2);
        assert_eq!(topology.learn(&split(), &[&halves], AT, NEVER).unwrap().made, 2);
        assert_eq!(topology.learn(&split(), &[&halves], AT, NEVER).unwrap().made, 0);
        assert_eq!(topology.children(0), [1, 2]);
        for (filter, found) in [
            (Filter::Latest, &[1, 2][..]),
            (Filter::At(49), &[0]),
            (Filter::At(62), &[1, 2]),
            (Filter::From(62), &[1, 2]),
            (Filter::All { after: Some(0) }, &[1, 2]),
            (Filter::All { after: None }, &[0, 1, 2]),
        ] {
            topology.check_filter(filter, found, NEVER).unwrap();
        }
        assert!(topology.check_filter(Filter::At(55), &[0, 1, 2], NEVER).is_err());
    }

    #[test]
    fn a_list_that_is_wrong_is_a_violation() {
        let wrong: [fn(&mut Vec<Listed>); 5] = [
            |list| _ = list.pop(),
            |list| list[0].end = None,
            |list| list[0].end = Some(Sequence::new("1000")),
            |list| list[2].range.start += 1,
            |list| list[1].parents.clear(),
        ];
        for spoil in wrong {
            let mut topology = Topology::new(&Range::even(1));
            let mut list = split();
            spoil(&mut list);
            assert!(topology.learn(&list, &[&Range::even(2)], AT, NEVER).is_err(), "{list:?}");
        }
    }

    #[test]
    fn a_closed_shard_vanishes_when_it_is_expired_and_stays_away() {
        let mut topology = Topology::new(&Range::even(1));
        let halves = Range::even(2);
        topology.learn(&split(), &[&halves], AT, NEVER).unwrap();
        let rest = split().split_off(1);
        assert!(topology.learn(&rest, &[&halves], AT, NEVER).is_err(), "too early");
        let later = Floors { hard_ms: 61, soft_ms: 61, opened_ms: 0 };
        assert!(topology.learn(&split(), &[&halves], AT, later).is_err(), "too late");
        assert_eq!(topology.learn(&rest, &[&halves], AT, later).unwrap().vanished, [0]);
        assert!(topology.learn(&split(), &[&halves], AT, NEVER).is_err(), "it came back");
    }
}
