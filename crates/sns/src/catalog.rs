//! What this room keeps durable: the namespace `sns` of the catalog, its rows and its snapshot.
//!
//! ```text
//! topic/<arn>                              a topic with its attributes and tags
//! subscription/<arn>                       a subscription
//! message/<number, 20 digits>              a message that waits
//! delivery/<number, 20 digits>/<8 digits>  one endpoint that has not got it yet
//! signing-key                              what messages are signed with, once one was
//! ```
//!
//! Always: a snapshot is what its rows say, since both come from one [`Edit`] · a message is there as long as one of its
//! deliveries is. Numbers are this room's own and nobody else's: those of messages that are gone may come again.

use std::{collections::BTreeMap, sync::Arc};

use nautilus_store::{Change, Row};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::Error,
    model::{
        message::{Delivery, Message},
        subscription::Subscription,
        topic::Topic,
    },
    signature::SigningKey,
};

/// The namespace's name.
pub(crate) const NAMESPACE: &str = "sns";

const TOPIC: &str = "topic/";
const SUBSCRIPTION: &str = "subscription/";
const MESSAGE: &str = "message/";
const DELIVERY: &str = "delivery/";
/// The row of the key.
pub(crate) const SIGNING_KEY: &str = "signing-key";

/// One delivery of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DeliveryId {
    pub message: u64,
    pub index: u32,
}

impl DeliveryId {
    fn key(self) -> String {
        format!("{DELIVERY}{:020}/{:08}", self.message, self.index)
    }

    fn from_key(key: &str) -> Option<DeliveryId> {
        let (message, index) = key.strip_prefix(DELIVERY)?.split_once('/')?;
        Some(DeliveryId { message: message.parse().ok()?, index: index.parse().ok()? })
    }
}

/// The whole of the namespace at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    topics: Arc<BTreeMap<String, Arc<Topic>>>,
    subscriptions: Arc<BTreeMap<String, Arc<Subscription>>>,
    outbox: Arc<Outbox>,
    signing_key: Option<Arc<SigningKey>>,
}

/// What waits for delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outbox {
    pub(crate) messages: BTreeMap<u64, Arc<Waiting>>,
    pub(crate) next_message: u64,
    /// How many deliveries wait.
    pub(crate) deliveries: usize,
    /// Bytes of the messages.
    pub(crate) bytes: usize,
}

/// A message and who has not got it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub message: Arc<Message>,
    pub deliveries: BTreeMap<u32, Arc<Delivery>>,
}

impl Outbox {
    /// All deliveries that wait, the oldest message's first.
    pub(crate) fn all(&self) -> impl Iterator<Item = (DeliveryId, &Arc<Message>, &Arc<Delivery>)> {
        self.messages.iter().flat_map(|(&message, waiting)| {
            waiting.deliveries.iter().map(move |(&index, delivery)| {
                (DeliveryId { message, index }, &waiting.message, delivery)
            })
        })
    }

    pub(crate) fn get(&self, id: DeliveryId) -> Option<(&Arc<Message>, &Arc<Delivery>)> {
        let waiting = self.messages.get(&id.message)?;
        Some((&waiting.message, waiting.deliveries.get(&id.index)?))
    }

    /// Whether a message of this id waits.
    pub(crate) fn has(&self, message_id: &str) -> bool {
        self.messages.values().any(|waiting| waiting.message.id == message_id)
    }
}

impl Snapshot {
    /// The snapshot that the rows say.
    pub(crate) fn load(rows: Vec<(String, Vec<u8>)>) -> Result<Snapshot, Error> {
        let (mut topics, mut subscriptions) = (BTreeMap::new(), BTreeMap::new());
        let (mut messages, mut deliveries) = (BTreeMap::new(), Vec::new());
        let mut signing_key = None;
        for (key, value) in rows {
            if key.starts_with(TOPIC) {
                let topic: Topic = parse(&key, &value)?;
                topics.insert(topic.arn.clone(), Arc::new(topic));
            } else if key.starts_with(SUBSCRIPTION) {
                let subscription: Subscription = parse(&key, &value)?;
                subscriptions.insert(subscription.arn.clone(), Arc::new(subscription));
            } else if let Some(number) = key.strip_prefix(MESSAGE) {
                let number =
                    number.parse().map_err(|_| Error::catalog_row(&key, "is no message"))?;
                let message = Arc::new(parse::<Message>(&key, &value)?);
                messages.insert(number, Waiting { message, deliveries: BTreeMap::new() });
            } else if key.starts_with(DELIVERY) {
                let id = DeliveryId::from_key(&key)
                    .ok_or_else(|| Error::catalog_row(&key, "is no delivery"))?;
                deliveries.push((id, key.clone(), parse::<Delivery>(&key, &value)?));
            } else if key == SIGNING_KEY {
                signing_key = Some(Arc::new(parse(&key, &value)?));
            } else {
                return Err(Error::catalog_row(&key, "is not known to this version"));
            }
        }
        for (id, key, delivery) in deliveries {
            let waiting = messages.get_mut(&id.message);
            let waiting = waiting.ok_or_else(|| Error::catalog_row(&key, "has no message"))?;
            waiting.deliveries.insert(id.index, Arc::new(delivery));
        }
        let outbox = Outbox {
            next_message: messages.last_key_value().map_or(1, |(&last, _)| last + 1),
            deliveries: messages.values().map(|waiting| waiting.deliveries.len()).sum(),
            bytes: messages.values().map(|waiting| waiting.message.bytes()).sum(),
            messages: messages.into_iter().map(|(n, waiting)| (n, Arc::new(waiting))).collect(),
        };
        Ok(Snapshot {
            topics: Arc::new(topics),
            subscriptions: Arc::new(subscriptions),
            outbox: Arc::new(outbox),
            signing_key,
        })
    }

    pub(crate) fn topic(&self, arn: &str) -> Option<&Arc<Topic>> {
        self.topics.get(arn)
    }

    pub(crate) fn subscription(&self, arn: &str) -> Option<&Arc<Subscription>> {
        self.subscriptions.get(arn)
    }

    /// All topics by ARN.
    pub(crate) fn topics(&self) -> &BTreeMap<String, Arc<Topic>> {
        &self.topics
    }

    /// All subscriptions by ARN.
    pub(crate) fn subscriptions(&self) -> &BTreeMap<String, Arc<Subscription>> {
        &self.subscriptions
    }

    /// The subscriptions of a topic.
    pub(crate) fn subscriptions_of(&self, topic: &str) -> impl Iterator<Item = &Arc<Subscription>> {
        // The character behind the colon that stands before a subscription's id.
        let (first, end) = (format!("{topic}:"), format!("{topic};"));
        self.subscriptions.range(first..end).map(|(_, subscription)| subscription)
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(crate) fn signing_key(&self) -> Option<&Arc<SigningKey>> {
        self.signing_key.as_ref()
    }

    /// Bytes of everybody's attributes.
    pub(crate) fn attribute_bytes(&self) -> usize {
        let topics = self.topics.values().map(|topic| topic.attribute_bytes());
        let subscriptions = self.subscriptions.values().map(|one| one.attribute_bytes());
        topics.chain(subscriptions).sum()
    }
}

fn parse<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(value).map_err(|error| Error::catalog_row(key, &error.to_string()))
}

/// A change in the making: the next snapshot, and the rows that make it durable.
pub(crate) struct Edit {
    next: Snapshot,
    rows: Vec<Row>,
}

impl Edit {
    pub(crate) fn new(snapshot: &Snapshot) -> Edit {
        Edit { next: snapshot.clone(), rows: Vec::new() }
    }

    /// The snapshot as it will be.
    pub(crate) fn next(&self) -> &Snapshot {
        &self.next
    }

    /// Puts a topic in the place of the one of its ARN.
    pub(crate) fn put_topic(&mut self, topic: Topic) {
        self.put_row(format!("{TOPIC}{}", topic.arn), &topic);
        Arc::make_mut(&mut self.next.topics).insert(topic.arn.clone(), Arc::new(topic));
    }

    /// Takes a topic away, its subscriptions, and what waits for them.
    pub(crate) fn remove_topic(&mut self, arn: &str) {
        if Arc::make_mut(&mut self.next.topics).remove(arn).is_none() {
            return;
        }
        self.remove_row(format!("{TOPIC}{arn}"));
        let ended: Vec<String> =
            self.next.subscriptions_of(arn).map(|subscription| subscription.arn.clone()).collect();
        for subscription in ended {
            self.remove_subscription(&subscription);
        }
    }

    /// Puts a subscription in the place of the one of its ARN.
    pub(crate) fn put_subscription(&mut self, subscription: Subscription) {
        self.put_row(format!("{SUBSCRIPTION}{}", subscription.arn), &subscription);
        let subscriptions = Arc::make_mut(&mut self.next.subscriptions);
        subscriptions.insert(subscription.arn.clone(), Arc::new(subscription));
    }

    /// Takes a subscription away, and what waits for it.
    pub(crate) fn remove_subscription(&mut self, arn: &str) {
        if Arc::make_mut(&mut self.next.subscriptions).remove(arn).is_none() {
            return;
        }
        self.remove_row(format!("{SUBSCRIPTION}{arn}"));
        self.remove_deliveries_to(arn);
    }

    /// Takes away what waits for a subscription.
    pub(crate) fn remove_deliveries_to(&mut self, subscription_arn: &str) {
        let waiting: Vec<DeliveryId> = self
            .next
            .outbox
            .all()
            .filter(|(.., delivery)| delivery.subscription_arn == subscription_arn)
            .map(|(id, ..)| id)
            .collect();
        for id in waiting {
            self.remove_delivery(id);
        }
    }

    /// Puts a message and its deliveries, of which there must be some, into the outbox.
    pub(crate) fn put_message(&mut self, message: Message, deliveries: Vec<Delivery>) {
        let number = self.next.outbox.next_message;
        self.put_row(format!("{MESSAGE}{number:020}"), &message);
        let mut waiting = BTreeMap::new();
        for (index, delivery) in (0..).zip(deliveries) {
            self.put_row(DeliveryId { message: number, index }.key(), &delivery);
            waiting.insert(index, Arc::new(delivery));
        }
        let outbox = Arc::make_mut(&mut self.next.outbox);
        outbox.next_message += 1;
        outbox.deliveries += waiting.len();
        outbox.bytes += message.bytes();
        let waiting = Waiting { message: Arc::new(message), deliveries: waiting };
        outbox.messages.insert(number, Arc::new(waiting));
    }

    /// Puts a delivery in the place of the one of its id, which must be there.
    pub(crate) fn put_delivery(&mut self, id: DeliveryId, delivery: Delivery) {
        self.put_row(id.key(), &delivery);
        let outbox = Arc::make_mut(&mut self.next.outbox);
        if let Some(waiting) = outbox.messages.get_mut(&id.message) {
            Arc::make_mut(waiting).deliveries.insert(id.index, Arc::new(delivery));
        }
    }

    /// Takes a delivery away, and its message with the last of them.
    pub(crate) fn remove_delivery(&mut self, id: DeliveryId) {
        let outbox = Arc::make_mut(&mut self.next.outbox);
        let Some(waiting) = outbox.messages.get_mut(&id.message) else { return };
        if Arc::make_mut(waiting).deliveries.remove(&id.index).is_none() {
            return;
        }
        outbox.deliveries -= 1;
        let is_done = waiting.deliveries.is_empty();
        if is_done {
            outbox.bytes -= waiting.message.bytes();
            outbox.messages.remove(&id.message);
        }
        self.remove_row(id.key());
        if is_done {
            self.remove_row(format!("{MESSAGE}{:020}", id.message));
        }
    }

    /// Keeps what messages are signed with.
    pub(crate) fn put_signing_key(&mut self, key: SigningKey) {
        self.put_row(SIGNING_KEY.to_owned(), &key);
        self.next.signing_key = Some(Arc::new(key));
    }

    /// The change, with an answer for whoever asked for it.
    pub(crate) fn finish<T>(self, answer: T) -> Change<Snapshot, T> {
        match self.rows.is_empty() {
            true => Change { next: None, rows: Vec::new(), answer },
            false => Change { next: Some(self.next), rows: self.rows, answer },
        }
    }

    fn put_row(&mut self, key: String, value: &impl Serialize) {
        let value = serde_json::to_vec(value).expect("rows hold texts and numbers");
        self.rows.push(Row { key, value: Some(value) });
    }

    fn remove_row(&mut self, key: String) {
        self.rows.push(Row { key, value: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        delivery_policy,
        model::{
            message::Kind,
            subscription::{Protocol, tests::subscription},
            topic::tests::topic,
        },
    };

    fn message(id: &str) -> Message {
        Message {
            id: id.to_owned(),
            topic_arn: topic().arn,
            kind: Kind::Notification,
            subject: Some("s".to_owned()),
            text: "hello".to_owned(),
            texts: BTreeMap::new(),
            attributes: BTreeMap::new(),
            published_ms: 1,
            origin: None,
        }
    }

    fn delivery(arn: &str) -> Delivery {
        let mut to = subscription(Protocol::Http, "http://example.com/");
        to.arn = arn.to_owned();
        Delivery::new(&to, delivery_policy::effective(None, None), 1)
    }

    /// Applies an edit to rows and to a snapshot; both must say the same.
    fn apply(
        rows: &mut BTreeMap<String, Vec<u8>>,
        snapshot: &mut Snapshot,
        edit: impl FnOnce(&mut Edit),
    ) {
        let mut made = Edit::new(snapshot);
        edit(&mut made);
        let change = made.finish(());
        for row in change.rows {
            match row.value {
                Some(value) => drop(rows.insert(row.key, value)),
                None => drop(rows.remove(&row.key)),
            }
        }
        if let Some(next) = change.next {
            *snapshot = next;
        }
        let mut loaded = Snapshot::load(rows.clone().into_iter().collect()).expect("our rows");
        // Numbers of messages that are gone may come again after a restart.
        Arc::make_mut(&mut loaded.outbox).next_message = snapshot.outbox.next_message;
        assert_eq!(loaded, *snapshot);
    }

    #[test]
    fn a_snapshot_is_what_its_rows_say() {
        let (mut rows, mut snapshot) = (BTreeMap::new(), Snapshot::load(Vec::new()).expect("none"));
        let mut apply = |edit: &dyn Fn(&mut Edit)| apply(&mut rows, &mut snapshot, |e| edit(e));
        let arn = subscription(Protocol::Http, "").arn;
        apply(&|edit| edit.put_topic(topic()));
        apply(&|edit| edit.put_subscription(subscription(Protocol::Http, "http://example.com/")));
        apply(&|edit| edit.put_message(message("a"), vec![delivery(&arn), delivery("other")]));
        apply(&|edit| edit.put_message(message("b"), vec![delivery(&arn)]));
        apply(&|edit| edit.put_signing_key(crate::testing::signing_key()));
        apply(&|edit| {
            let id = DeliveryId { message: 1, index: 1 };
            let mut delivery = delivery("other");
            delivery.attempts = 3;
            edit.put_delivery(id, delivery);
        });
        let id = DeliveryId { message: 1, index: 1 };
        apply(&|edit| edit.remove_delivery(id));
        apply(&|edit| edit.remove_delivery(id));
        apply(&|edit| edit.remove_topic(&topic().arn));
        assert_eq!(rows.keys().collect::<Vec<_>>(), [SIGNING_KEY]);
    }

    #[test]
    fn what_waits_is_counted() {
        let mut snapshot = Snapshot::load(Vec::new()).expect("none");
        let mut edit = Edit::new(&snapshot);
        edit.put_message(message("a"), vec![delivery("x"), delivery("y")]);
        snapshot = edit.finish(()).next.expect("a change");
        let outbox = snapshot.outbox();
        assert_eq!((outbox.deliveries, outbox.bytes), (2, message("a").bytes()));
        assert!(outbox.has("a") && !outbox.has("b"));
        let mut edit = Edit::new(&snapshot);
        edit.remove_deliveries_to("x");
        edit.remove_deliveries_to("y");
        let next = edit.finish(()).next.expect("a change");
        assert_eq!((next.outbox().deliveries, next.outbox().bytes), (0, 0));
    }

    #[test]
    fn rows_that_nobody_understands_are_told() {
        for (key, value) in [
            ("what/is/this", "{}"),
            ("topic/x", "{"),
            ("message/x", "{}"),
            ("delivery/x", "{}"),
            ("delivery/00000000000000000001/00000000", "{}"),
        ] {
            let rows = vec![(key.to_owned(), value.as_bytes().to_vec())];
            assert!(Snapshot::load(rows).is_err(), "{key}");
        }
    }

    #[test]
    fn a_topics_subscriptions_are_not_those_of_its_neighbours() {
        let snapshot = Snapshot::load(Vec::new()).expect("none");
        let mut edit = Edit::new(&snapshot);
        for arn in ["a:t", "a:t-x", "a:t0", "a:tt"] {
            let mut one = subscription(Protocol::Http, "http://example.com/");
            one.arn = format!("{arn}:1");
            edit.put_subscription(one);
        }
        let found: Vec<_> = edit.next().subscriptions_of("a:t").map(|one| &*one.arn).collect();
        assert_eq!(found, ["a:t:1"]);
    }
}
