//! Every limit of this room, by name. Those of AWS say so; the others bound what clients can make us hold.

/// Topics of all accounts and regions. AWS has 100,000 for each account.
pub(crate) const TOPICS_MAX: usize = 10_000;
/// Subscriptions of all topics. AWS has no such limit.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 20_000;
/// Subscriptions of one topic: each is a delivery of every message. AWS has 12,500,000.
pub(crate) const SUBSCRIPTIONS_PER_TOPIC_MAX: usize = 1_000;
/// Bytes of all attributes of all topics and subscriptions together.
pub(crate) const ATTRIBUTE_BYTES_MAX: usize = 64 << 20;
/// Bytes of one attribute: AWS's limit on a topic's policy.
pub(crate) const ATTRIBUTE_VALUE_BYTES_MAX: usize = 30_720;
/// Tags of a topic, as at AWS.
pub(crate) const TAGS_MAX: usize = 50;
/// Characters of a tag's key, as at AWS.
pub(crate) const TAG_KEY_CHARS_MAX: usize = 128;
/// Characters of a tag's value, as at AWS.
pub(crate) const TAG_VALUE_CHARS_MAX: usize = 256;
/// Characters of an endpoint.
pub(crate) const ENDPOINT_CHARS_MAX: usize = 2_048;
/// Topics or subscriptions in one answer, as at AWS.
pub(crate) const PAGE_ITEMS: usize = 100;

/// Bytes of a message with its attributes: AWS's 256 KiB.
pub(crate) const MESSAGE_BYTES_MAX: usize = 256 << 10;
/// Characters of a subject, as at AWS.
pub(crate) const SUBJECT_CHARS_MAX: usize = 100;
/// Attributes of one message.
pub(crate) const MESSAGE_ATTRIBUTES_MAX: usize = 100;

/// Deliveries that may wait in the outbox; Publish is throttled beyond.
pub(crate) const OUTBOX_DELIVERIES_MAX: usize = 20_000;
/// Bytes of the messages that may wait in the outbox; Publish is throttled beyond.
pub(crate) const OUTBOX_BYTES_MAX: usize = 128 << 20;
/// The same of one account's topics, so that an account whose endpoints are gone leaves room for the others.
pub(crate) const OUTBOX_ACCOUNT_DELIVERIES_MAX: usize = OUTBOX_DELIVERIES_MAX / 4 * 3;
/// And its bytes.
pub(crate) const OUTBOX_ACCOUNT_BYTES_MAX: usize = OUTBOX_BYTES_MAX / 4 * 3;
/// Attempts under way at once, of all endpoints. An account gets one more only while no fewer are free than it has then: one
/// whose endpoints all hang has half of them, a second one half of the rest.
pub(crate) const ATTEMPTS_MAX: usize = 128;
/// Attempts under way at once for one topic.
pub(crate) const ATTEMPTS_PER_TOPIC_MAX: usize = ATTEMPTS_MAX / 4;
/// Attempts under way at once to one scheme, host and port: an endpoint that hangs keeps no more from the others.
pub(crate) const ATTEMPTS_PER_ENDPOINT_MAX: usize = 2;
/// Bytes of the messages of all attempts under way, shared among accounts as the attempts are.
pub(crate) const ATTEMPT_BYTES_MAX: usize = 16 << 20;
/// And those of one topic.
pub(crate) const ATTEMPT_BYTES_PER_TOPIC_MAX: usize = ATTEMPT_BYTES_MAX / 4;
/// Outcomes that wait for whoever published; the oldest are forgotten beyond.
pub(crate) const OUTCOMES_MAX: usize = 10_000;
/// Characters of what an endpoint's failure is told with.
pub(crate) const REASON_CHARS_MAX: usize = 300;
/// Bytes of the file of dead letters before it becomes the old one; there is one old one.
pub(crate) const DEAD_LETTER_FILE_BYTES_MAX: u64 = 16 << 20;

/// How long a confirmation's token is good, and a pending subscription is kept: AWS's two days.
pub(crate) const TOKEN_LIFE_MS: u64 = 2 * 24 * 3_600_000;
