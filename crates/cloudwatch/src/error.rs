//! What can go wrong in this room, and its one translation into AWS's words.
//!
//! The `Display` of a variant is what the client reads, to the letter, unless its code says that it is ours: then the
//! client reads AWS's sentence and the log has the reason.

use nautilus_wire::AwsError;

/// Why a call or the opening failed. Texts are AWS's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter passed its constraints and is wrong all the same.
    #[error("{0}")]
    InvalidParameterValue(String),
    /// Parameters that do not go together.
    #[error("{0}")]
    InvalidParameterCombination(String),
    /// A parameter that is needed beside another one.
    #[error("{0}")]
    MissingParameter(String),
    /// A constraint that depends on more than the member itself.
    #[error("{0}")]
    Validation(String),
    /// A text that should have been JSON.
    #[error("{0}")]
    InvalidFormat(String),
    /// A token that no list gave.
    #[error("The token is invalid.")]
    InvalidNextToken,
    /// A quota.
    #[error("{0}")]
    LimitExceeded(String),
    /// No alarm of that name; AWS says no more.
    #[error("unknown alarm")]
    AlarmNotFound,
    /// Nothing under an ARN that should have tags.
    #[error("{0}")]
    ResourceNotFound(String),
    /// Others depend on it.
    #[error("{0}")]
    ResourceConflict(String),
    /// What another room has said already in AWS's words.
    #[error(transparent)]
    Wire(#[from] AwsError),
    /// The disk is full. Nothing was stored or changed.
    #[error(
        "There is no space left on this server's disk. Reads go on; writes resume when there is \
         space."
    )]
    NoSpace,
    /// The metric store failed.
    #[error(transparent)]
    Metrics(nautilus_metrics::Error),
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
}

impl From<nautilus_store::Error> for Error {
    fn from(error: nautilus_store::Error) -> Error {
        match error {
            nautilus_store::Error::Full => Error::NoSpace,
            other => Error::Store(other),
        }
    }
}

impl From<nautilus_metrics::Error> for Error {
    fn from(error: nautilus_metrics::Error) -> Error {
        match error {
            // Those of series that are known are stored.
            nautilus_metrics::Error::TooManySeries { left_out } => Error::LimitExceeded(format!(
                "This server keeps no more metrics: {left_out} samples of new ones were left out."
            )),
            nautilus_metrics::Error::Busy => Error::Wire(AwsError::service_unavailable(
                "The metric store has more to do than it can. Try again later.".to_owned(),
            )),
            other => Error::Metrics(other),
        }
    }
}

impl From<Error> for AwsError {
    fn from(error: Error) -> AwsError {
        let text = error.to_string();
        let said = |code: &'static str, status| AwsError::new(code, status, Some(text.clone()));
        // The codes of the service's older protocol lack the last word of the newer ones.
        match error {
            Error::InvalidParameterValue(_) => {
                said("InvalidParameterValueException", 400).query_code("InvalidParameterValue")
            }
            Error::InvalidParameterCombination(_) => {
                said("InvalidParameterCombinationException", 400)
                    .query_code("InvalidParameterCombination")
            }
            Error::MissingParameter(_) => {
                said("MissingRequiredParameterException", 400).query_code("MissingParameter")
            }
            Error::Validation(_) => said("ValidationException", 400),
            Error::InvalidFormat(_) => said("InvalidFormatFault", 400).query_code("InvalidFormat"),
            Error::InvalidNextToken => said("InvalidNextToken", 400),
            Error::LimitExceeded(_) => said("LimitExceededFault", 400).query_code("LimitExceeded"),
            Error::AlarmNotFound => AwsError::new("ResourceNotFound", 404, None),
            Error::ResourceNotFound(_) => said("ResourceNotFoundException", 404),
            Error::ResourceConflict(_) => said("ResourceConflict", 409),
            Error::NoSpace => AwsError::service_unavailable(text),
            Error::Wire(error) => error,
            Error::Metrics(_) | Error::Store(_) | Error::CatalogRow { .. } => {
                tracing::error!(error = %text, "internal failure");
                AwsError::new("InternalServiceFault", 500, None).query_code("InternalServiceError")
            }
        }
    }
}
