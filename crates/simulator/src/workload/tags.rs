//! The four ways to change tags, and the two to list them are in `describe.rs`.

use serde_json::json;

use super::{Prepared, change::Change};
use crate::{
    model::Stream,
    world::{TAG_KEYS, World},
};

/// A stream has at most this many; the world's keys are fewer.
const _: () = assert!(TAG_KEYS.len() < 50);

pub(super) fn sample(world: &mut World) -> Option<Box<dyn Prepared>> {
    let name = world.some_name();
    let by_arn = world.chance.one_in(2);
    let target = if by_arn {
        json!({ "ResourceARN": world.arn(&name) })
    } else {
        json!({ "StreamName": name })
    };
    let change = if world.chance.percent(60) {
        let tags = world.some_tags();
        let operation = if by_arn { "TagResource" } else { "AddTagsToStream" };
        Change {
            name,
            operation,
            input: with(target, "Tags", json!(tags)),
            effect: Box::new(move |stream| {
                let mut stream = stream.clone();
                stream.tags.extend(tags.clone());
                Ok(stream)
            }),
            before: |_, _| (),
        }
    } else {
        let keys: Vec<String> = world.some_tags().into_keys().collect();
        let operation = if by_arn { "UntagResource" } else { "RemoveTagsFromStream" };
        Change {
            name,
            operation,
            input: with(target, "TagKeys", json!(keys)),
            effect: Box::new(move |stream| {
                let mut stream: Stream = stream.clone();
                stream.tags.retain(|key, _| !keys.contains(key));
                Ok(stream)
            }),
            before: |_, _| (),
        }
    };
    Some(Box::new(change))
}

fn with(mut input: serde_json::Value, name: &str, value: serde_json::Value) -> serde_json::Value {
    input[name] = value;
    input
}
