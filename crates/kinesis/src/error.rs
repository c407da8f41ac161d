//! What can go wrong in this room, and its one translation into AWS's words.
//!
//! The `Display` of a variant is what the client reads, to the letter, unless its code says that it is ours
//! ([`Error::Store`], [`Error::Log`]): then the client reads AWS's sentence and the log has the reason.

use nautilus_wire::AwsError;

use crate::{
    catalog::Address,
    model::{arn, consumer::Consumer, ids::ShardId, stream::Status},
};

/// Why a call or the opening failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No stream of that name.
    #[error("Stream {name} under account {account} not found.")]
    #[allow(missing_docs)]
    StreamNotFound { name: String, account: String },
    /// The name is taken.
    #[error("Stream {name} under account {account} already exists.")]
    #[allow(missing_docs)]
    StreamExists { name: String, account: String },
    /// The stream's state does not allow the change.
    #[error("Stream {name} under account {account} not ACTIVE, instead in state {status}")]
    #[allow(missing_docs)]
    NotActive { name: String, account: String, status: &'static str },
    /// No shard of that index in such a stream.
    #[error("Shard {shard} in stream {stream} under account {account} does not exist")]
    #[allow(missing_docs)]
    ShardNotFound { shard: String, stream: String, account: String },
    /// A text that names no shard.
    #[error("Could not find shard {given} in stream {stream} under account {account}.")]
    #[allow(missing_docs)]
    ShardUnreadable { given: String, stream: String, account: String },
    /// No consumer of that name or ARN.
    #[error("Consumer {consumer}, account {account} not found.")]
    #[allow(missing_docs)]
    ConsumerNotFound { consumer: String, account: String },
    /// The stream has a consumer of that name.
    #[error("Consumer {consumer} under stream {stream} and account {account} already exists.")]
    #[allow(missing_docs)]
    ConsumerExists { consumer: String, stream: String, account: String },
    /// The consumer's state does not allow this.
    #[error(
        "Consumer {consumer} with creation timestamp {created_second} under stream {stream} and \
         account {account} is not in ACTIVE status."
    )]
    #[allow(missing_docs)]
    ConsumerNotActive { consumer: String, created_second: u64, stream: String, account: String },
    /// The consumer is subscribed to the shard already, or somebody else is in its name.
    #[error(
        "Another active subscription exists for this consumer: {account}:{stream}:{shard}:{consumer}"
    )]
    #[allow(missing_docs)]
    SubscriptionExists { account: String, stream: String, shard: String, consumer: String },
    /// The stream has consumers, and nobody said that they shall go with it.
    #[error(
        "DeleteStream can't delete {account}:{stream} because there are consumers associated with \
         this data stream. To delete {stream} anyway, set the EnforceConsumerDeletion parameter to \
         true to force the deletion of all the consumers that are associated with it."
    )]
    #[allow(missing_docs)]
    ConsumersRemain { stream: String, account: String },
    /// A channel or queue; there are none yet.
    #[error("Resource {arn} not found.")]
    #[allow(missing_docs)]
    ResourceNotFound { arn: String },
    /// An argument passed its constraints and is wrong all the same; the text is AWS's.
    #[error("{0}")]
    InvalidArgument(String),
    /// A constraint that depends on more than the member itself; the text is AWS's.
    #[error("{0}")]
    Validation(String),
    /// A quota; the text is AWS's.
    #[error("{0}")]
    LimitExceeded(String),
    /// There is no key management here, and why that matters.
    #[error("{0}")]
    KmsOptInRequired(String),
    /// An iterator older than five minutes; the text is AWS's.
    #[error("{0}")]
    ExpiredIterator(String),
    /// A paging token older than five minutes.
    #[error("{0}")]
    ExpiredNextToken(String),
    /// A shard cannot take or give more now.
    #[error("Rate exceeded for shard {shard} in stream {stream} under account {account}.")]
    #[allow(missing_docs)]
    ThroughputExceeded { shard: String, stream: String, account: String },
    /// DryRun was asked for and the call would have succeeded.
    #[error("The request would have succeeded, but the DryRun parameter is set.")]
    DryRun,
    /// The operation is not built.
    #[error("unknown operation")]
    UnknownOperation,
    /// What another room has said already in AWS's words.
    #[error(transparent)]
    Wire(#[from] AwsError),
    /// The disk is full. Nothing was stored or changed.
    #[error(
        "There is no space left on this server's disk. Reads go on; writes resume when there is \
         space."
    )]
    NoSpace,
    /// The journal takes nothing any more, or could not be read.
    #[error("journal: {0}")]
    Log(String),
    /// The catalog could not be read or changed.
    #[error(transparent)]
    Store(nautilus_store::Error),
    /// A row of the catalog that this version does not understand.
    #[error("catalog: row {key} {reason}")]
    #[allow(missing_docs)]
    CatalogRow { key: String, reason: String },
}

impl Error {
    pub(crate) fn catalog_row(key: &str, reason: &str) -> Error {
        Error::CatalogRow { key: key.to_owned(), reason: reason.to_owned() }
    }

    pub(crate) fn stream_not_found(at: Address<'_>) -> Error {
        Error::StreamNotFound { name: at.name.to_owned(), account: at.account.to_owned() }
    }

    pub(crate) fn stream_exists(at: Address<'_>) -> Error {
        Error::StreamExists { name: at.name.to_owned(), account: at.account.to_owned() }
    }

    pub(crate) fn not_active(at: Address<'_>, status: Status) -> Error {
        Error::NotActive {
            name: at.name.to_owned(),
            account: at.account.to_owned(),
            status: status.as_str(),
        }
    }

    pub(crate) fn consumer_not_found(consumer: &str, account: &str) -> Error {
        Error::ConsumerNotFound { consumer: consumer.to_owned(), account: account.to_owned() }
    }

    pub(crate) fn consumer_not_active(consumer: &Consumer) -> Error {
        Error::ConsumerNotActive {
            consumer: consumer.name.clone(),
            created_second: consumer.created_second(),
            stream: consumer.stream.clone(),
            account: consumer.account.clone(),
        }
    }

    pub(crate) fn shard_not_found(at: Address<'_>, shard: ShardId) -> Error {
        Error::ShardNotFound {
            shard: shard.to_string(),
            stream: at.name.to_owned(),
            account: at.account.to_owned(),
        }
    }

    pub(crate) fn shard_unreadable(at: Address<'_>, given: &str) -> Error {
        Error::ShardUnreadable {
            given: given.to_owned(),
            stream: at.name.to_owned(),
            account: at.account.to_owned(),
        }
    }

    /// A control operation is called too often; of a stream if its resource is in one.
    pub(crate) fn calls_exceeded(resource: &str, account: &str) -> Error {
        Error::LimitExceeded(match arn::stream_in(resource) {
            Some(name) => format!("Rate exceeded for stream {name} under account {account}."),
            None => format!("Rate exceeded for account {account}."),
        })
    }

    pub(crate) fn throughput_exceeded(at: Address<'_>, shard: ShardId) -> Error {
        Error::ThroughputExceeded {
            shard: shard.to_string(),
            stream: at.name.to_owned(),
            account: at.account.to_owned(),
        }
    }
}

impl From<nautilus_store::Error> for Error {
    fn from(error: nautilus_store::Error) -> Error {
        match error {
            nautilus_store::Error::Full => Error::NoSpace,
            other => Error::Store(other),
        }
    }
}

impl From<Error> for AwsError {
    fn from(error: Error) -> AwsError {
        let text = error.to_string();
        match error {
            Error::StreamNotFound { .. }
            | Error::ShardNotFound { .. }
            | Error::ShardUnreadable { .. }
            | Error::ConsumerNotFound { .. }
            | Error::ResourceNotFound { .. } => AwsError::resource_not_found(text),
            Error::StreamExists { .. }
            | Error::NotActive { .. }
            | Error::ConsumerExists { .. }
            | Error::ConsumerNotActive { .. }
            | Error::SubscriptionExists { .. }
            | Error::ConsumersRemain { .. } => AwsError::resource_in_use(text),
            Error::KmsOptInRequired(text) => AwsError::kms_opt_in_required(text),
            Error::InvalidArgument(text) => AwsError::invalid_argument(text),
            Error::Validation(text) => AwsError::validation(text),
            Error::LimitExceeded(text) => AwsError::limit_exceeded(text),
            Error::ExpiredIterator(text) => AwsError::expired_iterator(text),
            Error::ExpiredNextToken(text) => AwsError::expired_next_token(text),
            Error::ThroughputExceeded { .. } => AwsError::provisioned_throughput_exceeded(text),
            Error::NoSpace => AwsError::service_unavailable(text),
            Error::DryRun => AwsError::dry_run(text),
            Error::UnknownOperation => AwsError::unknown_operation(),
            Error::Wire(error) => error,
            Error::Log(_) | Error::Store(_) | Error::CatalogRow { .. } => {
                tracing::error!(error = %text, "internal failure");
                AwsError::internal_failure()
            }
        }
    }
}
