//! The way of a message: into the outbox with one delivery for each endpoint, out of it when the endpoint has got it or
//! will never get it. A state machine without sockets: [`Sns::due`] tells what is to be sent now, [`Sns::report`] hears
//! what became of it.
//!
//! Always: a message is durable before its publisher has an answer · a delivery is taken out only by what an attempt
//! reported, or with its subscription · an attempt that is under way when the process ends is made again, with the same
//! message id · what is given up stands in the file of dead letters before it leaves the outbox · no endpoint has more than
//! a few attempts under way, no topic and no account more than its share, so those that hang keep nothing from the others.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::{
    catalog::{DeliveryId, Edit, Outbox, Snapshot},
    delivery_policy,
    envelope::{self, Request},
    error::Error,
    filter::Filter,
    limits,
    model::{
        message::{Delivery, Kind, Message, reason},
        subscription::Subscription,
        topic::Topic,
    },
    reach::{Refused, Target},
    signature::SigningKey,
    sns::{Inner, Sns},
};

/// A message of another room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// To whom.
    pub topic_arn: String,
    /// At most 100 characters.
    pub subject: Option<String>,
    /// At most 256 KiB.
    pub message: String,
    /// A UUID. A message whose id waits in the outbox already is not taken again.
    pub message_id: String,
    /// If given, the outcomes of all attempts are told under this name: see [`Sns::take_outcomes`].
    pub origin: Option<String>,
}

/// One POST that is to be made now.
#[derive(Debug, Clone)]
pub struct Attempt {
    id: DeliveryId,
    message: Arc<Message>,
    delivery: Arc<Delivery>,
    target: Result<Target, Refused>,
    signing_key: Option<Arc<SigningKey>>,
    public_url: Arc<str>,
}

impl Attempt {
    /// Where it goes, or why it must not.
    pub fn target(&self) -> Result<&Target, &Refused> {
        self.target.as_ref()
    }

    /// What is sent. Made when it is asked for: many attempts may wait for their turn.
    pub fn request(&self) -> Request {
        let key = self.signing_key.as_deref();
        envelope::request(&self.message, &self.delivery, &self.public_url, key)
    }

    /// The endpoint as its subscriber wrote it.
    pub fn endpoint(&self) -> &str {
        &self.delivery.endpoint
    }

    /// Of the message.
    pub fn message_id(&self) -> &str {
        &self.message.id
    }

    /// From 1.
    pub fn number(&self) -> u32 {
        self.delivery.attempts + 1
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint answered with this status.
    Status(u16),
    /// There was no answer: connecting failed, or took too long, or the connection broke.
    NoAnswer(String),
    /// The endpoint must not be reached.
    Forbidden(String),
}

/// What an outcome means.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Delivered,
    /// The endpoint may take it later.
    Retry(String),
    /// It never will.
    Never(String),
}

impl Outcome {
    /// 429 and 5xx are passing, all other refusals are not; redirects are not followed, so they are refusals.
    fn meaning(&self) -> Meaning {
        match self {
            Outcome::Status(200..=299) => Meaning::Delivered,
            Outcome::Status(status @ (429 | 500..=599)) => {
                Meaning::Retry(format!("the endpoint answered {status}"))
            }
            Outcome::Status(status @ 300..=399) => Meaning::Never(format!(
                "the endpoint answered {status}, and redirects are not followed"
            )),
            Outcome::Status(status) => Meaning::Never(format!("the endpoint answered {status}")),
            Outcome::NoAnswer(why) => Meaning::Retry(reason(why)),
            Outcome::Forbidden(why) => Meaning::Never(reason(why)),
        }
    }
}

/// What became of an attempt to deliver a message that had an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryOutcome {
    /// As published.
    pub origin: String,
    /// As published.
    pub message_id: String,
    /// The subscription's ARN.
    pub subscription_arn: String,
    /// The subscription's endpoint.
    pub endpoint: String,
    /// From 1; 0 if the endpoint is of a kind that nothing is delivered to.
    pub attempt: u32,
    /// How it went.
    pub result: DeliveryResult,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryResult {
    /// The endpoint has it.
    Delivered,
    /// The endpoint has it not; it is tried again at that time, ms of the clock.
    Retried {
        /// Why it failed.
        reason: String,
        /// When it is tried again.
        next_ms: u64,
    },
    /// The endpoint has it not and will not get it.
    GivenUp {
        /// Why it failed.
        reason: String,
    },
}

/// Attempts that are under way. They are in no catalog: a process that ends has none.
#[derive(Default)]
pub(crate) struct Flights {
    flying: HashMap<DeliveryId, Flight>,
    all: Load,
    by_account: HashMap<String, Load>,
    by_topic: HashMap<String, Load>,
    by_authority: HashMap<String, Load>,
}

struct Flight {
    message: Arc<Message>,
    delivery: Arc<Delivery>,
}

/// What attempts take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Load {
    attempts: usize,
    bytes: usize,
}

impl Load {
    const MAX: Load = Load { attempts: limits::ATTEMPTS_MAX, bytes: limits::ATTEMPT_BYTES_MAX };
    const MAX_PER_TOPIC: Load = Load {
        attempts: limits::ATTEMPTS_PER_TOPIC_MAX,
        bytes: limits::ATTEMPT_BYTES_PER_TOPIC_MAX,
    };
    const MAX_PER_ENDPOINT: Load =
        Load { attempts: limits::ATTEMPTS_PER_ENDPOINT_MAX, bytes: limits::ATTEMPT_BYTES_MAX };

    /// One attempt for a message.
    fn of(message: &Message) -> Load {
        Load { attempts: 1, bytes: message.bytes() }
    }

    fn plus(self, other: Load) -> Load {
        Load { attempts: self.attempts + other.attempts, bytes: self.bytes + other.bytes }
    }

    fn minus(self, other: Load) -> Load {
        Load {
            attempts: self.attempts.saturating_sub(other.attempts),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    fn is_within(self, max: Load) -> bool {
        self.attempts <= max.attempts && self.bytes <= max.bytes
    }
}

fn load_of(loads: &HashMap<String, Load>, key: &str) -> Load {
    loads.get(key).copied().unwrap_or_default()
}

impl Flights {
    fn is_flying(&self, id: DeliveryId) -> bool {
        self.flying.contains_key(&id)
    }

    /// Whether an attempt may begin: whoever's endpoints hang leaves room for the other endpoints, topics and accounts.
    fn has_room(&self, message: &Message, delivery: &Delivery) -> bool {
        let one = Load::of(message);
        let of_account = load_of(&self.by_account, account_of(message)).plus(one);
        of_account.is_within(Load::MAX.minus(self.all.plus(one)))
            && load_of(&self.by_topic, &message.topic_arn).plus(one).is_within(Load::MAX_PER_TOPIC)
            && load_of(&self.by_authority, &delivery.authority)
                .plus(one)
                .is_within(Load::MAX_PER_ENDPOINT)
    }

    pub(crate) fn count(&self) -> usize {
        self.flying.len()
    }

    fn start(&mut self, id: DeliveryId, message: &Arc<Message>, delivery: &Arc<Delivery>) {
        let flight = Flight { message: Arc::clone(message), delivery: Arc::clone(delivery) };
        self.all = self.all.plus(Load::of(message));
        for (loads, key) in self.shares(&flight) {
            let load = loads.entry(key.to_owned()).or_default();
            *load = load.plus(Load::of(message));
        }
        self.flying.insert(id, flight);
    }

    fn end(&mut self, id: DeliveryId) {
        let Some(flight) = self.flying.remove(&id) else { return };
        let one = Load::of(&flight.message);
        self.all = self.all.minus(one);
        for (loads, key) in self.shares(&flight) {
            let left = load_of(loads, key).minus(one);
            match left.attempts {
                0 => loads.remove(key),
                _ => loads.insert(key.to_owned(), left),
            };
        }
    }

    /// Where an attempt counts beside the whole.
    fn shares<'a>(&mut self, flight: &'a Flight) -> [(&mut HashMap<String, Load>, &'a str); 3] {
        [
            (&mut self.by_account, account_of(&flight.message)),
            (&mut self.by_topic, &flight.message.topic_arn),
            (&mut self.by_authority, &flight.delivery.authority),
        ]
    }
}

/// Outcomes that nobody has asked for yet.
#[derive(Default)]
pub(crate) struct Outcomes {
    waiting: VecDeque<DeliveryOutcome>,
}

impl Outcomes {
    fn push(&mut self, outcome: DeliveryOutcome) {
        if self.waiting.len() == limits::OUTCOMES_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(outcome);
    }
}

impl Sns {
    /// Takes a message of another room. It is durable when this answers; dropping the future takes nothing back.
    pub async fn publish(&self, publish: Publish) -> Result<(), Error> {
        let message = Message {
            id: publish.message_id,
            topic_arn: publish.topic_arn,
            kind: Kind::Notification,
            subject: publish.subject,
            text: publish.message,
            texts: Default::default(),
            attributes: Default::default(),
            published_ms: self.inner().now_ms(),
            origin: publish.origin,
        };
        if message.bytes() > limits::MESSAGE_BYTES_MAX {
            return Err(Error::invalid("Message too long"));
        }
        self.inner().publish(message).await
    }

    /// What is to be sent now, as far as there is room for more attempts. Each of them must be reported.
    pub fn due(&self, now_ms: u64) -> Vec<Attempt> {
        let inner = self.inner();
        let snapshot = inner.catalog.snapshot();
        let mut flights = inner.flights.lock();
        let mut due = Vec::new();
        for (id, message, delivery) in snapshot.outbox().all() {
            if delivery.due_ms(now_ms) > now_ms
                || flights.is_flying(id)
                || !flights.has_room(message, delivery)
            {
                continue;
            }
            flights.start(id, message, delivery);
            due.push(Attempt {
                id,
                message: Arc::clone(message),
                delivery: Arc::clone(delivery),
                target: inner.reach.target(delivery.protocol, &delivery.endpoint),
                signing_key: snapshot.signing_key().cloned(),
                public_url: Arc::clone(&inner.public_url),
            });
        }
        due
    }

    /// When something is due next for which there is room, in ms of the clock. It may be earlier as soon as
    /// [`Sns::due_changed`] rings.
    pub fn next_due(&self) -> Option<u64> {
        let (snapshot, now_ms) = (self.inner().catalog.snapshot(), self.inner().now_ms());
        let flights = self.inner().flights.lock();
        let waiting = snapshot.outbox().all().filter(|(id, message, delivery)| {
            !flights.is_flying(*id) && flights.has_room(message, delivery)
        });
        waiting.map(|(.., delivery)| delivery.due_ms(now_ms)).min()
    }

    /// Rings when [`Sns::next_due`] may have changed.
    pub fn due_changed(&self) -> &tokio::sync::Notify {
        &self.inner().due_changed
    }

    /// Hears what became of an attempt. What that means is durable when this answers. If it fails, the attempt is still
    /// under way: report it again, sending it again would be one time too many.
    pub async fn report(&self, attempt: &Attempt, outcome: Outcome) -> Result<(), Error> {
        let inner = self.inner();
        let (id, now_ms) = (attempt.id, inner.now_ms());
        let dead_letters = Arc::clone(&inner.dead_letters);
        let meaning = outcome.meaning();
        let result = inner
            .change(move |snapshot| {
                let mut edit = Edit::new(snapshot);
                let Some((message, delivery)) = snapshot.outbox().get(id) else {
                    // Its subscription has ended meanwhile, or was confirmed by what was delivered.
                    let delivered = matches!(meaning, Meaning::Delivered);
                    return Ok(edit.finish(delivered.then_some(DeliveryResult::Delivered)));
                };
                let mut failed = Delivery::clone(delivery);
                failed.attempts += 1;
                let (reason, delay_ms) = match meaning {
                    Meaning::Delivered => {
                        edit.remove_delivery(id);
                        return Ok(edit.finish(Some(DeliveryResult::Delivered)));
                    }
                    Meaning::Retry(reason) => {
                        let delay_ms = delivery.policy.retry.delay_ms(failed.attempts);
                        (reason, delay_ms)
                    }
                    Meaning::Never(reason) => (reason, None),
                };
                let result = match delay_ms {
                    Some(delay_ms) => {
                        let next_ms = now_ms.saturating_add(delay_ms);
                        failed.due_ms = next_ms;
                        edit.put_delivery(id, failed);
                        DeliveryResult::Retried { reason, next_ms }
                    }
                    None => {
                        // Nobody needs a letter that asks whether they want letters.
                        if message.kind == Kind::Notification {
                            dead_letters.add(message, &failed, &reason, now_ms)?;
                        }
                        edit.remove_delivery(id);
                        DeliveryResult::GivenUp { reason }
                    }
                };
                Ok(edit.finish(Some(result)))
            })
            .await?;

        inner.flights.lock().end(id);
        if let Some(result) = result {
            inner.attempts.count(&attempt.message.kind, &result);
            tell(attempt, &result);
            inner.told(&attempt.message, &attempt.delivery, attempt.number(), result);
        }
        inner.due_changed.notify_one();
        Ok(())
    }

    /// The outcomes since the last call, of messages that had an origin; each is told once. Those that nobody had taken
    /// when the process ended are lost.
    pub fn take_outcomes(&self) -> Vec<DeliveryOutcome> {
        self.inner().outcomes.lock().waiting.drain(..).collect()
    }
}

fn tell(attempt: &Attempt, result: &DeliveryResult) {
    let Attempt { message, delivery, .. } = attempt;
    let (endpoint, message_id, number) = (&delivery.endpoint, &message.id, attempt.number());
    match result {
        DeliveryResult::Delivered => {
            tracing::debug!(endpoint, message_id, attempt = number, "delivered");
        }
        DeliveryResult::Retried { reason, .. } => {
            tracing::info!(endpoint, message_id, attempt = number, reason, "not delivered yet");
        }
        DeliveryResult::GivenUp { reason } if message.kind == Kind::Notification => tracing::warn!(
            endpoint,
            message_id,
            attempts = number,
            reason,
            "a message is given up; it stands in the file of dead letters"
        ),
        DeliveryResult::GivenUp { reason } => {
            let kind = message.kind.name();
            tracing::warn!(
                endpoint,
                kind,
                attempts = number,
                reason,
                "a message about a subscription is given up"
            );
        }
    }
}

impl Inner {
    /// Takes a message into the outbox for all who want it.
    pub(crate) async fn publish(&self, message: Message) -> Result<(), Error> {
        let kept = Arc::new(message);
        let message = Arc::clone(&kept);
        let now_ms = self.now_ms();
        let undelivered = self
            .change(move |snapshot| {
                let mut edit = Edit::new(snapshot);
                let topic = snapshot.topic(&message.topic_arn).ok_or(Error::TopicNotFound)?;
                if message.origin.is_some() && snapshot.outbox().has(&message.id) {
                    return Ok(edit.finish(Vec::new()));
                }
                let (deliveries, undelivered) = addressees(snapshot, topic, &message, now_ms);
                if !deliveries.is_empty() {
                    check_room(snapshot.outbox(), &message, deliveries.len())?;
                    edit.put_message(Message::clone(&message), deliveries);
                }
                Ok(edit.finish(undelivered))
            })
            .await?;
        for delivery in undelivered {
            let reason = format!(
                "nothing is delivered to endpoints of the protocol {} here",
                delivery.protocol.name()
            );
            self.told(&kept, &delivery, 0, DeliveryResult::GivenUp { reason });
        }
        self.due_changed.notify_one();
        Ok(())
    }

    fn told(&self, message: &Message, delivery: &Delivery, attempt: u32, result: DeliveryResult) {
        let Some(origin) = &message.origin else { return };
        self.outcomes.lock().push(DeliveryOutcome {
            origin: origin.clone(),
            message_id: message.id.clone(),
            subscription_arn: delivery.subscription_arn.clone(),
            endpoint: delivery.endpoint.clone(),
            attempt,
            result,
        });
    }
}

/// Who is to get a message, and who should but cannot.
fn addressees(
    snapshot: &Snapshot,
    topic: &Topic,
    message: &Message,
    now_ms: u64,
) -> (Vec<Delivery>, Vec<Delivery>) {
    let wants = |subscription: &&Arc<Subscription>| {
        let policy = subscription.attribute("FilterPolicy");
        let filter = policy.map(|policy| Filter::parse(policy, subscription.filter_scope()));
        // A policy that was kept is one; what is not understood keeps nothing back.
        subscription.is_confirmed()
            && filter.and_then(Result::ok).is_none_or(|filter| filter.admits(message))
    };
    let subscriptions = snapshot.subscriptions_of(&topic.arn).filter(wants);
    subscriptions
        .map(|subscription| to(topic, subscription, now_ms))
        .partition(|delivery| delivery.protocol.is_delivered())
}

/// A delivery to a subscription of a topic.
pub(crate) fn to(topic: &Topic, subscription: &Subscription, now_ms: u64) -> Delivery {
    let policies = (topic.attribute("DeliveryPolicy"), subscription.attribute("DeliveryPolicy"));
    Delivery::new(subscription, delivery_policy::effective(policies.0, policies.1), now_ms)
}

/// Whether a message to so many may wait.
pub(crate) fn check_room(
    outbox: &Outbox,
    message: &Message,
    deliveries: usize,
) -> Result<(), Error> {
    let bytes = message.bytes();
    if outbox.deliveries + deliveries > limits::OUTBOX_DELIVERIES_MAX {
        let count = outbox.deliveries;
        return Err(Error::Throttled(format!("{count} deliveries wait")));
    }
    if outbox.bytes + bytes > limits::OUTBOX_BYTES_MAX {
        let count = outbox.bytes;
        return Err(Error::Throttled(format!("{count} bytes wait")));
    }
    // While all have less than one may have, nobody needs to count.
    let may_be_too_much = outbox.deliveries + deliveries > limits::OUTBOX_ACCOUNT_DELIVERIES_MAX
        || outbox.bytes + bytes > limits::OUTBOX_ACCOUNT_BYTES_MAX;
    if !may_be_too_much {
        return Ok(());
    }
    let account = account_of(message);
    let (mut own_deliveries, mut own_bytes) = (0, 0);
    for waiting in outbox.messages.values() {
        if account_of(&waiting.message) == account {
            own_deliveries += waiting.deliveries.len();
            own_bytes += waiting.message.bytes();
        }
    }
    if own_deliveries + deliveries > limits::OUTBOX_ACCOUNT_DELIVERIES_MAX {
        let told = format!("{own_deliveries} deliveries of this account wait");
        return Err(Error::Throttled(told));
    }
    if own_bytes + bytes > limits::OUTBOX_ACCOUNT_BYTES_MAX {
        return Err(Error::Throttled(format!("{own_bytes} bytes of this account wait")));
    }
    Ok(())
}

/// The account of a message's topic.
fn account_of(message: &Message) -> &str {
    message.topic_arn.split(':').nth(4).unwrap_or_default()
}

#[cfg(test)]
mod tests;
