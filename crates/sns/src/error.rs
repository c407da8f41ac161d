//! What can go wrong in this room, and its one translation into AWS's words.
//!
//! Codes and statuses are those of SNS's service model, in the form of its Query protocol. What AWS has no sentence
//! for has one of ours, behind AWS's code.

use nautilus_wire::AwsError;

/// Why a call or the opening failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter is not what it must be; the text is AWS's, without its `Invalid parameter: `.
    #[error("Invalid parameter: {0}")]
    InvalidParameter(String),
    /// No topic of that ARN.
    #[error("Topic does not exist")]
    TopicNotFound,
    /// No subscription of that ARN.
    #[error("Subscription does not exist")]
    SubscriptionNotFound,
    /// A tag operation on a topic that is not there.
    #[error("Resource does not exist")]
    ResourceNotFound,
    /// The caller may not do this with somebody else's topic or subscription.
    #[error("{0}")]
    Authorization(String),
    /// No more topics.
    #[error("The limit of {0} topics has been reached.")]
    TopicLimit(usize),
    /// No more subscriptions.
    #[error("The limit of {0} subscriptions has been reached.")]
    SubscriptionLimit(usize),
    /// No more tags on this topic.
    #[error("Could not complete request: tag quota of per resource exceeded")]
    TagLimit,
    /// Too much waits for delivery.
    #[error("The outbox is full: {0}. Messages are taken again when some have been delivered.")]
    Throttled(String),
    /// What another room has said already in AWS's words.
    #[error(transparent)]
    Wire(#[from] AwsError),
    /// The disk is full. Nothing was stored or changed.
    #[error("There is no space left on this server's disk.")]
    NoSpace,
    /// The catalog could not be read or changed.
    #[error(transparent)]
    Store(nautilus_store::Error),
    /// A row of the catalog that this version does not understand.
    #[error("catalog: row {key} {reason}")]
    #[allow(missing_docs)]
    CatalogRow { key: String, reason: String },
    /// The file of dead letters could not be written. The message stays in the outbox.
    #[error("dead letters: {0}")]
    DeadLetters(#[from] std::io::Error),
    /// The key that messages are signed with could not be made or read.
    #[error("signing key: {0}")]
    SigningKey(String),
}

impl Error {
    pub(crate) fn invalid(text: impl Into<String>) -> Error {
        Error::InvalidParameter(text.into())
    }

    pub(crate) fn catalog_row(key: &str, reason: &str) -> Error {
        Error::CatalogRow { key: key.to_owned(), reason: reason.to_owned() }
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
        let coded = |code, status| AwsError::new(code, status, Some(text.clone()));
        match error {
            Error::InvalidParameter(_) => coded("InvalidParameter", 400),
            Error::TopicNotFound | Error::SubscriptionNotFound => coded("NotFound", 404),
            Error::ResourceNotFound => coded("ResourceNotFound", 404),
            Error::Authorization(_) => coded("AuthorizationError", 403),
            Error::TopicLimit(_) => coded("TopicLimitExceeded", 403),
            Error::SubscriptionLimit(_) => coded("SubscriptionLimitExceeded", 403),
            Error::TagLimit => coded("TagLimitExceeded", 400),
            Error::Throttled(_) => coded("Throttled", 429),
            Error::Wire(error) => error,
            Error::NoSpace => AwsError::service_unavailable(text),
            Error::Store(_)
            | Error::CatalogRow { .. }
            | Error::DeadLetters(_)
            | Error::SigningKey(_) => {
                tracing::error!(error = %text, "internal failure");
                AwsError::new("InternalError", 500, None)
            }
        }
    }
}
