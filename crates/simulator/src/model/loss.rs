//! What a loss of power may take where nobody waited for the disk: the newest groups, over all shards. Of the group in
//! which the loss begins the frames of the first shards may stay, each whole: nothing tells that more belonged to it.
//!
//! Groups are counted through all lives of a world. Which one a record was in is known from the outside when its call
//! waited for just one; otherwise it lies between two.

use super::Violation;

/// The groups that a record may have been written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Groups {
    /// Not before this one.
    pub first: u64,
    /// Not after this one.
    pub last: u64,
}

/// A loss of power whose extent is found out by reading everything.
#[derive(Debug)]
pub struct Loss {
    /// Whatever was written before this group was synced.
    at_risk_from: u64,
    /// Of each lost record, the last group that it can have been in: the earliest of them.
    lost: Option<u64>,
    count: u64,
}

impl Loss {
    /// Everything from this group on may be gone.
    pub fn new(at_risk_from: u64) -> Loss {
        Loss { at_risk_from, lost: None, count: 0 }
    }

    /// May a record of these groups be gone?
    pub fn may_take(&self, groups: Groups) -> bool {
        groups.last >= self.at_risk_from
    }

    /// It is gone.
    pub fn take(&mut self, groups: Groups) {
        self.lost = Some(self.lost.map_or(groups.last, |lost| lost.min(groups.last)));
        self.count += 1;
    }

    /// A record is there: no other that was surely written before it may be gone.
    pub fn check_kept(&self, groups: Groups) -> Result<(), Violation> {
        match self.lost.is_some_and(|lost| lost < groups.first) {
            true => Err(Violation::new(format!("a hole: {groups:?} is there, {self:?}"))),
            false => Ok(()),
        }
    }

    /// How many records are gone.
    pub fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(group: u64) -> Groups {
        Groups { first: group, last: group }
    }

    #[test]
    fn the_newest_groups_may_go_and_nothing_else() {
        let mut loss = Loss::new(5);
        assert!(loss.may_take(at(5)) && !loss.may_take(at(4)));
        loss.check_kept(at(9)).unwrap();
        loss.take(at(7));
        loss.take(Groups { first: 6, last: 8 });
        assert_eq!(loss.count(), 2);
        for (kept, fits) in [
            (at(6), true),
            (at(7), true),
            (at(8), false),
            (Groups { first: 6, last: 7 }, true),
            (Groups { first: 7, last: 8 }, true),
            (Groups { first: 8, last: 9 }, false),
        ] {
            assert_eq!(loss.check_kept(kept).is_ok(), fits, "{kept:?}");
        }
    }
}
