//! What this room says of itself to whoever watches the server.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{model::message::Kind, outbox::DeliveryResult, sns::Sns};

/// Attempts by what became of them, since the room was opened.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    delivered: AtomicU64,
    retried: AtomicU64,
    given_up: AtomicU64,
    dead_letters: AtomicU64,
}

/// The room's figures at a moment. What is counted begins at 0 when the room is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Topics of all accounts and regions.
    pub topics: u64,
    /// Their subscriptions, confirmed or not.
    pub subscriptions: u64,
    /// Deliveries that wait in the outbox: a message has one for each endpoint.
    pub outbox_deliveries: u64,
    /// Bytes of the messages there.
    pub outbox_bytes: u64,
    /// How long the oldest of them waits, ms; 0 if none does.
    pub outbox_oldest_ms: u64,
    /// Attempts that are under way.
    pub attempts_under_way: u64,
    /// Attempts that delivered.
    pub delivered: u64,
    /// Attempts that failed and are made again.
    pub retried: u64,
    /// Attempts that failed for the last time.
    pub given_up: u64,
    /// Messages that were written to the file of dead letters.
    pub dead_letters: u64,
}

impl Attempts {
    /// Counts what became of an attempt to deliver a message of this kind.
    pub(crate) fn count(&self, kind: &Kind, result: &DeliveryResult) {
        let counter = match result {
            DeliveryResult::Delivered => &self.delivered,
            DeliveryResult::Retried { .. } => &self.retried,
            DeliveryResult::GivenUp { .. } => &self.given_up,
        };
        counter.fetch_add(1, Relaxed);
        // Questions whether somebody wants to subscribe are no letters.
        if *kind == Kind::Notification && matches!(result, DeliveryResult::GivenUp { .. }) {
            self.dead_letters.fetch_add(1, Relaxed);
        }
    }
}

impl Sns {
    /// Looks at everything; cheap.
    pub fn figures(&self) -> Figures {
        let inner = self.inner();
        let snapshot = inner.catalog.snapshot();
        let (outbox, counted) = (snapshot.outbox(), &inner.attempts);
        let oldest = outbox.messages.first_key_value();
        let waits_ms = |since_ms| inner.now_ms().saturating_sub(since_ms);
        Figures {
            topics: snapshot.topics().len() as u64,
            subscriptions: snapshot.subscriptions().len() as u64,
            outbox_deliveries: outbox.deliveries as u64,
            outbox_bytes: outbox.bytes as u64,
            outbox_oldest_ms: oldest.map_or(0, |(_, it)| waits_ms(it.message.published_ms)),
            attempts_under_way: inner.flights.lock().count() as u64,
            delivered: counted.delivered.load(Relaxed),
            retried: counted.retried.load(Relaxed),
            given_up: counted.given_up.load(Relaxed),
            dead_letters: counted.dead_letters.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{outbox::Outcome, testing::World};

    #[test]
    fn figures_follow_a_message_from_the_outbox_to_the_dead_letters() {
        let world = World::with_topic();
        world.confirmed("http://example.com/");
        let figures = || world.room().figures();
        // Subscribing has asked the endpoint whether it wants to.
        let before = figures();
        assert_eq!((before.topics, before.subscriptions, before.dead_letters), (1, 1, 0));

        world.publish("hello");
        world.advance(1_500);
        let due = world.due();
        let waiting = figures();
        assert_eq!(waiting.outbox_deliveries - before.outbox_deliveries, 1);
        assert!(waiting.outbox_bytes > before.outbox_bytes);
        assert_eq!((waiting.outbox_oldest_ms, waiting.attempts_under_way), (1_500, 1));

        world.report(&due[0], Outcome::Status(503));
        world.advance(20_000);
        let due = world.due();
        world.report(&due[0], Outcome::Status(404));
        world.publish("hello");
        let due = world.due();
        world.report(&due[0], Outcome::Status(200));
        let after = figures();
        assert_eq!((after.outbox_deliveries, after.outbox_oldest_ms), (0, 0));
        assert_eq!(after.attempts_under_way, 0);
        let counted = (after.retried, after.given_up, after.delivered - before.delivered);
        assert_eq!((counted, after.dead_letters), ((1, 1, 1), 1));
    }

    #[test]
    fn a_question_that_was_answered_before_its_attempt_ended_was_delivered() {
        let world = World::with_topic();
        world.subscribe("http", "http://example.com/");
        let due = world.due();
        world.confirm(&due[0]);
        let figures = world.room().figures();
        assert_eq!((figures.delivered, figures.attempts_under_way), (1, 0));
    }
}
