//! DeleteStream: what was answered stays away, and so do its records.

use serde_json::json;

use super::Prepared;
use crate::{
    counts::Outcome,
    model::{Status, Stream, Violation},
    reply::{Call, Reply},
    world::World,
};

struct DeleteStream {
    name: String,
}

pub(super) fn sample(world: &mut World) -> Option<Box<dyn Prepared>> {
    let name = if world.chance.percent(90) { world.some_name() } else { world.any_name() };
    Some(Box::new(DeleteStream { name }))
}

impl Prepared for DeleteStream {
    fn call(&self) -> Call {
        Call { operation: "DeleteStream", input: json!({ "StreamName": self.name }) }
    }

    fn settle(self: Box<Self>, world: &mut World, reply: Reply) -> Result<Outcome, Violation> {
        let status = world.model.stream(&self.name).map(|stream| stream.status);
        let deleting = world.model.stream(&self.name).map(|stream| Stream {
            status: Status::Deleting { since_ms: world.now_ms() },
            // A stream that is given up while it is made never gets its shards.
            ranges: match stream.status {
                Status::Creating { .. } => Vec::new(),
                _ => stream.ranges.clone(),
            },
            ..stream.clone()
        });
        let code = match status {
            None => Some("ResourceNotFoundException"),
            Some(Status::Deleting { .. } | Status::Updating { .. }) => {
                Some("ResourceInUseException")
            }
            Some(Status::Creating { .. } | Status::Active) => None,
        };
        match (&reply, code) {
            (Reply::Done(_), None) => {
                world.model.set(&self.name, deleting);
                Ok(Outcome::Done)
            }
            (Reply::Refused { code: got, .. }, Some(code)) if got == code => Ok(Outcome::Refused),
            (Reply::Lost(_), _) => {
                if code.is_none() {
                    world.model.set_unsure(&self.name, deleting);
                }
                Ok(Outcome::Lost)
            }
            (_, Some(code)) => Err(reply.unexpected(code)),
            (_, None) => Err(reply.unexpected("success")),
        }
    }
}
