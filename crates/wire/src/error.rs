//! The one shape in which anything that went wrong reaches a client: a code, perhaps a sentence, an HTTP status.
//!
//! The words are AWS's, because clients match on them. What an operator must know besides stands in the log, never
//! here: an `AwsError` holds nothing that the client may not read.

use std::{borrow::Cow, fmt};

use crate::{Answer, Output, Protocol, Service, Writer};

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
    /// What Query calls it, if that is neither the same nor in [`QUERY_NAMES`].
    query_code: Option<&'static str>,
}

/// Errors of no service's own, as the Query services say them: other codes, and 403 for the unauthenticated.
const QUERY_NAMES: [(&str, &str, u16); 10] = [
    ("AccessDeniedException", "AccessDenied", 403),
    ("ExpiredTokenException", "ExpiredToken", 403),
    ("IncompleteSignatureException", "IncompleteSignature", 403),
    ("InvalidSignatureException", "SignatureDoesNotMatch", 403),
    ("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403),
    ("SerializationException", "MalformedInput", 400),
    ("ThrottlingException", "Throttling", 400),
    ("UnknownOperationException", "InvalidAction", 400),
    ("UnrecognizedClientException", "InvalidClientTokenId", 403),
    ("ValidationException", "ValidationError", 400),
];

/// Where AWS's names of such errors live.
const VALIDATION_PREFIX: &str = "com.amazon.coral.validate#";
const FRONT_PREFIX: &str = "com.amazon.coral.service#";

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
        AwsError { code: code.into(), message, status, query_code: None }
    }

    /// The same error under another code in Query, where a service's model has one for it.
    pub fn query_code(self, code: &'static str) -> AwsError {
        AwsError { query_code: Some(code), ..self }
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

    /// The same error as the Query services say it.
    pub fn for_query(mut self) -> AwsError {
        let named = QUERY_NAMES.iter().find(|(name, ..)| *name == self.code);
        if let Some((_, code, status)) = named {
            self.code = Cow::Borrowed(code);
            self.status = *status;
        }
        if let Some(code) = self.query_code.take() {
            self.code = Cow::Borrowed(code);
        }
        self
    }

    /// The header `x-amzn-query-error` of services that have spoken Query before: its clients go by this code.
    pub fn query_error(&self) -> String {
        let named = QUERY_NAMES.iter().find(|(name, ..)| *name == self.code);
        let code = self.query_code.or(named.map(|(_, code, _)| *code)).unwrap_or(&self.code);
        format!("{code};{}", self.fault())
    }

    /// The body in the protocol of the request. `code` goes into the header `x-amzn-errortype` besides.
    pub fn answer(&self, protocol: Protocol) -> Answer {
        protocol.answer(self)
    }

    /// The same of a service that writes where the names of its errors live. Not in Query, where an error is a document:
    /// see [`crate::query::error_response`].
    pub fn answer_of(&self, protocol: Protocol, service: &Service) -> Answer {
        if service.error_prefix.is_empty() {
            return self.answer(protocol);
        }
        protocol.answer(&Qualified { error: self, prefix: self.prefix(service) })
    }

    fn prefix(&self, service: &Service) -> &'static str {
        let is_of_all = QUERY_NAMES.iter().any(|(name, ..)| *name == self.code);
        match self.code.as_ref() {
            "ValidationException" => VALIDATION_PREFIX,
            "InternalFailure" | "ServiceUnavailable" => FRONT_PREFIX,
            _ if is_of_all => FRONT_PREFIX,
            _ => service.error_prefix,
        }
    }

    fn write_message(&self, w: &mut impl Writer) {
        if let Some(message) = &self.message {
            // AWS's own parser of bodies is an older house than its services, and writes a capital.
            let name = match self.code.as_ref() {
                "SerializationException" => "Message",
                _ => "message",
            };
            w.field_str(name, message);
        }
    }
}

impl Output for AwsError {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_str("__type", &self.code);
            self.write_message(w);
        });
    }
}

/// An error by its full name.
struct Qualified<'a> {
    error: &'a AwsError,
    prefix: &'static str,
}

impl Output for Qualified<'_> {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_str("__type", &format!("{}{}", self.prefix, self.error.code));
            self.error.write_message(w);
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
    fn cloudwatch_says_where_its_names_live() {
        let service = Service { error_prefix: "com.amazonaws.x.v1#", ..Service::default() };
        let bare = AwsError::new("ResourceNotFound", 404, None);
        let bare = bare.answer_of(Protocol::Json, &Service::default()).body;
        assert_eq!(bare, r#"{"__type":"ResourceNotFound"}"#);
        let check = |error: AwsError, body: &str| {
            let answer = error.answer_of(Protocol::Json10, &service);
            assert_eq!(String::from_utf8_lossy(&answer.body), body);
            assert_eq!(answer.content_type, "application/x-amz-json-1.0");
        };
        check(
            AwsError::new("ResourceNotFound", 404, None),
            r#"{"__type":"com.amazonaws.x.v1#ResourceNotFound"}"#,
        );
        check(
            AwsError::validation("1 validation error detected: …"),
            r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"1 validation error detected: …"}"#,
        );
        check(
            AwsError::unknown_operation(),
            r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#,
        );
        check(
            AwsError::internal_failure(),
            r#"{"__type":"com.amazon.coral.service#InternalFailure"}"#,
        );
    }

    #[test]
    fn an_error_may_have_another_code_in_query() {
        let value = |text: &str| Some(text.to_owned());
        let error = AwsError::new("InvalidParameterValueException", 400, value("m"))
            .query_code("InvalidParameterValue");
        assert_eq!(error.query_error(), "InvalidParameterValue;Sender");
        let body = error.answer(Protocol::Json10).body;
        assert_eq!(body, r#"{"__type":"InvalidParameterValueException","message":"m"}"#);
        let error = error.for_query();
        assert_eq!((error.code.as_ref(), error.status), ("InvalidParameterValue", 400));

        assert_eq!(AwsError::validation("m").query_error(), "ValidationError;Sender");
        assert_eq!(
            AwsError::new("ResourceConflict", 409, None).query_error(),
            "ResourceConflict;Sender"
        );
        assert_eq!(AwsError::internal_failure().query_error(), "InternalFailure;Receiver");
        let error =
            AwsError::new("InternalServiceFault", 500, None).query_code("InternalServiceError");
        assert_eq!(error.query_error(), "InternalServiceError;Receiver");
        assert_eq!(AwsError::serialization(None).for_query().code, "MalformedInput");
    }

    #[test]
    fn query_services_have_their_own_codes() {
        let error = AwsError::missing_authentication_token().for_query();
        assert_eq!((error.code.as_ref(), error.status), ("MissingAuthenticationToken", 403));
        let error = AwsError::internal_failure().for_query();
        assert_eq!((error.code.as_ref(), error.fault()), ("InternalFailure", "Receiver"));
    }
}
