//! What a world does: one file for each kind of operation.
//!
//! Each samples an input, tells from the model what must come of it, and compares. Calls run in small batches, so
//! that several appends share a group and a crash finds several of them under way.

mod change;
mod clock_step;
mod crash;
mod create_stream;
mod delete_stream;
mod describe;
mod faults;
mod get_records;
mod get_shard_iterator;
mod list_streams;
mod monitoring;
mod put_record;
mod put_records;
mod reshard;
mod restart;
mod retention;
mod shards;
mod sweep;
mod tags;
mod verify;

use crate::{
    counts::Outcome,
    model::Violation,
    reply::{Call, Reply},
    world::World,
};

pub(crate) use self::{
    describe::look as look_of,
    shards::learn_all,
    verify::{last_look, look_at_all, verify_all},
};

/// A call whose answer can be judged.
pub(crate) trait Prepared {
    /// What is sent.
    fn call(&self) -> Call;
    /// Judges the answer and tells the model.
    fn settle(self: Box<Self>, world: &mut World, reply: Reply) -> Result<Outcome, Violation>;
}

/// What one step of a world can be.
struct Operation {
    weight: u64,
    run: fn(&mut World) -> Result<(), Violation>,
}

const OPERATIONS: [Operation; 22] = [
    Operation { weight: 220, run: |world| batch(world, put_record::sample) },
    Operation { weight: 100, run: |world| batch(world, put_records::sample) },
    Operation { weight: 120, run: |world| one(world, get_records::sample) },
    Operation { weight: 40, run: |world| one(world, get_shard_iterator::sample) },
    Operation { weight: 35, run: |world| with_puts(world, create_stream::sample) },
    Operation { weight: 14, run: |world| with_puts(world, delete_stream::sample) },
    Operation { weight: 30, run: |world| with_puts(world, tags::sample) },
    Operation { weight: 15, run: |world| with_puts(world, retention::sample) },
    Operation { weight: 10, run: |world| with_puts(world, monitoring::sample) },
    Operation { weight: 30, run: reshard::start },
    Operation { weight: 40, run: reshard::finish },
    Operation { weight: 30, run: |world| one(world, describe::sample) },
    Operation { weight: 10, run: |world| one(world, list_streams::sample) },
    Operation { weight: 90, run: clock_step::run },
    Operation { weight: 40, run: crash::light_fuse },
    Operation { weight: 14, run: crash::crash_now },
    Operation { weight: 8, run: crash::torn_groups },
    Operation { weight: 14, run: restart::run },
    Operation { weight: 12, run: faults::shortage },
    Operation { weight: 12, run: faults::one_call },
    Operation { weight: 3, run: clock_step::expire_all },
    Operation { weight: 10, run: sweep::run },
];

/// The operations of Kinesis that every run must have done with success.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    [
        "AddTagsToStream",
        "CreateStream",
        "DecreaseStreamRetentionPeriod",
        "DeleteStream",
        "DescribeLimits",
        "DescribeStream",
        "DescribeStreamSummary",
        "DisableEnhancedMonitoring",
        "EnableEnhancedMonitoring",
        "GetRecords",
        "GetShardIterator",
        "IncreaseStreamRetentionPeriod",
        "ListShards",
        "ListStreams",
        "ListTagsForResource",
        "ListTagsForStream",
        "MergeShards",
        "PutRecord",
        "PutRecords",
        "RemoveTagsFromStream",
        "SplitShard",
        "TagResource",
        "UntagResource",
        "UpdateShardCount",
        "UpdateStreamMode",
    ]
    .into_iter()
}

/// Does one step.
pub(crate) fn step(world: &mut World) -> Result<(), Violation> {
    faults::between_steps(world)?;
    let weights: Vec<u64> = OPERATIONS.iter().map(|operation| operation.weight).collect();
    let operation = &OPERATIONS[world.chance.weighted(&weights)];
    (operation.run)(world)
}

type Sample = fn(&mut World) -> Option<Box<dyn Prepared>>;

fn one(world: &mut World, sample: Sample) -> Result<(), Violation> {
    let prepared = sample(world).into_iter().collect();
    world.run(prepared)
}

/// Several of a kind at once.
fn batch(world: &mut World, sample: Sample) -> Result<(), Violation> {
    let count = if world.chance.one_in(3) { world.chance.between(2, 6) } else { 1 };
    let prepared = (0..count).filter_map(|_| sample(world)).collect();
    world.run(prepared)
}

/// A change of a stream, often while records are written.
fn with_puts(world: &mut World, sample: Sample) -> Result<(), Violation> {
    let mut prepared: Vec<_> = sample(world).into_iter().collect();
    if world.chance.one_in(2) {
        prepared.extend(put_record::sample(world));
    }
    world.run(prepared)
}
