//! What this room says of itself to whoever watches the server. What streams are used for is in `metrics.rs`.

use crate::kinesis::Kinesis;

/// The room's figures at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Streams of all accounts and regions.
    pub streams: u64,
    /// Their open shards.
    pub open_shards: u64,
    /// Subscriptions that are open: what SubscribeToShard began and what has not ended.
    pub subscriptions: u64,
    /// Faults that are injected on purpose.
    pub faults: u64,
    /// The wall clock has jumped, and nobody knows whether that stands: nothing expires meanwhile.
    pub is_time_unsure: bool,
}

impl Kinesis {
    /// Looks at everything; cheap.
    pub fn figures(&self) -> Figures {
        let inner = self.inner();
        let snapshot = self.catalog_snapshot();
        let open_shards = snapshot.all_streams().map(|stream| stream.open_shard_count() as u64);
        Figures {
            streams: snapshot.all_streams().count() as u64,
            open_shards: open_shards.sum(),
            subscriptions: inner.subscriptions.living() as u64,
            faults: inner.faults.list().len() as u64,
            is_time_unsure: inner.time_is_unsure(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Figures;
    use crate::testing::{World, caller};

    #[test]
    fn figures_tell_what_there_is() {
        let world = World::with_stream(3);
        let figures = || world.room().kinesis.figures();
        let quiet = Figures {
            streams: 1,
            open_shards: 3,
            subscriptions: 0,
            faults: 0,
            is_time_unsure: false,
        };
        assert_eq!(figures(), quiet);

        let arn = world.register("c");
        world.settle();
        let input = format!(
            r#"{{"ConsumerARN":"{arn}","ShardId":"shardId-000000000000","StartingPosition":{{"Type":"LATEST"}}}}"#
        );
        let subscription = world.client_call(&caller(), "SubscribeToShard", &input);
        assert_eq!(figures(), Figures { subscriptions: 1, ..quiet });
        drop(subscription);
        world.clock.jump_ms(3_600_000);
        assert_eq!(figures(), Figures { is_time_unsure: true, ..quiet });
    }
}
