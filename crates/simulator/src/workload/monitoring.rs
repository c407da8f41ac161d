//! Enable- and DisableEnhancedMonitoring, and UpdateStreamMode to the mode that the stream has.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Prepared, change::Change};
use crate::{
    model::{Status, Stream},
    world::World,
};

const METRICS: [&str; 4] =
    ["IncomingBytes", "IncomingRecords", "OutgoingBytes", "IteratorAgeMilliseconds"];

pub(super) fn sample(world: &mut World) -> Option<Box<dyn Prepared>> {
    let name = world.some_name();
    if world.chance.one_in(3) {
        return Some(Box::new(same_mode(world, name)));
    }
    let asked: BTreeSet<String> = (0..world.chance.between(1, 2))
        .filter_map(|_| world.chance.pick(&METRICS))
        .map(|metric| (*metric).to_owned())
        .collect();
    let enable = world.chance.percent(60);
    let operation = if enable { "EnableEnhancedMonitoring" } else { "DisableEnhancedMonitoring" };
    let now_ms = world.now_ms();
    let input = json!({ "StreamName": name, "ShardLevelMetrics": asked });
    let effect = move |stream: &Stream| {
        let metrics: BTreeSet<String> = if enable {
            stream.metrics.union(&asked).cloned().collect()
        } else {
            stream.metrics.difference(&asked).cloned().collect()
        };
        let status = if metrics == stream.metrics {
            stream.status
        } else {
            Status::Updating { since_ms: now_ms }
        };
        Ok(Stream { metrics, status, ..stream.clone() })
    };
    let effect = Box::new(effect);
    Some(Box::new(Change { name, operation, input, effect, before: |_, _| () }))
}

fn same_mode(world: &World, name: String) -> Change {
    Change {
        input: json!({
            "StreamARN": world.arn(&name),
            "StreamModeDetails": { "StreamMode": "PROVISIONED" },
        }),
        name,
        operation: "UpdateStreamMode",
        effect: Box::new(|stream| Ok(stream.clone())),
        before: |_, _| (),
    }
}
