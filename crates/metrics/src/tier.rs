//! How fine samples are kept, and for how long: AWS's four resolutions.
//!
//! What a reader sees is decided by a sample's age alone: the store may roll up later than that, never sooner.

const HOUR_S: u32 = 3_600;
const DAY_S: u32 = 86_400;

/// A resolution, finest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Tier {
    Second,
    Minute,
    FiveMinutes,
    Hour,
}

impl Tier {
    pub const ALL: [Tier; 4] = [Tier::Second, Tier::Minute, Tier::FiveMinutes, Tier::Hour];

    /// Length of one period.
    pub const fn step_s(self) -> u32 {
        match self {
            Tier::Second => 1,
            Tier::Minute => 60,
            Tier::FiveMinutes => 300,
            Tier::Hour => HOUR_S,
        }
    }

    /// For how long samples are kept so.
    pub const fn kept_s(self) -> u32 {
        match self {
            Tier::Second => 3 * HOUR_S,
            Tier::Minute => 15 * DAY_S,
            Tier::FiveMinutes => 63 * DAY_S,
            Tier::Hour => 455 * DAY_S,
        }
    }

    /// What one block covers: it is rolled up or removed as a whole.
    pub const fn span_s(self) -> u32 {
        match self {
            Tier::Second => HOUR_S,
            Tier::Minute => DAY_S,
            Tier::FiveMinutes => 7 * DAY_S,
            Tier::Hour => 28 * DAY_S,
        }
    }

    /// Where the period of a time begins.
    pub const fn floor(self, at_s: u32) -> u32 {
        at_s - at_s % self.step_s()
    }

    /// Where the span of a time begins.
    pub const fn span_of(self, at_s: u32) -> u32 {
        at_s - at_s % self.span_s()
    }

    /// The tier that samples of this age are kept in; `None` if they are not. A whole hour ages at once, by its end: so it
    /// is the same for a point and for what it was rolled up into.
    pub fn of_age(at_s: u32, now_s: u32) -> Option<Tier> {
        let end_s = u64::from(at_s - at_s % HOUR_S + HOUR_S);
        Tier::ALL.into_iter().find(|tier| end_s + u64::from(tier.kept_s()) > u64::from(now_s))
    }

    /// The tier that a sample of this one is seen in at `now_s`; `None` if it is not seen any more.
    pub fn aged(self, at_s: u32, now_s: u32) -> Option<Tier> {
        Tier::of_age(at_s, now_s).map(|tier| tier.max(self))
    }

    pub const fn number(self) -> u8 {
        self as u8
    }

    pub fn of_number(number: u8) -> Option<Tier> {
        Tier::ALL.into_iter().find(|tier| tier.number() == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tier_divides_the_next_and_its_own_span() {
        for pair in Tier::ALL.windows(2) {
            assert_eq!(pair[1].step_s() % pair[0].step_s(), 0);
            assert_eq!(pair[0].span_s() % pair[1].step_s(), 0, "a span rolls up by itself");
        }
    }

    #[test]
    fn age_decides() {
        let now_s = 1_795_489_200;
        assert_eq!(now_s % HOUR_S, 0);
        let table = [
            (0, Some(Tier::Second)),
            (4 * HOUR_S - 1, Some(Tier::Second)),
            (4 * HOUR_S, Some(Tier::Second)),
            (4 * HOUR_S + 1, Some(Tier::Minute)),
            (15 * DAY_S + HOUR_S, Some(Tier::Minute)),
            (15 * DAY_S + HOUR_S + 1, Some(Tier::FiveMinutes)),
            (63 * DAY_S + HOUR_S, Some(Tier::FiveMinutes)),
            (63 * DAY_S + HOUR_S + 1, Some(Tier::Hour)),
            (455 * DAY_S + HOUR_S, Some(Tier::Hour)),
            (455 * DAY_S + HOUR_S + 1, None),
        ];
        for (age_s, tier) in table {
            let now_s = now_s - 1;
            let at_s = now_s + 1 - age_s;
            assert_eq!(Tier::of_age(at_s, now_s), tier, "{age_s}");
            let later = Tier::ALL.map(|tier| Tier::of_age(tier.floor(at_s), now_s));
            assert_eq!(later, [tier; 4], "{age_s}: rolled up");
        }
        assert_eq!(Tier::of_age(now_s + 7_200, now_s), Some(Tier::Second));
        assert_eq!(Tier::Hour.aged(now_s, now_s), Some(Tier::Hour));
    }
}
