//! From the parts of a request that carry its credential to the caller.
//!
//! The form of a signature is checked, in AWS's order and words; with `--dev` its value is not. The account is the
//! access key itself if that has twelve digits, else twelve zeros; the region is the credential scope's.

use std::borrow::Cow;

use nautilus_wire::{AwsError, query::Form};

/// The account of every access key that is not an account itself.
const DEFAULT_ACCOUNT: &str = "000000000000";

/// Who calls, and where: state is kept for each account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// Twelve digits.
    pub account: String,
    /// `us-east-1`.
    pub region: String,
    /// The service that the credential is for: `kinesis`.
    pub service: String,
    /// The access key, which is no secret.
    pub access_key: String,
}

impl Caller {
    /// The caller's own ARN.
    pub fn arn(&self) -> String {
        format!("arn:{}:iam::{}:user/nautilus", self.partition(), self.account)
    }

    /// The partition that the region lies in.
    pub fn partition(&self) -> &'static str {
        partition(&self.region)
    }
}

/// The partition that a region lies in: the second part of every ARN.
pub fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// What of a request says who calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct SignedParts<'a> {
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// Whether there is a header `X-Amz-Date` or `Date`.
    pub has_date: bool,
    /// The target's query string, without `?`.
    pub query: &'a str,
}

/// Knows the credentials, and so makes callers.
#[derive(Debug, Clone)]
pub struct Identity {
    mode: Mode,
}

#[derive(Debug, Clone)]
enum Mode {
    /// Believes every credential.
    Dev,
}

impl Identity {
    /// The identity of `--dev`: every credential is good.
    pub fn dev() -> Identity {
        Identity { mode: Mode::Dev }
    }

    /// The caller of a request. Errors are those of the JSON services; see [`AwsError::for_query`].
    pub fn caller(&self, parts: &SignedParts<'_>) -> Result<Caller, AwsError> {
        let scope = Scope::parse(&credential(parts)?)?;
        match self.mode {
            Mode::Dev => Ok(scope.believed()),
        }
    }

    /// The operator itself, who starts the server and may provision what is in a directory.
    pub fn operator(&self, access_key: &str, region: &str) -> Caller {
        Scope {
            access_key: access_key.to_owned(),
            region: region.to_owned(),
            service: "kinesis".to_owned(),
        }
        .believed()
    }
}

/// The text of the credential, from the header or from the query string.
fn credential<'a>(parts: &SignedParts<'a>) -> Result<Cow<'a, str>, AwsError> {
    // Nearly no request has one. What else stands in it is nobody's business here, however it is written.
    let signed = parts.query.split('&').filter(|pair| pair.starts_with("X-Amz-"));
    let signed = signed.collect::<Vec<_>>().join("&");
    let query = Form::parse(signed.as_bytes())?;
    let query = query.get("X-Amz-Algorithm").is_some().then_some(query);
    match (parts.authorization.filter(|header| !header.is_empty()), query) {
        (None, None) => Err(AwsError::missing_authentication_token()),
        (Some(_), Some(_)) => Err(AwsError::invalid_signature(
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
        )),
        (Some(header), None) => from_header(header, parts.has_date).map(Cow::Borrowed),
        (None, Some(query)) => from_query(&query).map(Cow::Owned),
    }
}

fn from_header(header: &str, has_date: bool) -> Result<&str, AwsError> {
    let parameter = |name: &str| {
        let parameters = header.split([',', ' ']);
        let mut pairs = parameters.filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value)
    };
    let mut missing = String::new();
    for name in ["Credential", "Signature", "SignedHeaders"] {
        if parameter(name).is_none() {
            missing.push_str(&format!("Authorization header requires '{name}' parameter. "));
        }
    }
    if !has_date {
        missing.push_str(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        );
    }
    match parameter("Credential") {
        Some(credential) if missing.is_empty() => Ok(credential),
        _ => Err(AwsError::incomplete_signature(format!("{missing}Authorization={header}"))),
    }
}

fn from_query(query: &Form<'_>) -> Result<String, AwsError> {
    const NAMES: [&str; 5] = [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
        "X-Amz-Date",
    ];
    let parameter = |name| query.get(name).filter(|value| !value.is_empty());
    let mut missing = String::new();
    for name in NAMES.iter().filter(|name| parameter(name).is_none()) {
        missing.push_str(&format!("AWS query-string parameters must include '{name}'. "));
    }
    match parameter(NAMES[1]) {
        Some(credential) if missing.is_empty() => Ok(credential.to_owned()),
        _ => Err(AwsError::incomplete_signature(format!(
            "{missing}Re-examine the query-string parameters."
        ))),
    }
}

/// A credential's scope, as far as it matters.
struct Scope {
    access_key: String,
    region: String,
    service: String,
}

impl Scope {
    /// Reads `key/date/region/service/aws4_request`.
    fn parse(credential: &str) -> Result<Scope, AwsError> {
        let parts: Vec<&str> = credential.split('/').take(6).collect();
        let [access_key, _date, region, service, _term] = parts[..] else {
            return Err(AwsError::incomplete_signature(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term, got '{credential}'"
            )));
        };
        // The region becomes a part of names and ARNs, so it must look like one.
        if !is_region(region) {
            return Err(AwsError::invalid_signature(format!(
                "Credential should be scoped to a valid region, not '{region}'. "
            )));
        }
        Ok(Scope {
            access_key: access_key.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
        })
    }

    /// The caller, nothing being verified.
    fn believed(self) -> Caller {
        let key = &self.access_key;
        let is_account = key.len() == 12 && key.bytes().all(|byte| byte.is_ascii_digit());
        let account = if is_account { key } else { DEFAULT_ACCOUNT }.to_owned();
        let Scope { access_key, region, service } = self;
        Caller { account, region, service, access_key }
    }
}

fn is_region(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "AWS4-HMAC-SHA256 Credential=AKID/20261124/eu-west-1/kinesis/aws4_request, \
                        SignedHeaders=host;x-amz-date, Signature=00";

    fn header(authorization: &str, has_date: bool) -> Result<Caller, AwsError> {
        let authorization = Some(authorization);
        Identity::dev().caller(&SignedParts { authorization, has_date, query: "" })
    }

    fn query(query: &str) -> Result<Caller, AwsError> {
        Identity::dev().caller(&SignedParts { query, ..SignedParts::default() })
    }

    fn check(caller: Result<Caller, AwsError>, code: &str, message: &str) {
        let error = caller.expect_err("no caller");
        let text = error.message.unwrap_or_default();
        assert_eq!((error.code.as_ref(), error.status, text.as_str()), (code, 400, message));
    }

    #[test]
    fn region_and_service_are_the_scopes_and_any_key_will_do() {
        for header_text in [GOOD.to_owned(), GOOD.replace(", ", ",")] {
            let caller = header(&header_text, true).unwrap();
            assert_eq!(
                (caller.account.as_str(), caller.region.as_str()),
                (DEFAULT_ACCOUNT, "eu-west-1")
            );
            assert_eq!((caller.access_key.as_str(), caller.service.as_str()), ("AKID", "kinesis"));
        }
    }

    #[test]
    fn a_key_of_twelve_digits_is_the_account() {
        let caller = header(&GOOD.replace("AKID", "123456789012"), true).unwrap();
        assert_eq!(caller.account, "123456789012");
        assert_eq!(caller.arn(), "arn:aws:iam::123456789012:user/nautilus");
        let caller = header(&GOOD.replace("AKID", "12345678901x"), true).unwrap();
        assert_eq!(caller.account, DEFAULT_ACCOUNT);
    }

    #[test]
    fn a_presigned_query_works_as_the_header_does() {
        let scope = "X-Amz-Credential=AKID%2F20261124%2Fus-east-1%2Fsts%2Faws4_request";
        let rest = "X-Amz-Date=20261124T030000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
        let caller = query(&format!("X-Amz-Algorithm=AWS4-HMAC-SHA256&{scope}&{rest}")).unwrap();
        assert_eq!((caller.region.as_str(), caller.service.as_str()), ("us-east-1", "sts"));
    }

    #[test]
    fn no_credential_is_a_missing_token() {
        let missing = "Missing Authentication Token";
        check(query(""), "MissingAuthenticationTokenException", missing);
        check(query("X-Amz-Credential=a"), "MissingAuthenticationTokenException", missing);
        check(query("a=%zz&%"), "MissingAuthenticationTokenException", missing);
        check(header("", true), "MissingAuthenticationTokenException", missing);
    }

    #[test]
    fn two_credentials_are_one_too_many() {
        let parts =
            SignedParts { authorization: Some(GOOD), has_date: true, query: "X-Amz-Algorithm=a" };
        check(
            Identity::dev().caller(&parts),
            "InvalidSignatureException",
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
        );
    }

    #[test]
    fn what_the_header_lacks_is_named() {
        check(
            header("Bearer x", false),
            "IncompleteSignatureException",
            "Authorization header requires 'Credential' parameter. \
             Authorization header requires 'Signature' parameter. \
             Authorization header requires 'SignedHeaders' parameter. \
             Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. \
             Authorization=Bearer x",
        );
        check(
            header("AWS4-HMAC-SHA256 Credential=a, Signature=b, SignedHeaders=", true),
            "IncompleteSignatureException",
            "Authorization header requires 'SignedHeaders' parameter. \
             Authorization=AWS4-HMAC-SHA256 Credential=a, Signature=b, SignedHeaders=",
        );
    }

    #[test]
    fn what_the_query_lacks_is_named() {
        check(
            query("X-Amz-Algorithm=a&X-Amz-Date=d&X-Amz-Signature=s"),
            "IncompleteSignatureException",
            "AWS query-string parameters must include 'X-Amz-Credential'. \
             AWS query-string parameters must include 'X-Amz-SignedHeaders'. \
             Re-examine the query-string parameters.",
        );
    }

    #[test]
    fn a_scope_of_another_shape_is_refused() {
        for bad in ["AKID", "AKID/1/us-east-1/kinesis", "a/b/c/d/e/f"] {
            let text = GOOD.replace("AKID/20261124/eu-west-1/kinesis/aws4_request", bad);
            let message = format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term, got '{bad}'"
            );
            check(header(&text, true), "IncompleteSignatureException", &message);
        }
    }

    #[test]
    fn a_region_must_look_like_one() {
        for bad in ["", "EU", "eu:west", "../..", &"a".repeat(33)] {
            let text = GOOD.replace("eu-west-1", bad);
            let bad = if bad.contains('/') { continue } else { bad };
            let message = format!("Credential should be scoped to a valid region, not '{bad}'. ");
            check(header(&text, true), "InvalidSignatureException", &message);
        }
    }
}
