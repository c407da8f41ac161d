//! A consumer's subscription to a shard: its records, told the moment that they are visible, for five minutes.
//!
//! Nothing here asks again and again. A subscription waits for the journal's word that its shard has grown
//! ([`ShardWatch`]), for a new state of the catalog (the shard has ended, the consumer is gone) and for its own bell, which
//! the wheel rings when something is due by the service clock (`wheel.rs`) and the register when another subscription has
//! taken its place (`register.rs`).
//!
//! Always: each record is told once and in order · there is at most one message in the making, so one that is read
//! slowly holds a position and no records · what is told last names the place to go on from, unless the shard has ended:
//! then it names the shards that follow.
//!
//! Who sends the messages has the loop: [`Subscription::ready`], room for so many bytes, [`Subscription::next`].

mod event;
mod register;
#[cfg(test)]
mod tests;
mod wheel;

use std::{fmt, future::poll_fn, pin::pin, sync::Arc, task::Poll};

use bytes::Bytes;
use nautilus_log::ShardWatch;
use nautilus_wire::{AwsError, Protocol, event_stream};
use tokio::sync::watch;

use self::{
    event::Event,
    register::{Ended, Seat},
};
pub(crate) use self::{register::Register, wheel::Wheel};
use crate::{
    catalog::Address,
    error::Error,
    kinesis::Inner,
    limits,
    metrics::{self, ToldEvent},
    model::{
        arn::ConsumerArn,
        consumer::{Consumer, ConsumerStatus},
        shard::Shard,
        stream::Stream,
    },
    page::{Page, RECORD_OVERHEAD_BYTES, Room},
    start::Place,
};

/// An answer that goes on, message by message.
pub struct Subscription {
    /// None for a shard that was closed when it was made: it never had a log.
    watch: Option<ShardWatch>,
    versions: watch::Receiver<u64>,
    teller: Teller,
    /// What there was room for when it was ready last.
    asked: Due,
}

/// What [`Subscription::next`] comes to.
#[derive(Debug)]
pub enum Told {
    /// A whole message; there may be more.
    Message(Bytes),
    /// There is nothing to tell after all: wait again.
    Nothing,
    /// Everything is told.
    End,
}

/// All of a subscription but what it waits for.
struct Teller {
    inner: Arc<Inner>,
    protocol: Protocol,
    seat: Seat,
    /// Of the catalog, when it was looked at last; what follows is as it was then.
    version: u64,
    consumer: Arc<Consumer>,
    stream: Arc<Stream>,
    shard: Shard,
    /// Why it cannot go on, by the catalog.
    gone: Option<Error>,
    place: Place,
    begun_ms: u64,
    told_ms: u64,
    has_ended: bool,
}

/// What a subscription is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Tell something small.
    Word,
    /// Tell records.
    Records,
    /// Nothing, before that time.
    At(u64),
}

impl Subscription {
    /// Begins one for a consumer that is ACTIVE, and ends the one that it had to this shard.
    pub(crate) fn begin(
        inner: &Arc<Inner>,
        protocol: Protocol,
        consumer: Arc<Consumer>,
        stream: Arc<Stream>,
        shard: Shard,
        place: Place,
    ) -> Result<Subscription, Error> {
        // From here on no change of the catalog is missed.
        let mut versions = inner.catalog.subscribe();
        let watch = inner.journal.watch(shard.log_id());
        if watch.is_none() && !shard.has_ended_before(place.next) {
            return Err(Error::shard_not_found(Address::of(&stream), shard.id()));
        }
        let now_ms = inner.now_ms();
        let seat = inner.subscriptions.take(
            &consumer,
            shard.id(),
            inner.rates.subscribe.as_ref(),
            now_ms,
        )?;
        let mut teller = Teller {
            inner: inner.clone(),
            protocol,
            seat,
            version: *versions.borrow_and_update(),
            consumer,
            stream,
            shard,
            gone: None,
            place,
            begun_ms: now_ms,
            told_ms: now_ms,
            has_ended: false,
        };
        teller.look_at_catalog();
        Ok(Subscription { watch, versions, teller, asked: Due::At(0) })
    }

    /// What comes before everything else.
    pub fn initial_response(&self) -> Bytes {
        event_stream::initial_response(self.teller.protocol).into()
    }

    /// Waits until there is something to tell, and says about how many bytes it takes at most.
    pub async fn ready(&mut self) -> usize {
        let Subscription { watch, versions, teller, asked } = self;
        loop {
            let appended = watch.as_ref().map(ShardWatch::appended);
            let version = *versions.borrow_and_update();
            if teller.version != version {
                teller.version = version;
                teller.look_at_catalog();
            }
            *asked = teller.due(watch.as_ref());
            match *asked {
                Due::Word => return limits::EVENT_WORD_BYTES,
                Due::Records => return teller.event_bytes_max(),
                Due::At(due_ms) => teller.ring_at(due_ms),
            }
            let (mut appended, mut rung) = (pin!(appended), pin!(teller.seat.bell.rung()));
            let mut changed = pin!(versions.changed());
            poll_fn(|cx| {
                let appended = appended.as_mut().as_pin_mut();
                let is_woken = appended.is_some_and(|appended| appended.poll(cx).is_ready())
                    || rung.as_mut().poll(cx).is_ready()
                    || changed.as_mut().poll(cx).is_ready();
                if is_woken { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    }

    /// Tells what there is to tell now, within the room that [`Subscription::ready`] asked for.
    pub async fn next(&mut self) -> Told {
        let due = self.teller.due(self.watch.as_ref());
        if due == Due::Records && self.asked != Due::Records {
            return Told::Nothing;
        }
        let told = self.teller.tell(due).await;
        if matches!(told, Told::Message(_)) {
            self.teller.told_ms = self.teller.inner.now_ms();
        }
        told
    }
}

impl Teller {
    /// Looks whether there are still such a consumer and such a shard, and how the shard stands.
    fn look_at_catalog(&mut self) {
        if let Err(error) = self.find() {
            self.gone = Some(error);
        }
    }

    fn find(&mut self) -> Result<(), Error> {
        let snapshot = self.inner.catalog.load();
        let at = Address::of(&self.stream);
        let stream = snapshot.stream(at).filter(|stream| stream.id == self.stream.id);
        let stream = stream.ok_or_else(|| Error::stream_not_found(at))?;
        let arn = self.consumer.arn();
        let consumer = ConsumerArn::parse(&arn).and_then(|arn| snapshot.consumer_by_arn(&arn));
        consumer
            .filter(|consumer| consumer.status == ConsumerStatus::Active)
            .ok_or_else(|| Error::consumer_not_found(&arn, at.account))?;
        let shard = stream.shard(self.shard.id());
        let shard = shard.ok_or_else(|| Error::shard_not_found(at, self.shard.id()))?.clone();
        (self.stream, self.shard) = (stream.clone(), shard);
        Ok(())
    }

    fn due(&mut self, watch: Option<&ShardWatch>) -> Due {
        let now_ms = self.inner.now_ms();
        // A clock that was set back does not make it live longer.
        self.begun_ms = self.begun_ms.min(now_ms);
        self.told_ms = self.told_ms.min(now_ms);
        let life_ends_ms = self.begun_ms + limits::SUBSCRIPTION_LIFE_MS;
        let ends = self.has_ended || self.seat.bell.ended().is_some() || self.gone.is_some();
        if ends || life_ends_ms <= now_ms || self.shard.has_ended_before(self.place.next) {
            return Due::Word;
        }
        let word_ms = life_ends_ms.min(self.told_ms + limits::HEARTBEAT_MS);
        let opens_ms = match watch.is_some_and(|it| it.tail().visible_end > self.place.next) {
            true => self.closed_until_ms(now_ms).unwrap_or(now_ms),
            false => u64::MAX,
        };
        match (opens_ms <= now_ms, word_ms <= now_ms) {
            (true, _) => Due::Records,
            (false, true) => Due::Word,
            (false, false) => Due::At(opens_ms.min(word_ms)),
        }
    }

    fn closed_until_ms(&self, now_ms: u64) -> Option<u64> {
        let rate = self.inner.rates.fan_out.as_ref()?;
        self.seat.bytes.closed_until_ms(rate, now_ms)
    }

    fn ring_at(&self, due_ms: u64) {
        if self.inner.wheel.ring_at(&self.seat.bell, due_ms) {
            self.inner.due_changed.notify_one();
        }
    }

    fn event_bytes_max(&self) -> usize {
        let data = limits::EVENT_BYTES_MAX.max(self.stream.record_bytes_max());
        let records = limits::EVENT_RECORDS_MAX * RECORD_OVERHEAD_BYTES;
        limits::EVENT_WORD_BYTES + data / 3 * 4 + records
    }

    async fn tell(&mut self, due: Due) -> Told {
        let now_ms = self.inner.now_ms();
        if self.has_ended {
            return Told::End;
        }
        match self.seat.bell.ended() {
            Some(Ended::Replaced) => return self.fail(self.seat.replaced_error()),
            Some(Ended::Stopped) => return self.end(),
            None => {}
        }
        if let Some(error) = self.gone.take() {
            return self.fail(error);
        }
        if self.begun_ms + limits::SUBSCRIPTION_LIFE_MS <= now_ms {
            return self.end();
        }
        match due {
            Due::Records => self.tell_records().await,
            Due::Word if self.shard.has_ended_before(self.place.next) => self.tell_records().await,
            Due::Word => self.message(None, None, now_ms),
            Due::At(_) => Told::Nothing,
        }
    }

    /// Tells the next records; with the last ones of a closed shard, which shards follow.
    async fn tell_records(&mut self) -> Told {
        let room = Room { records: limits::EVENT_RECORDS_MAX, bytes: limits::EVENT_BYTES_MAX };
        let (from, now_ms) = (self.place.next, self.inner.now_ms());
        let page = Page::read(&self.inner, &self.stream, &self.shard, from, room).await;
        let page = page.and_then(|page| {
            let children = page.children(&self.stream, &self.shard)?;
            Ok((page, children))
        });
        let (page, children) = match page {
            Ok(page) => page,
            Err(error) => return self.fail_event(error),
        };
        if let Some(rate) = &self.inner.rates.fan_out {
            self.seat.bytes.charge(rate, page.bytes() as u64, now_ms);
        }
        self.place = Place {
            next: page.next(),
            arrived_before_ms: page.arrived_before_ms().unwrap_or(self.place.arrived_before_ms),
        };
        match page.is_empty() && children.is_none() {
            // What stood here has expired.
            true if page.next() > from => Told::Nothing,
            true => self.fail_event(Error::Log(format!(
                "{} of {} has nothing at position {from}, which is visible",
                self.shard.id(),
                self.stream.name
            ))),
            false => self.message(Some(page), children, now_ms),
        }
    }

    fn message(&mut self, page: Option<Page>, children: Option<Vec<Shard>>, now_ms: u64) -> Told {
        let millis_behind_latest = match &page {
            Some(page) => page.millis_behind_latest(now_ms),
            None => self.millis_behind_latest(now_ms),
        };
        self.has_ended = children.is_some();
        metrics::told(
            &self.inner,
            &ToldEvent {
                consumer: &self.consumer,
                stream: &self.stream,
                shard: &self.shard,
                page: page.as_ref(),
                behind_ms: millis_behind_latest,
            },
            now_ms,
        );
        let event =
            Event { page, shard: &self.shard, place: self.place, millis_behind_latest, children };
        Told::Message(event_stream::event(self.protocol, Event::TYPE, &event).into())
    }

    /// Of a place that no record was read at just now: the rate may hold back what is there.
    fn millis_behind_latest(&self, now_ms: u64) -> u64 {
        let tail = self.inner.journal.tail(self.shard.log_id());
        match tail.is_some_and(|tail| tail.visible_end > self.place.next) {
            true => now_ms.saturating_sub(self.place.arrived_before_ms).max(1),
            false => 0,
        }
    }

    /// Fails in place of an event.
    fn fail_event(&mut self, error: Error) -> Told {
        metrics::not_told(&self.inner, &self.consumer);
        self.fail(error)
    }

    fn fail(&mut self, error: Error) -> Told {
        self.has_ended = true;
        let mut error = AwsError::from(error);
        if error.status >= 500 {
            // As the model calls it in a stream.
            error.code = "InternalFailureException".into();
        }
        Told::Message(event_stream::exception(self.protocol, &error).into())
    }

    fn end(&mut self) -> Told {
        self.has_ended = true;
        Told::End
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Teller { consumer, shard, place, .. } = &self.teller;
        f.debug_struct("Subscription")
            .field("consumer", &consumer.arn())
            .field("shard", &shard.index)
            .field("next", &place.next)
            .finish_non_exhaustive()
    }
}
