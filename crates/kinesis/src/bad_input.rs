//! What bad input may never do: change anything, be answered with a 5xx, panic. For every operation and in both
//! protocols: each constraint broken just so, and many requests that are wrong at random.

mod bases;
mod constraints;
mod mutations;

use std::sync::Arc;

use nautilus_log::ShardLogId;
use nautilus_wire::{AwsError, Output, Protocol, Writer, cbor};
use serde_json::Value;

use crate::{
    catalog::Snapshot,
    testing::{World, caller},
};

/// A request's members on their way into CBOR: `Data` is bytes there, and a time has milliseconds.
struct Request<'a>(&'a Value);

impl Output for Request<'_> {
    fn write<W: Writer>(&self, w: &mut W) {
        match self.0 {
            Value::Null => w.f64(f64::NAN), // no protocol writes null: something that no member takes
            Value::Bool(value) => w.bool(*value),
            Value::String(text) => w.str(text),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => w.i64(integer),
                None => w.f64(number.as_f64().unwrap_or_default()),
            },
            Value::Array(items) => w.list(items, |w, item| Request(item).write(w)),
            Value::Object(members) => w.map(|w| {
                for (name, value) in members {
                    w.key(name);
                    let data = value.as_str().filter(|_| name == "Data");
                    match data.and_then(|text| base64_simd::STANDARD.decode_to_vec(text).ok()) {
                        Some(bytes) => w.blob(&bytes),
                        None => Request(value).write(w),
                    }
                }
            }),
        }
    }
}

fn encode(protocol: Protocol, input: &Value) -> Vec<u8> {
    match protocol {
        Protocol::Json => input.to_string().into_bytes(),
        Protocol::Cbor => cbor::to_vec(&Request(input)),
        other => unreachable!("Kinesis does not speak {other:?}"),
    }
}

/// The catalog and the ends of all shards: what a refused call must leave as it was.
struct State {
    catalog: Arc<Snapshot>,
    ends: Vec<(ShardLogId, u64)>,
}

impl State {
    fn of(world: &World) -> State {
        let catalog = world.room().kinesis.catalog_snapshot();
        let end = |id: ShardLogId| Some((id, world.room().journal.tail(id)?.visible_end));
        let ends = catalog.shard_logs().into_iter().filter_map(end).collect();
        State { catalog, ends }
    }

    fn is_that_of(&self, world: &World) -> bool {
        let now = State::of(world);
        Arc::ptr_eq(&self.catalog, &now.catalog) && self.ends == now.ends
    }
}

/// One call from its bytes on.
fn call(world: &World, protocol: Protocol, operation: &str, body: &[u8]) -> Result<(), AwsError> {
    let input = protocol.parse(body)?;
    world.run(world.room().kinesis.call_in(protocol, &caller(), operation, input)).map(drop)
}
