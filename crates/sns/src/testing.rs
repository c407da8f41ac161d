//! A whole room in memory, stepped by the test: its catalog, and a clock that stands still.

use std::{
    collections::BTreeMap,
    io,
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
};

use nautilus_identity::{Caller, Identity};
use nautilus_log::{Clock, Disk, File, ManualClock, Open, SeededRng, Threads, testing::MemoryDisk};
use nautilus_store::{Row, Store};
use nautilus_wire::{Protocol, query::Form};

use crate::{Attempt, Options, Outcome, Reach, Sns, catalog, signature::SigningKey};

/// When a test begins.
pub(crate) const NOW_MS: u64 = 1_795_489_200_000;
/// The topic of most tests.
pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:t";

pub(crate) struct World {
    pub disk: Arc<MemoryDisk>,
    pub clock: Arc<ManualClock>,
    /// Whether the disk takes dead letters.
    pub letters_fail: Arc<AtomicBool>,
    room: Sns,
}

/// The disk as the file of dead letters sees it.
struct Letters {
    disk: Arc<MemoryDisk>,
    fail: Arc<AtomicBool>,
}

impl World {
    pub(crate) fn new() -> World {
        let (disk, clock) = (Arc::new(MemoryDisk::default()), Arc::new(ManualClock::new(NOW_MS)));
        let letters_fail = Arc::new(AtomicBool::new(false));
        let room = open(&disk, &clock, &letters_fail);
        World { disk, clock, letters_fail, room }
    }

    /// A world with the topic `t`.
    pub(crate) fn with_topic() -> World {
        let world = World::new();
        world.ok("CreateTopic", "Name=t");
        world
    }

    pub(crate) fn room(&self) -> &Sns {
        &self.room
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    pub(crate) fn advance(&self, ms: u64) {
        self.clock.set_ms(self.now_ms() + ms);
    }

    /// Starts again after an end in the middle of anything.
    pub(crate) fn kill(&mut self) {
        self.disk = Arc::new(self.disk.copy());
        self.room = open(&self.disk, &self.clock, &self.letters_fail);
    }

    /// With `Threads::Stepped` nothing is ever waited for.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("a future waits"),
        }
    }

    pub(crate) fn caller(access_key: &str, region: &str) -> Caller {
        Identity::dev().operator(access_key, region)
    }

    /// The inside of the answer, or `<status> <code>: <message>`.
    pub(crate) fn call_as(&self, caller: Option<&Caller>, operation: &str, form: &str) -> String {
        let form = Form::parse(form.as_bytes()).expect("the test's form");
        let input = form.into_value().expect("the test's input");
        let answer = match caller {
            Some(caller) => self.run(self.room.call(Protocol::Query, caller, operation, input)),
            None => self.run(self.room.call_unsigned(Protocol::Query, operation, input)),
        };
        match answer {
            Ok(answer) => String::from_utf8(answer.body.to_vec()).expect("bodies are UTF-8"),
            Err(error) => format!("{} {error}", error.status),
        }
    }

    pub(crate) fn call(&self, operation: &str, form: &str) -> String {
        self.call_as(Some(&World::caller("AKID", "us-east-1")), operation, form)
    }

    pub(crate) fn check(&self, operation: &str, form: &str, expected: &str) {
        assert_eq!(self.call(operation, form), expected, "{operation} {form:.300}");
    }

    pub(crate) fn error(&self, operation: &str, form: &str) -> String {
        let answer = self.call(operation, form);
        assert!(answer.starts_with(|c: char| c.is_ascii_digit()), "{operation} {form}: {answer}");
        answer
    }

    pub(crate) fn ok(&self, operation: &str, form: &str) -> String {
        let answer = self.call(operation, form);
        let is_ok = answer.is_empty() || answer.starts_with('<');
        assert!(is_ok, "{operation} {form:.300}: {answer}");
        answer
    }

    /// The text of an element that an answer has once.
    pub(crate) fn text_in(answer: &str, element: &str) -> String {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let (_, rest) = answer.split_once(&open).expect("the element");
        rest.split_once(&close).expect("its end").0.to_owned()
    }

    /// The attributes that an operation shows.
    pub(crate) fn attributes(&self, operation: &str, form: &str) -> BTreeMap<String, String> {
        let answer = self.ok(operation, form);
        let entries = answer.split("<entry>").skip(1);
        entries
            .map(|entry| {
                let value = match entry.contains("<value/>") {
                    true => String::new(),
                    false => World::text_in(entry, "value"),
                };
                (World::text_in(entry, "key"), value.replace("&quot;", "\""))
            })
            .collect()
    }

    /// Subscribes to the topic `t`; the subscription's ARN.
    pub(crate) fn subscribe(&self, protocol: &str, endpoint: &str) -> String {
        let form = format!(
            "TopicArn={TOPIC}&Protocol={protocol}&Endpoint={endpoint}&ReturnSubscriptionArn=true"
        );
        World::text_in(&self.ok("Subscribe", &form), "SubscriptionArn")
    }

    /// A confirmed subscription of an HTTP endpoint; its ARN.
    pub(crate) fn confirmed(&self, endpoint: &str) -> String {
        let arn = self.subscribe("http", endpoint);
        for attempt in self.due() {
            if attempt.endpoint() == endpoint {
                self.confirm(&attempt);
            } else {
                self.report(&attempt, Outcome::Status(200));
            }
        }
        arn
    }

    /// The token in a question.
    pub(crate) fn token(question: &Attempt) -> String {
        let body: serde_json::Value =
            serde_json::from_slice(&question.request().body).expect("JSON");
        body["Token"].as_str().expect("text").to_owned()
    }

    /// Answers a question with yes.
    pub(crate) fn confirm(&self, question: &Attempt) {
        let token = World::token(question);
        self.ok("ConfirmSubscription", &format!("TopicArn={TOPIC}&Token={token}"));
        self.report(question, Outcome::Status(200));
    }

    /// Publishes to the topic `t`; the message's id.
    pub(crate) fn publish(&self, message: &str) -> String {
        let answer = self.ok("Publish", &format!("TopicArn={TOPIC}&Message={message}"));
        World::text_in(&answer, "MessageId")
    }

    pub(crate) fn due(&self) -> Vec<Attempt> {
        self.room.due(self.now_ms())
    }

    pub(crate) fn report(&self, attempt: &Attempt, outcome: Outcome) {
        self.run(self.room.report(attempt, outcome)).expect("a report");
    }
}

impl Disk for Letters {
    fn open(&self, path: &str, how: Open) -> io::Result<Arc<dyn File>> {
        match self.fail.load(Relaxed) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => self.disk.open(path, how),
        }
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.disk.create_dir(path)
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.disk.list(path)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.disk.sync_dir(path)
    }
}

/// A key for all tests: making one takes long.
pub(crate) fn signing_key() -> SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::new().expect("a key")).clone()
}

fn open(disk: &Arc<MemoryDisk>, clock: &Arc<ManualClock>, letters_fail: &Arc<AtomicBool>) -> Sns {
    let fatal = |error: &nautilus_store::Error| panic!("{error}");
    let store = Store::open(&**disk, Threads::Stepped, Box::new(fatal)).expect("the catalog opens");
    let key = serde_json::to_vec(&signing_key()).expect("JSON");
    let key = Row { key: catalog::SIGNING_KEY.to_owned(), value: Some(key) };
    store.commit(catalog::NAMESPACE, &[key]).expect("a row");
    let options = Options {
        disk: Arc::new(Letters { disk: disk.clone(), fail: letters_fail.clone() }),
        reach: Reach::default(),
        public_url: "http://127.0.0.1:4566/".to_owned(),
    };
    let rng = Arc::new(SeededRng::new(clock.now_ms()));
    Sns::open(store, clock.clone(), rng, options).expect("the room opens")
}
