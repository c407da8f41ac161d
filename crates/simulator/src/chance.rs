//! Dice: every decision of a simulated world comes from here, so that a seed tells the whole story.

use nautilus_log::{Rng, SeededRng};

/// Seeded dice with the few throws that a world needs.
#[derive(Debug)]
pub struct Chance {
    rng: SeededRng,
}

impl Chance {
    /// The dice of one seed.
    pub fn new(seed: u64) -> Chance {
        Chance { rng: SeededRng::new(seed) }
    }

    /// A number below `end`, which is not zero.
    pub fn below(&self, end: u64) -> u64 {
        assert!(end > 0, "nothing to choose from");
        // The slight unevenness for huge `end` does not matter here.
        self.rng.next_u64() % end
    }

    /// A number from `from` to `to`, both possible.
    pub fn between(&self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// True once in `n` throws.
    pub fn one_in(&self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// True in `percent` of a hundred throws.
    pub fn percent(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `items`, or nothing if there is none.
    pub fn pick<'a, T>(&self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() { None } else { Some(&items[self.below(items.len() as u64) as usize]) }
    }

    /// An index into `weights`, each as likely as its weight.
    pub fn weighted(&self, weights: &[u64]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if left < *weight {
                return index;
            }
            left -= weight;
        }
        unreachable!("the throw is below the sum of all weights")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same_numbers() {
        let (one, two) = (Chance::new(7), Chance::new(7));
        for _ in 0..100 {
            assert_eq!(one.below(1000), two.below(1000));
        }
    }

    #[test]
    fn a_weight_of_zero_is_never_chosen() {
        let chance = Chance::new(1);
        for _ in 0..1000 {
            assert_ne!(chance.weighted(&[3, 0, 1]), 1);
        }
    }
}
