//! CreateStream: what was answered exists after every crash; a name that is taken is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::Prepared;
use crate::{
    counts::Outcome,
    model::{Range, Status, Stream, Violation},
    reply::{Call, Reply},
    world::World,
};

struct CreateStream {
    name: String,
    stream: Stream,
}

pub(super) fn sample(world: &mut World) -> Option<Box<dyn Prepared>> {
    let name = world.name_of(|stream| stream.is_none()).unwrap_or_else(|| world.any_name());
    let tags = if world.chance.one_in(2) { world.some_tags() } else { BTreeMap::new() };
    let stream = Stream {
        incarnation: world.new_incarnation(),
        status: Status::Creating { since_ms: world.now_ms() },
        ranges: Range::even(world.chance.between(1, 3)),
        plan: None,
        retention_hours: 24,
        metrics: BTreeSet::new(),
        tags,
    };
    Some(Box::new(CreateStream { name, stream }))
}

impl Prepared for CreateStream {
    fn call(&self) -> Call {
        let mut input = json!({ "StreamName": self.name, "ShardCount": self.stream.ranges.len() });
        if !self.stream.tags.is_empty() {
            input["Tags"] = json!(self.stream.tags);
        }
        Call { operation: "CreateStream", input }
    }

    fn settle(self: Box<Self>, world: &mut World, reply: Reply) -> Result<Outcome, Violation> {
        let taken = world.model.stream(&self.name).is_some();
        match (&reply, taken) {
            (Reply::Done(_), false) => {
                world.model.set(&self.name, Some(self.stream));
                Ok(Outcome::Done)
            }
            (Reply::Refused { code, .. }, true) if code == "ResourceInUseException" => {
                Ok(Outcome::Refused)
            }
            (Reply::Lost(_), _) => {
                if !taken {
                    world.model.set_unsure(&self.name, Some(self.stream));
                }
                Ok(Outcome::Lost)
            }
            (_, true) => Err(reply.unexpected("ResourceInUseException")),
            (_, false) => Err(reply.unexpected("success")),
        }
    }
}
