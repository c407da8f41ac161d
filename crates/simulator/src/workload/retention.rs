//! Increase- and DecreaseStreamRetentionPeriod: what has expired stays so, whatever comes later.

use serde_json::json;

use super::{Prepared, change::Change};
use crate::{
    model::{Status, Stream},
    world::World,
};

pub(super) fn sample(world: &mut World) -> Option<Box<dyn Prepared>> {
    let name = world.some_name();
    let hours = *world.chance.pick(&[24, 25, 26, 48, 168])?;
    let up = world.chance.one_in(2);
    let operation =
        if up { "IncreaseStreamRetentionPeriod" } else { "DecreaseStreamRetentionPeriod" };
    let now_ms = world.now_ms();
    let effect = move |stream: &Stream| match hours.cmp(&stream.retention_hours) {
        std::cmp::Ordering::Equal => Ok(stream.clone()),
        order if order.is_gt() == up => Ok(Stream {
            retention_hours: hours,
            status: Status::Updating { since_ms: now_ms },
            ..stream.clone()
        }),
        _ => Err("InvalidArgumentException"),
    };
    Some(Box::new(Change {
        input: json!({ "StreamName": name, "RetentionPeriodHours": hours }),
        name,
        operation,
        effect: Box::new(effect),
        before: World::expire_for_good,
    }))
}
