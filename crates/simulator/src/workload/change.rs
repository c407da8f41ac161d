//! What the changes of a stream's settings have in common: an ACTIVE stream, and a new state of the model.

use serde_json::Value as Json;

use super::Prepared;
use crate::{
    counts::Outcome,
    model::{Status, Stream, Violation},
    reply::{Call, Reply},
    world::World,
};

/// The stream after a change, or the code of the error that the change must have.
pub(super) type Effect = dyn Fn(&Stream) -> Result<Stream, &'static str>;

/// A change and what it makes of the stream.
pub(super) struct Change {
    pub name: String,
    pub operation: &'static str,
    pub input: Json,
    /// Asked only of an ACTIVE stream.
    pub effect: Box<Effect>,
    /// Does what else a change that changes something does to the world.
    pub before: fn(&mut World, &str),
}

impl Prepared for Change {
    fn call(&self) -> Call {
        Call { operation: self.operation, input: self.input.clone() }
    }

    fn settle(self: Box<Self>, world: &mut World, reply: Reply) -> Result<Outcome, Violation> {
        let effect = match world.model.stream(&self.name) {
            None => Err("ResourceNotFoundException"),
            Some(stream) if stream.status != Status::Active => Err("ResourceInUseException"),
            Some(stream) => (self.effect)(stream),
        };
        match (&reply, effect) {
            (Reply::Done(_), Ok(stream)) => {
                if world.model.stream(&self.name) != Some(&stream) {
                    (self.before)(world, &self.name);
                }
                world.model.set(&self.name, Some(stream));
                world.clock_moved();
                Ok(Outcome::Done)
            }
            (Reply::Refused { code: got, .. }, Err(code)) if got == code => Ok(Outcome::Refused),
            (Reply::Lost(_), effect) => {
                if let Ok(stream) = effect {
                    world.model.set_unsure(&self.name, Some(stream));
                }
                Ok(Outcome::Lost)
            }
            (_, Err(code)) => Err(reply.unexpected(code)),
            (_, Ok(_)) => Err(reply.unexpected("success")),
        }
    }
}
