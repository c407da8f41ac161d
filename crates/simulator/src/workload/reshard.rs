//! SplitShard, MergeShards and UpdateShardCount, and their last step: while records are written, and cut by a crash.

use serde_json::json;

use super::{Prepared, change::Change, put_record, put_records, with_puts};
use crate::{
    disk::Fuse,
    model::{Range, Status, Stream, Violation},
    reply::shard_id,
    world::World,
};

/// More open shards than this are not made by hand: every one of them is read again and again.
const OPEN_MAX: usize = 6;

pub(super) fn start(world: &mut World) -> Result<(), Violation> {
    match world.chance.below(3) {
        0 => with_puts(world, split),
        1 => with_puts(world, merge),
        _ => with_puts(world, update_count),
    }
}

/// Finishes a reshard that is under way, or starts one.
pub(super) fn finish(world: &mut World) -> Result<(), Violation> {
    let under_way = world.model.names(|status| matches!(status, Status::Updating { .. }));
    let under_way: Vec<_> = under_way
        .into_iter()
        .filter(|name| world.model.stream(name).is_some_and(|stream| stream.plan.is_some()))
        .collect();
    let Some(name) = world.chance.pick(&under_way).cloned() else { return start(world) };
    world.move_clock(world.now_ms() + world.delay_ms());
    match world.chance.below(8) {
        0 => return world.crash_in_a_tick(world.chance.below(4)),
        1 | 2 => world.light(Fuse::Calls(world.chance.below(12))),
        _ => {}
    }
    let sample = |world: &mut World| match world.chance.one_in(3) {
        true => put_records::sample_for(world, name.clone()),
        false => put_record::sample_for(world, name.clone()),
    };
    let prepared = (0..world.chance.between(1, 5)).map(|_| sample(world)).collect();
    world.counts.event("writes while parents close", 1);
    world.run_with_tick(prepared)
}

/// The open shards of a stream that the world knows, in the order of their ranges.
fn open(world: &mut World, name: &str) -> Vec<(usize, Range)> {
    let Some(stream) = world.model.stream(name).cloned() else { return Vec::new() };
    world.model.incarnation(stream.incarnation).topology().open()
}

/// A shard that nobody can split or merge, and the error that says so.
fn unfit(world: &mut World, name: &str) -> (usize, &'static str) {
    let (count, now_ms) = (world.model.shard_count(name), world.now_ms());
    let floors = world.model.floors(name, now_ms);
    let Some(stream) = world.model.stream(name).cloned() else { return (count, NOT_FOUND) };
    let topology = world.model.incarnation(stream.incarnation).topology();
    let closed = topology.closed().into_iter().filter(|&it| !topology.may_be_gone(it, floors));
    let closed: Vec<usize> = closed.collect();
    world.chance.pick(&closed).map_or((count, NOT_FOUND), |&index| (index, INVALID))
}

const NOT_FOUND: &str = "ResourceNotFoundException";
const INVALID: &str = "InvalidArgumentException";

/// The change that makes `plan` of the ranges of a stream that is as it was when this was asked for.
fn change(
    world: &World,
    name: String,
    operation: &'static str,
    mut input: serde_json::Value,
    plan: Result<Vec<Range>, &'static str>,
) -> Box<dyn Prepared> {
    let now_ms = world.now_ms();
    input["StreamName"] = json!(name);
    let effect = move |stream: &Stream| {
        let plan = plan.clone()?;
        if plan.len() == stream.ranges.len() {
            return Ok(stream.clone());
        }
        let status = Status::Updating { since_ms: now_ms };
        Ok(Stream { status, plan: Some(plan), ..stream.clone() })
    };
    Box::new(Change { name, operation, input, effect: Box::new(effect), before: |_, _| () })
}

fn split(world: &mut World) -> Option<Box<dyn Prepared>> {
    let name = world.some_name();
    let open = open(world, &name);
    let chosen = world.chance.pick(&open).copied();
    let (index, range, refused) = match chosen {
        Some((index, range)) if open.len() < OPEN_MAX && world.chance.percent(90) => {
            (index, range, None)
        }
        _ => {
            let (index, code) = unfit(world, &name);
            (index, Range { start: 0, end: u128::MAX }, Some(code))
        }
    };
    let Range { start, end } = range;
    let key = match world.chance.below(8) {
        0 => start.saturating_add(1),
        1 => start.saturating_add(2),
        2 => end,
        eighth => start.saturating_add((end - start) / 8 * u128::from(eighth - 1)),
    };
    let fits = start.saturating_add(1) < key && key < end;
    let plan = match refused {
        Some(code) => Err(code),
        None if !fits => Err(INVALID),
        None => {
            let halves = [Range { start, end: key - 1 }, Range { start: key, end }];
            let others = open.iter().map(|(_, range)| *range).filter(|other| *other != range);
            let mut ranges: Vec<Range> = others.chain(halves).collect();
            ranges.sort();
            Ok(ranges)
        }
    };
    let input = json!({ "ShardToSplit": shard_id(index), "NewStartingHashKey": key.to_string() });
    Some(change(world, name, "SplitShard", input, plan))
}

fn merge(world: &mut World) -> Option<Box<dyn Prepared>> {
    let name = world.some_name();
    let open = open(world, &name);
    let pairs: Vec<_> = open.windows(2).collect();
    let chosen = world.chance.pick(&pairs).map(|pair| (pair[0], pair[1]));
    let (ids, plan) = match chosen {
        // AWS wants the lower one first.
        Some((lower, upper)) if world.chance.percent(10) => ([upper.0, lower.0], Err(INVALID)),
        Some((lower, upper)) if world.chance.percent(92) => {
            let merged = Range { start: lower.1.start, end: upper.1.end };
            let ranges = open.iter().map(|(_, range)| *range);
            let others = ranges.filter(|range| *range != lower.1 && *range != upper.1);
            let mut ranges: Vec<Range> = others.chain([merged]).collect();
            ranges.sort();
            ([lower.0, upper.0], Ok(ranges))
        }
        _ => {
            let (index, code) = unfit(world, &name);
            ([index, index], Err(code))
        }
    };
    let [shard, adjacent] = ids.map(shard_id);
    let input = json!({ "ShardToMerge": shard, "AdjacentShardToMerge": adjacent });
    Some(change(world, name, "MergeShards", input, plan))
}

fn update_count(world: &mut World) -> Option<Box<dyn Prepared>> {
    let name = world.some_name();
    let current = world.model.stream(&name).map_or(1, |stream| stream.ranges.len() as u64);
    let target = world.chance.between(1, OPEN_MAX as u64);
    // Not more than twice, not less than half; the present count changes nothing, even or not.
    let plan = match () {
        () if target > 2 * current || 2 * target < current => Err("LimitExceededException"),
        () => Ok(Range::even(target)),
    };
    let input = json!({ "TargetShardCount": target, "ScalingType": "UNIFORM_SCALING" });
    Some(change(world, name, "UpdateShardCount", input, plan))
}
