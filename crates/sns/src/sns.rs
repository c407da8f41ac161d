//! The room's state: topics, subscriptions and the outbox in the catalog, attempts that are under way in memory.
//!
//! An [`Sns`] is a handle; all clones share one state. Nothing here spawns a task or waits for a timer.

use std::sync::Arc;

use nautilus_identity::{Authorized, Caller};
use nautilus_log::{Clock, Disk, Rng};
use nautilus_store::{Change, ChangeError, Namespace, Store};
use nautilus_wire::{Answer, AwsError, Protocol, Service, Value};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    catalog::{self, Snapshot},
    dead_letters::DeadLetters,
    error::Error,
    figures::Attempts,
    model::arn,
    ops::Operation,
    outbox::{Flights, Outcomes},
    reach::Reach,
};

/// What the protocols must know of it; it speaks Query alone.
pub const SERVICE: Service = Service {
    signing_name: "sns",
    target_prefix: "",
    version: "2010-03-31",
    xml_namespace: "http://sns.amazonaws.com/doc/2010-03-31/",
    error_prefix: "",
};

/// What the room is given beside its state.
pub struct Options {
    /// For the file of dead letters.
    pub disk: Arc<dyn Disk>,
    /// Which endpoints may be reached.
    pub reach: Reach,
    /// Where endpoints find this server, for the links in what they get: `http://127.0.0.1:4566`.
    pub public_url: String,
}

/// SNS over one catalog.
#[derive(Clone)]
pub struct Sns {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) catalog: Namespace<Snapshot>,
    pub(crate) reach: Reach,
    pub(crate) public_url: Arc<str>,
    pub(crate) dead_letters: Arc<DeadLetters>,
    pub(crate) flights: Mutex<Flights>,
    pub(crate) outcomes: Mutex<Outcomes>,
    pub(crate) attempts: Attempts,
    pub(crate) due_changed: Notify,
    pub(crate) rng: Arc<dyn Rng>,
    clock: Arc<dyn Clock>,
}

impl Sns {
    /// Opens the room. What the last life had not delivered is due again.
    pub fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        options: Options,
    ) -> Result<Sns, Error> {
        let catalog = Namespace::open(&store, catalog::NAMESPACE, Snapshot::load)?;
        let inner = Inner {
            catalog,
            reach: options.reach,
            public_url: options.public_url.trim_end_matches('/').into(),
            dead_letters: Arc::new(DeadLetters::new(options.disk)),
            flights: Mutex::default(),
            outcomes: Mutex::default(),
            attempts: Attempts::default(),
            due_changed: Notify::new(),
            rng,
            clock,
        };
        Ok(Sns { inner: Arc::new(inner) })
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// Which endpoints may be reached.
    pub fn reach(&self) -> &Reach {
        &self.inner.reach
    }

    /// The certificate that messages' signatures are verified with, in PEM; none before the first one was to be signed.
    /// Served at [`CERTIFICATE_PATH`](crate::CERTIFICATE_PATH).
    pub fn certificate(&self) -> Option<String> {
        let snapshot = self.inner.catalog.load();
        snapshot.signing_key().map(|key| key.certificate.clone())
    }

    /// The names of all operations.
    pub fn operations() -> Vec<&'static str> {
        Operation::ALL.iter().map(|operation| operation.name()).collect()
    }

    /// Whether there is such an operation here.
    pub fn knows(operation: &str) -> bool {
        Operation::from_name(operation).is_some()
    }

    /// Whether an operation is also answered to those who have no credential: it is what the links in messages do.
    pub fn is_open(operation: &str) -> bool {
        Operation::from_name(operation).is_some_and(Operation::is_open)
    }

    /// One call of a client's.
    pub async fn call(
        &self,
        protocol: Protocol,
        caller: &Caller,
        operation: &str,
        input: Value<'_>,
    ) -> Result<Answer, AwsError> {
        self.call_by(protocol, Some(caller), operation, input).await
    }

    /// One call of somebody without a credential. Only what [`Sns::is_open`] is answered.
    pub async fn call_unsigned(
        &self,
        protocol: Protocol,
        operation: &str,
        input: Value<'_>,
    ) -> Result<Answer, AwsError> {
        self.call_by(protocol, None, operation, input).await
    }

    async fn call_by(
        &self,
        protocol: Protocol,
        caller: Option<&Caller>,
        operation: &str,
        input: Value<'_>,
    ) -> Result<Answer, AwsError> {
        let operation = Operation::from_name(operation).ok_or_else(AwsError::unknown_operation)?;
        if caller.is_none() && !operation.is_open() {
            return Err(AwsError::missing_authentication_token());
        }
        let request = Request { inner: &self.inner, caller };
        operation.call(request, input, protocol).await.map_err(AwsError::from)
    }
}

impl Inner {
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// One change of the catalog: durable, then published, then answered.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Snapshot) -> Result<Change<Snapshot, T>, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.catalog.change(change).await.map_err(ChangeError::into_error)
    }
}

/// What a call is about.
pub(crate) struct Resource {
    /// An ARN, or `*`.
    pub arn: String,
    /// Whose it is.
    pub account: String,
}

/// A call that is not authorised yet: enough to name its resource.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub inner: &'a Arc<Inner>,
    /// None only for what is open to all.
    pub caller: Option<&'a Caller>,
}

/// An authorised call.
pub(crate) struct Ctx<'a> {
    pub inner: &'a Arc<Inner>,
    caller: Option<&'a Caller>,
    _authorized: Option<Authorized>,
}

impl<'a> Request<'a> {
    /// The only way to a [`Ctx`], and so to an operation's `act`. Whoever has no credential gets one for what is open.
    pub(crate) fn authorize(self, action: &str, resource: &Resource) -> Result<Ctx<'a>, Error> {
        let Resource { arn, account } = resource;
        let authorize = |caller| {
            let resource = nautilus_identity::Resource { arn, account, policy: None };
            nautilus_identity::authorize(caller, action, &resource)
        };
        let _authorized = self
            .caller
            .map(authorize)
            .transpose()
            .map_err(|error| Error::Authorization(error.message.unwrap_or_default()))?;
        Ok(Ctx { inner: self.inner, caller: self.caller, _authorized })
    }

    /// The resource of a call that is about the topic of an ARN. Topics of other regions are not reached from here.
    pub(crate) fn topic(&self, topic_arn: &str) -> Result<Resource, Error> {
        let topic = arn::topic(topic_arn, "TopicArn")?;
        if self.caller.is_some_and(|caller| caller.region != topic.region) {
            return Err(Error::invalid("TopicArn"));
        }
        Ok(Resource { arn: topic_arn.to_owned(), account: topic.account.to_owned() })
    }

    /// The resource of a call that is about a subscription; it is its topic's account's.
    pub(crate) fn subscription(&self, subscription_arn: &str) -> Result<Resource, Error> {
        let subscription = arn::subscription(subscription_arn)?;
        if self.caller.is_some_and(|caller| caller.region != subscription.topic.region) {
            return Err(Error::invalid("SubscriptionArn"));
        }
        let account = subscription.topic.account.to_owned();
        Ok(Resource { arn: subscription_arn.to_owned(), account })
    }

    /// The resource of a call that is about the caller's own things.
    pub(crate) fn own(&self, arn: &str) -> Resource {
        let account = self.caller.map(|caller| caller.account.clone()).unwrap_or_default();
        Resource { arn: arn.to_owned(), account }
    }
}

impl<'a> Ctx<'a> {
    /// Who calls, if that is known.
    pub(crate) fn caller(&self) -> Option<&'a Caller> {
        self.caller
    }

    /// Who calls, for operations that are not open to all.
    pub(crate) fn signed(&self) -> Result<&'a Caller, Error> {
        self.caller.ok_or_else(|| Error::Wire(AwsError::missing_authentication_token()))
    }
}
