//! The one shape in which anything that went wrong reaches a client: a code, perhaps a sentence, an HTTP status.
//!
//! The words are AWS's, because clients match on them. What an operator must know besides stands in the log, never
//! here: an `AwsError` holds nothing that the client may not read.

use std::{borrow::Cow, fmt};

use crate::{Answer, Output, Protocol, Writer};

/// An error as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AwsError {
    /// AWS's name of the error, bare: `ResourceNotFoundException`.
    pub code: Cow<'static, str>,
    /// What a person reads; some of AWS's errors have none.
    pub message: Option<String>,
    /// The HTTP status.
    pub status: u16,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $status:literal $code:literal;)*) => {
        impl AwsError {
            $(
                $(#[$doc])*
                pub fn $name(message: impl Into<String>) -> AwsError {
                    AwsError::new($code, $status, Some(message.into()))
                }
            )*
        }
    };
}

constructors! {
    /// The caller may not do this.
    access_denied => 400 "AccessDeniedException";
    /// DryRun was asked for and the call would have succeeded.
    dry_run => 400 "DryRunOperationException";
    /// A shard iterator is older than five minutes.
    expired_iterator => 400 "ExpiredIteratorException";
    /// A paging token is older than five minutes.
    expired_next_token => 400 "ExpiredNextTokenException";
    /// A part of the signature is missing or malformed.
    incomplete_signature => 400 "IncompleteSignatureException";
    /// The signature, its date or its scope is wrong.
    invalid_signature => 400 "InvalidSignatureException";
    /// An argument passed its constraints and is wrong all the same.
    invalid_argument => 400 "InvalidArgumentException";
    /// KMS is not to be had here.
    kms_opt_in_required => 400 "KMSOptInRequired";
    /// A limit on numbers or on the rate of control operations.
    limit_exceeded => 400 "LimitExceededException";
    /// A shard's rate of data.
    provisioned_throughput_exceeded => 400 "ProvisionedThroughputExceededException";
    /// The resource exists already, or its state does not allow this.
    resource_in_use => 400 "ResourceInUseException";
    /// There is no such resource.
    resource_not_found => 400 "ResourceNotFoundException";
    /// The account's rate of calls.
    throttling => 400 "ThrottlingException";
    /// One or more constraints of the model are violated; [`crate::Members`] writes the text.
    validation => 400 "ValidationException";
    /// We cannot take this now; the client may try again.
    service_unavailable => 503 "ServiceUnavailable";
}

impl AwsError {
    /// Any error, by its parts; the named constructors are for those that have a fixed code.
    pub fn new(
        code: impl Into<Cow<'static, str>>,
        status: u16,
        message: Option<String>,
    ) -> AwsError {
        AwsError { code: code.into(), message, status }
    }

    /// A value of the wrong type. Without a message: a body that could not be read at all.
    pub fn serialization(message: Option<String>) -> AwsError {
        AwsError::new("SerializationException", 400, message)
    }

    /// Our own fault. The client learns no more; tell the log before.
    pub fn internal_failure() -> AwsError {
        AwsError::new("InternalFailure", 500, None)
    }

    /// No credential at all.
    pub fn missing_authentication_token() -> AwsError {
        AwsError::new(
            "MissingAuthenticationTokenException",
            400,
            Some("Missing Authentication Token".to_owned()),
        )
    }

    /// No such operation, or none that is built yet: a 400, because clients retry anything above it for minutes.
    pub fn unknown_operation() -> AwsError {
        AwsError::new("UnknownOperationException", 400, None)
    }

    /// Whose fault it is, in the word of AWS's XML.
    pub fn fault(&self) -> &'static str {
        if self.status >= 500 { "Receiver" } else { "Sender" }
    }

    /// The same error as the Query services (STS) say it: other codes, and 403 for the unauthenticated.
    pub fn for_query(mut self) -> AwsError {
        const NAMES: [(&str, &str, u16); 7] = [
            ("AccessDeniedException", "AccessDenied", 403),
            ("ExpiredTokenException", "ExpiredToken", 403),
            ("IncompleteSignatureException", "IncompleteSignature", 403),
            ("InvalidSignatureException", "SignatureDoesNotMatch", 403),
            ("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403),
            ("UnrecognizedClientException", "InvalidClientTokenId", 403),
            ("ValidationException", "ValidationError", 400),
        ];
        if let Some((_, code, status)) = NAMES.iter().find(|(name, ..)| *name == self.code) {
            self.code = Cow::Borrowed(code);
            self.status = *status;
        }
        self
    }

    /// The body in the protocol of the request. `code` goes into the header `x-amzn-errortype` besides.
    pub fn answer(&self, protocol: Protocol) -> Answer {
        protocol.answer(self)
    }
}

impl Output for AwsError {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_str("__type", &self.code);
            if let Some(message) = &self.message {
                // AWS's own parser of bodies is an older house than its services, and writes a capital.
                let name = match self.code.as_ref() {
                    "SerializationException" => "Message",
                    _ => "message",
                };
                w.field_str(name, message);
            }
        });
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{}: {message}", self.code),
            None => f.write_str(&self.code),
        }
    }
}

impl std::error::Error for AwsError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: AwsError, body: &str) {
        assert_eq!(String::from_utf8_lossy(&error.answer(Protocol::Json).body), body);
    }

    #[test]
    fn bodies_are_awss_to_the_letter() {
        check(
            AwsError::resource_not_found("Stream s under account 1 not found."),
            r#"{"__type":"ResourceNotFoundException","message":"Stream s under account 1 not found."}"#,
        );
        check(AwsError::serialization(None), r#"{"__type":"SerializationException"}"#);
        check(
            AwsError::serialization(Some("Expected null".to_owned())),
            r#"{"__type":"SerializationException","Message":"Expected null"}"#,
        );
        check(AwsError::unknown_operation(), r#"{"__type":"UnknownOperationException"}"#);
    }

    #[test]
    fn query_services_have_their_own_codes() {
        let error = AwsError::missing_authentication_token().for_query();
        assert_eq!((error.code.as_ref(), error.status), ("MissingAuthenticationToken", 403));
        let error = AwsError::internal_failure().for_query();
        assert_eq!((error.code.as_ref(), error.fault()), ("InternalFailure", "Receiver"));
    }
}
