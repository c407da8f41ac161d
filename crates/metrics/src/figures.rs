//! What the store says of itself to whoever watches the server.

use crate::store::MetricStore;

/// The store's figures at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Metrics that have samples, each of their units as one.
    pub series: u64,
    /// Bytes of memory that samples take which are in no block yet, and those of the last hour.
    pub memory_bytes: u64,
    /// Blocks of older samples.
    pub blocks: u64,
    /// Bytes that these take, on the disk if the store is durable. Its log comes besides, of a few MiB.
    pub block_bytes: u64,
}

impl MetricStore {
    /// Looks at everything; cheap.
    pub fn figures(&self) -> Figures {
        let tables = self.core().tables.read();
        Figures {
            series: tables.registry.len() as u64,
            memory_bytes: tables.bytes() as u64,
            blocks: tables.blocks.len() as u64,
            block_bytes: tables.blocks.iter().map(|block| block.entry.bytes).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use nautilus_stats::Distribution;

    use crate::{
        Resolution,
        testing::{World, small},
    };

    #[test]
    fn samples_go_from_memory_to_blocks() {
        let mut world = World::new(small());
        assert_eq!(world.store.figures().series, 0);
        for round in 0..3 {
            for number in 0..4 {
                let samples = Distribution::of(f64::from(round), 1.0);
                world.put(vec![(number, world.now_ms, Resolution::Minute, samples)]).unwrap();
            }
            world.advance_ms(60_000);
        }
        let young = world.store.figures();
        assert_eq!((young.series, young.blocks, young.block_bytes), (4, 0, 0));
        assert!(young.memory_bytes > 0);

        world.advance_ms(60 * 60_000);
        world.store.tick();
        world.advance_ms(60 * 60_000);
        world.store.tick();
        let old = world.store.figures();
        assert_eq!((old.series, old.memory_bytes), (4, 0));
        assert!(old.blocks > 0 && old.block_bytes > 0);
    }
}
