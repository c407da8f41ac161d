//! What the model knows of the records of one shard.
//!
//! A record is *known* once it was acknowledged or read: from then on it stands at its sequence number for ever,
//! until it expires. A record whose answer was lost stays *unresolved* with its stream until somebody reads it
//! (then it is known) or everything was read without it (then it must never show).

use std::{
    collections::BTreeMap,
    fmt,
    ops::Bound::{self, Excluded, Unbounded},
};

use md5::{Digest, Md5};

use super::{Groups, Loss, Seen, Violation};

/// A sequence number: decimal text that orders as the integer it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence(String);

impl Sequence {
    /// As it came in an answer; AWS writes no leading zeros.
    pub fn new(text: &str) -> Sequence {
        Sequence(text.to_owned())
    }
}

impl Ord for Sequence {
    fn cmp(&self, other: &Sequence) -> std::cmp::Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for Sequence {
    fn partial_cmp(&self, other: &Sequence) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One record that a world sent; its bytes are told by its number and length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Which record of the world this is.
    pub id: u64,
    /// Its partition key.
    pub key: String,
    /// The length of its data.
    pub data_bytes: usize,
    /// Where its shard is, if it says so itself.
    pub explicit_hash_key: Option<u128>,
    /// Which batch of calls of the world it was sent with: what was sent later with the same key comes later.
    pub turn: u64,
    /// Which call of the world it was sent with: what of it goes to one shard, is one frame.
    pub call: u64,
    /// The groups that it may be in, once its call has ended.
    pub groups: Groups,
}

impl Put {
    /// Where it falls in the hash space.
    pub fn hash_key(&self) -> u128 {
        let hash = || u128::from_be_bytes(Md5::digest(&self.key).into());
        self.explicit_hash_key.unwrap_or_else(hash)
    }
}

impl Put {
    /// What it takes in memory at most: in a frame of its own, with all that belongs to that.
    pub fn bytes_max(&self) -> u64 {
        const FRAME_BYTES: u64 = 256 + 64 + 64;
        FRAME_BYTES + (self.key.len() + self.data_bytes) as u64
    }
}

/// The times before which records may or must have expired; the model leaves the millisecond itself open.
#[derive(Debug, Clone, Copy, Default)]
pub struct Floors {
    /// What arrived before is expired by now, whatever else is true.
    pub hard_ms: u64,
    /// What arrived at it or later was never expired until now.
    pub soft_ms: u64,
    /// When the shard was opened at the latest: nothing in it is older, whatever clock said so.
    pub opened_ms: u64,
}

#[derive(Debug)]
struct Known {
    put: Put,
    arrival_ms: u64,
}

/// The records of one shard.
#[derive(Debug, Default)]
pub struct ShardRecords {
    known: BTreeMap<Sequence, Known>,
    /// The highest number that was ever given, also to a record that a loss of power took.
    highest: Option<Sequence>,
    /// The numbers of those that it took.
    lost: Vec<Sequence>,
    /// The last record that was found expired, or was so when retention changed: it and all before it are gone.
    expired_through: Option<Sequence>,
}

impl ShardRecords {
    /// The highest number that was ever given here, as far as that is known.
    pub fn highest(&self) -> Option<&Sequence> {
        self.highest.as_ref()
    }

    /// The numbers of records that were there and are lost.
    pub fn lost(&self) -> &[Sequence] {
        &self.lost
    }

    /// The highest number of those that are there.
    pub fn last(&self) -> Option<&Sequence> {
        self.known.keys().next_back()
    }

    /// Every record that is known, in order.
    pub fn puts(&self) -> impl Iterator<Item = &Put> {
        self.known.values().map(|known| &known.put)
    }

    /// The first record that arrived at `ms` or later: where a reader starts that names that moment.
    pub fn first_since(&self, ms: u64) -> Option<&Sequence> {
        self.known.iter().find(|(_, known)| known.arrival_ms >= ms).map(|(sequence, _)| sequence)
    }

    /// A number to start reading at: the `index`th known one, counted round.
    pub fn nth(&self, index: usize) -> Option<&Sequence> {
        let count = self.known.len();
        self.known.keys().nth(if count == 0 { 0 } else { index % count })
    }

    /// When the `index`th known record arrived, counted round.
    pub fn arrival_ms_of(&self, index: usize) -> Option<u64> {
        let count = self.known.len();
        self.known.values().nth(if count == 0 { 0 } else { index % count }).map(|k| k.arrival_ms)
    }

    /// A record was acknowledged, or seen for the first time.
    pub fn learn(
        &mut self,
        sequence: Sequence,
        put: Put,
        arrival_ms: u64,
    ) -> Result<(), Violation> {
        if let Some(known) = self.known.get(&sequence) {
            return Err(Violation::new(format!(
                "sequence number {sequence} was given to record {} and to record {}",
                known.put.id, put.id
            )));
        }
        if self.lost.contains(&sequence) {
            let text = format!("{sequence} of a lost record was given to record {}", put.id);
            return Err(Violation::new(text));
        }
        self.highest = self.highest.take().max(Some(sequence.clone()));
        self.known.insert(sequence, Known { put, arrival_ms });
        Ok(())
    }

    /// After everything was read: no record is there without one that was written before it or with it.
    pub fn check_kept(&self, loss: &Loss) -> Result<(), Violation> {
        let expired = self.expired_through.clone();
        let from = expired.map_or(Unbounded, Excluded);
        let at_risk = self.known.range((from, Unbounded)).map(|(_, known)| known.put.groups);
        at_risk.filter(|&groups| loss.may_take(groups)).try_for_each(|it| loss.check_kept(it))
    }

    /// All that is expired now stays so, even if retention is raised.
    pub fn expire(&mut self, floors: Floors) {
        let mut effective_ms = 0;
        for (sequence, known) in &self.known {
            effective_ms = effective_ms.max(known.arrival_ms).max(floors.opened_ms);
            if effective_ms + 1 >= floors.hard_ms {
                break;
            }
            if self.expired_through.as_ref().is_none_or(|expired| expired < sequence) {
                self.expired_through = Some(sequence.clone());
            }
        }
    }

    /// What a list says of it bounds its records: all are above its start and, when it is closed, below its end.
    pub fn check_bounds(&self, start: &Sequence, end: Option<&Sequence>) -> Result<(), Violation> {
        let (first, last) = (self.known.keys().next(), self.last());
        let below = first.is_some_and(|first| first <= start);
        let above = last.is_some_and(|last| end.is_some_and(|end| last >= end));
        match below || above {
            true => Err(Violation::new(format!("{first:?} to {last:?} in {start} to {end:?}"))),
            false => Ok(()),
        }
    }

    /// Is `seen` known here, as it is?
    pub fn recognises(&self, seen: &Seen) -> Result<bool, Violation> {
        let Some(known) = self.known.get(&seen.sequence) else { return Ok(false) };
        let same = known.put.id == seen.id
            && known.put.key == seen.key
            && known.put.data_bytes == seen.data_bytes;
        if !same {
            return Err(Violation::new(format!("expected {:?}, read {seen:?}", known.put)));
        }
        if known.arrival_ms != seen.arrival_ms {
            return Err(Violation::new(format!(
                "record {} arrived at {}, now it says {}",
                seen.id, known.arrival_ms, seen.arrival_ms
            )));
        }
        Ok(true)
    }

    /// Checks a page whose records are all known by now. `reaches_end`: the answer says that nothing is behind it.
    pub fn check_page(
        &mut self,
        from: &Bound<Sequence>,
        page: &[Seen],
        reaches_end: bool,
        floors: Floors,
        loss: Option<&mut Loss>,
    ) -> Result<(), Violation> {
        self.check_order(from, page)?;
        self.check_expired(page, floors)?;
        let to = match page.last() {
            _ if reaches_end => Unbounded,
            Some(last) => Bound::Included(last.sequence.clone()),
            None => return Ok(()),
        };
        self.check_missing(from, to, page, floors, loss)
    }

    fn check_order(&self, from: &Bound<Sequence>, page: &[Seen]) -> Result<(), Violation> {
        let mut from = from.clone();
        for seen in page {
            let in_order = match &from {
                Unbounded => true,
                Bound::Included(first) => seen.sequence >= *first,
                Excluded(before) => seen.sequence > *before,
            };
            if !in_order {
                return Err(Violation::new(format!(
                    "record {} at {} does not come after {from:?}",
                    seen.id, seen.sequence
                )));
            }
            from = Excluded(seen.sequence.clone());
        }
        Ok(())
    }

    fn check_expired(&self, page: &[Seen], floors: Floors) -> Result<(), Violation> {
        let Some(first) = page.first() else { return Ok(()) };
        if self.expired_through.as_ref().is_some_and(|expired| first.sequence <= *expired) {
            return Err(Violation::new(format!("expired record {} came back", first.id)));
        }
        let upto_first = self.known.range(..=&first.sequence);
        let effective_ms = upto_first.map(|(_, known)| known.arrival_ms).max().unwrap_or(0);
        let effective_ms = effective_ms.max(floors.opened_ms);
        if effective_ms + 1 < floors.hard_ms {
            return Err(Violation::new(format!(
                "record {} is expired since {} ms and was read",
                first.id,
                floors.hard_ms - effective_ms
            )));
        }
        Ok(())
    }

    fn check_missing(
        &mut self,
        from: &Bound<Sequence>,
        to: Bound<Sequence>,
        page: &[Seen],
        floors: Floors,
        mut loss: Option<&mut Loss>,
    ) -> Result<(), Violation> {
        let range = (from.as_ref(), to.as_ref());
        let (mut seen, mut expired, mut lost) = (page.iter().peekable(), None, Vec::new());
        let mut kept_call = None;
        for (sequence, known) in self.known.range::<Sequence, _>(range) {
            if seen.next_if(|seen| seen.sequence == *sequence).is_some() {
                kept_call = Some(known.put.call);
                continue;
            }
            let before_all = page.first().is_none_or(|first| *sequence < first.sequence);
            if before_all && known.arrival_ms <= floors.soft_ms {
                expired = Some(sequence.clone());
                continue;
            }
            let behind_all = seen.peek().is_none();
            let whole_frame = kept_call != Some(known.put.call);
            let may_go = |loss: &&mut &mut Loss| {
                behind_all && whole_frame && loss.may_take(known.put.groups)
            };
            match loss.as_mut().filter(may_go) {
                Some(loss) => {
                    loss.take(known.put.groups);
                    lost.push(sequence.clone());
                }
                None => {
                    let what = format!("record {} at {sequence} is missing", known.put.id);
                    return Err(Violation::new(what));
                }
            }
        }
        self.expired_through = self.expired_through.take().max(expired);
        lost.iter().for_each(|sequence| _ = self.known.remove(sequence));
        self.lost.extend(lost);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: Floors = Floors { hard_ms: 0, soft_ms: 0, opened_ms: 0 };

    fn put(id: u64) -> Put {
        Put {
            id,
            key: "k".to_owned(),
            data_bytes: 20,
            explicit_hash_key: None,
            turn: 0,
            call: id,
            groups: Groups { first: id, last: id },
        }
    }

    fn seen(sequence: u64, id: u64) -> Seen {
        Seen {
            sequence: Sequence(sequence.to_string()),
            id,
            key: "k".to_owned(),
            data_bytes: 20,
            arrival_ms: id * 10,
        }
    }

    fn shard_with(records: &[(u64, u64)]) -> ShardRecords {
        let mut shard = ShardRecords::default();
        for (sequence, id) in records {
            shard.learn(Sequence(sequence.to_string()), put(*id), id * 10).unwrap();
        }
        shard
    }

    #[test]
    fn numbers_order_as_integers() {
        assert!(Sequence::new("9") < Sequence::new("10"));
    }

    #[test]
    fn a_number_given_twice_is_a_violation() {
        let mut shard = shard_with(&[(1, 1)]);
        assert!(shard.learn(Sequence::new("1"), put(2), 0).is_err());
    }

    #[test]
    fn a_missing_record_is_a_violation_wherever_it_is_missing() {
        let mut shard = shard_with(&[(1, 1), (2, 2), (3, 3)]);
        let whole = [seen(1, 1), seen(2, 2), seen(3, 3)];
        shard.check_page(&Unbounded, &whole, true, NEVER, None).unwrap();
        shard.check_page(&Unbounded, &whole[..2], false, NEVER, None).unwrap();
        for page in [&whole[1..], &whole[..2], &[seen(1, 1), seen(3, 3)][..], &[]] {
            assert!(shard.check_page(&Unbounded, page, true, NEVER, None).is_err(), "{page:?}");
        }
    }

    #[test]
    fn a_record_out_of_order_or_twice_is_a_violation() {
        let mut shard = shard_with(&[(1, 1), (2, 2)]);
        for page in [[seen(2, 2), seen(1, 1)], [seen(1, 1), seen(1, 1)]] {
            assert!(shard.check_page(&Unbounded, &page, false, NEVER, None).is_err(), "{page:?}");
        }
        let from = Excluded(Sequence::new("1"));
        assert!(shard.check_page(&from, &[seen(1, 1)], false, NEVER, None).is_err());
    }

    #[test]
    fn only_the_oldest_may_expire_and_what_expired_stays_away() {
        let mut shard = shard_with(&[(1, 1), (2, 2), (3, 3)]);
        let floors = Floors { hard_ms: 5, soft_ms: 25, opened_ms: 0 };
        assert!(
            shard.check_page(&Unbounded, &[seen(1, 1), seen(3, 3)], true, floors, None).is_err()
        );
        shard.check_page(&Unbounded, &[seen(2, 2), seen(3, 3)], true, floors, None).unwrap();
        let all = [seen(1, 1), seen(2, 2), seen(3, 3)];
        assert!(shard.check_page(&Unbounded, &all, true, floors, None).is_err());
        assert!(shard.check_page(&Unbounded, &[seen(3, 3)], true, floors, None).is_ok());
    }

    #[test]
    fn a_loss_takes_the_newest_and_their_numbers_are_not_given_again() {
        let mut shard = shard_with(&[(1, 1), (2, 2), (3, 3), (4, 4)]);
        let mut loss = Loss::new(3);
        let hole = [seen(1, 1), seen(2, 2), seen(4, 4)];
        for page in [&hole[..], &hole[..1]] {
            let checked = shard.check_page(&Unbounded, page, true, NEVER, Some(&mut loss));
            assert!(checked.is_err(), "{page:?}");
        }
        let mut loss = Loss::new(3);
        shard.check_page(&Unbounded, &hole[..2], true, NEVER, Some(&mut loss)).unwrap();
        assert_eq!((loss.count(), shard.lost().len()), (2, 2));
        shard.check_page(&Unbounded, &hole[..2], true, NEVER, None).unwrap();
        assert_eq!(shard.highest(), Some(&Sequence::new("4")));
        assert!(shard.learn(Sequence::new("3"), put(5), 50).is_err());
    }

    #[test]
    fn an_expired_record_must_not_be_read() {
        let mut shard = shard_with(&[(1, 1), (2, 2)]);
        let floors = Floors { hard_ms: 15, soft_ms: 15, opened_ms: 0 };
        assert!(
            shard.check_page(&Unbounded, &[seen(1, 1), seen(2, 2)], true, floors, None).is_err()
        );
        shard.check_page(&Unbounded, &[seen(2, 2)], true, floors, None).unwrap();
    }
}
