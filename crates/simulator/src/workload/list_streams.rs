//! ListStreams: every stream in any state, by name, page by page.

use serde_json::json;

use super::{Prepared, describe::same};
use crate::{
    counts::Outcome,
    model::Violation,
    reply::{Call, Reply, list},
    world::World,
};

struct ListStreams {
    limit: usize,
    after: Option<String>,
}

pub(super) fn sample(world: &mut World) -> Option<Box<dyn Prepared>> {
    let limit = world.chance.between(1, 5) as usize;
    let after = world.chance.one_in(3).then(|| world.any_name());
    Some(Box::new(ListStreams { limit, after }))
}

impl Prepared for ListStreams {
    fn call(&self) -> Call {
        let mut input = json!({ "Limit": self.limit });
        if let Some(after) = &self.after {
            input["ExclusiveStartStreamName"] = json!(after);
        }
        Call { operation: "ListStreams", input }
    }

    fn settle(self: Box<Self>, world: &mut World, reply: Reply) -> Result<Outcome, Violation> {
        let answer = match &reply {
            Reply::Done(answer) => answer,
            Reply::Refused { .. } => return Err(reply.unexpected("success")),
            Reply::Lost(_) => return Ok(Outcome::Lost),
        };
        let names = world.model.streams().keys();
        let behind: Vec<&String> =
            names.filter(|name| self.after.as_ref().is_none_or(|after| *name > after)).collect();
        let page: Vec<_> = list(answer, "StreamNames")?.iter().filter_map(|n| n.as_str()).collect();
        let expected: Vec<&str> = behind.iter().take(self.limit).map(|n| n.as_str()).collect();
        let more = behind.len() > self.limit;
        same("StreamNames", page, expected)?;
        same("HasMoreStreams", answer["HasMoreStreams"].as_bool(), Some(more))?;
        Ok(Outcome::Done)
    }
}
