//! What samplers ask of a world: names, tags, records and readers to choose from, and what the clock and the disk say.

use std::collections::BTreeMap;

use nautilus_log::Clock;

use super::{ACCOUNT, NAMES, READERS_MAX, REGION, Reader, TAG_KEYS, World};
use crate::{
    engine::Engine,
    model::{Groups, Moment, Put, Stream},
    reply::ID_BYTES,
};

impl World {
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    pub(crate) fn delay_ms(&self) -> u64 {
        self.settings.transition_delay_ms
    }

    pub(crate) fn any_name(&self) -> String {
        (*self.chance.pick(&NAMES).expect("there are names")).to_owned()
    }

    /// Mostly a stream that exists.
    pub(crate) fn some_name(&self) -> String {
        let names = self.model.names(|_| self.chance.percent(97));
        self.chance.pick(&names).cloned().unwrap_or_else(|| self.any_name())
    }

    /// A name whose stream fits.
    pub(crate) fn name_of(&self, fits: impl Fn(Option<&Stream>) -> bool) -> Option<String> {
        let fitting: Vec<&str> =
            NAMES.into_iter().filter(|name| fits(self.model.stream(name))).collect();
        self.chance.pick(&fitting).map(|name| (*name).to_owned())
    }

    pub(crate) fn arn(&self, name: &str) -> String {
        format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}")
    }

    pub(crate) fn some_tags(&self) -> BTreeMap<String, String> {
        let tag = |_| {
            let key = *self.chance.pick(&TAG_KEYS)?;
            Some((key.to_owned(), format!("value {}", self.chance.below(100))))
        };
        (0..self.chance.between(1, 3)).filter_map(tag).collect()
    }

    /// The number of the next call that sends records.
    pub(crate) fn new_call(&mut self) -> u64 {
        self.next_call += 1;
        self.next_call
    }

    pub(crate) fn some_put(&mut self, call: u64) -> Put {
        let id = self.next_record;
        self.next_record += 1;
        let more_bytes = self.equal_bytes.unwrap_or_else(|| self.some_bytes());
        let explicit = self.equal_bytes.is_none() && self.chance.one_in(2);
        let explicit_hash_key = explicit.then(|| {
            let (high, low) = (self.chance.below(u64::MAX), self.chance.below(u64::MAX));
            *self
                .chance
                .pick(&[0, u128::MAX, u128::from(high) << 64 | u128::from(low)])
                .unwrap_or(&0)
        });
        let put = Put {
            id,
            key: format!("key-{:02}", self.chance.below(100)),
            data_bytes: ID_BYTES + more_bytes as usize,
            explicit_hash_key,
            turn: self.turn,
            call,
            groups: Groups::default(),
        };
        self.sampled(put.bytes_max());
        put
    }

    /// When a record arrived that was sent at `sent_ms`, and is in a shard that was there then or is not.
    pub(crate) fn arrival_ms(&self, sent_ms: u64, shard_is_new: bool) -> u64 {
        if self.late && shard_is_new { self.now_ms() } else { sent_ms }
    }

    /// A record whose call has ended, with what is known by that.
    pub(crate) fn sent(&self, put: Put) -> Put {
        Put { groups: self.groups, ..put }
    }

    /// Where a reader goes on that has read a shard to its end.
    pub(crate) fn follow_later(&mut self, reader: &Reader, children: &[usize]) {
        for &child in children {
            self.to_follow.push((reader.name.clone(), reader.incarnation, child));
        }
        let more = self.to_follow.len().saturating_sub(2 * READERS_MAX);
        self.to_follow.drain(..more);
    }

    pub(crate) fn take_child(&mut self) -> Option<(String, u64, usize)> {
        self.to_follow.pop()
    }

    /// Perhaps the shard has expired, and is gone.
    pub(crate) fn shard_may_be_gone(&mut self, name: &str, shard: usize) -> bool {
        let floors = self.model.floors(name, self.now_ms());
        let Some(incarnation) = self.model.stream(name).map(|stream| stream.incarnation) else {
            return true;
        };
        self.model.incarnation(incarnation).topology().may_be_gone(shard, floors)
    }

    /// When a change happened that was not there at the last look.
    pub(crate) fn since_last_look(&self) -> Moment {
        let now_ms = self.now_ms();
        Moment { from_ms: self.lowest_ms.min(now_ms), to_ms: self.model.furthest_ms().max(now_ms) }
    }

    /// Every stream's shards were listed.
    pub(crate) fn looked(&mut self) {
        self.lowest_ms = self.now_ms();
    }

    fn some_bytes(&self) -> u64 {
        match self.chance.weighted(&[70, 20, 8, 2]) {
            0 => self.chance.below(100),
            1 => self.chance.below(600),
            2 => self.chance.below(3_000),
            _ => self.chance.below(20_000),
        }
    }

    pub(crate) fn new_incarnation(&mut self) -> u64 {
        self.next_incarnation += 1;
        self.next_incarnation - 1
    }

    pub(crate) fn add_reader(&mut self, reader: Reader) {
        if self.readers.len() == READERS_MAX {
            let oldest = self.chance.below(READERS_MAX as u64) as usize;
            self.readers.swap_remove(oldest);
        }
        self.readers.push(reader);
    }

    pub(crate) fn take_reader(&mut self) -> Option<Reader> {
        if self.readers.is_empty() {
            return None;
        }
        let index = self.chance.below(self.readers.len() as u64) as usize;
        Some(self.readers.swap_remove(index))
    }

    /// The disk stopped or the process must end: this life is over, the process may not know it yet.
    pub(crate) fn is_down(&self) -> bool {
        self.disk.stopped_at().is_some() || self.engine.as_ref().is_some_and(Engine::is_down)
    }
}
