//! Calls in the Query protocol: a form goes in, XML comes out.

use hyper::{
    header::{AUTHORIZATION, DATE},
    http::request::Parts,
};
use nautilus_identity::{Caller, Identity, SignedParts};
use nautilus_sns::Sns;
use nautilus_wire::{AwsError, Protocol, query::Form};

use crate::{
    reply::Voice,
    rooms::{Room, STS},
};

/// The parameters that say who is meant.
const NAMES: [&str; 2] = ["Action", "Version"];

/// A form as far as it says who is meant; the rest of it is not read yet.
pub(crate) struct Call<'a> {
    pub(crate) form: Form<'a>,
    pub(crate) called: Called,
    pub(crate) caller: Result<Caller, AwsError>,
    is_signed: bool,
}

/// Who is meant by a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Called {
    Room(Room),
    Sts,
    /// A service that is not here.
    Other,
    /// It cannot be told, or it is one that reads no forms.
    Nobody,
}

impl<'a> Call<'a> {
    /// From the text of a form: see [`text`].
    pub(crate) fn read(
        identity: &Identity,
        head: &Parts,
        text: &'a [u8],
    ) -> Result<Call<'a>, AwsError> {
        let form = Form::parse_only(text, &NAMES)?;
        let caller = caller(identity, head);
        let called = called(&form, caller.as_ref().ok());
        Ok(Call { form, called, caller, is_signed: is_signed(head) })
    }

    /// Who calls a room; nobody where SNS lets a link in a message act, which has a secret in it.
    pub(crate) fn caller_of(&self, room: Room) -> Result<Option<&Caller>, AwsError> {
        match &self.caller {
            Ok(caller) => Ok(Some(caller)),
            Err(_) if room == Room::Sns && !self.is_signed && is_link(&self.form) => Ok(None),
            Err(error) => Err(error.clone()),
        }
    }
}

impl Called {
    /// How its errors are said.
    pub(crate) fn voice(self) -> Voice {
        match self {
            Called::Room(room) => Voice::of(room, Protocol::Query),
            Called::Sts | Called::Other | Called::Nobody => Voice::OF_FORMS,
        }
    }
}

/// The text of the form.
pub(crate) fn text<'a>(head: &'a Parts, body: &'a [u8]) -> &'a [u8] {
    match body {
        b"" => head.uri.query().unwrap_or("").as_bytes(),
        _ => body,
    }
}

/// Who calls, by the request's credential.
pub(crate) fn caller(identity: &Identity, head: &Parts) -> Result<Caller, AwsError> {
    let headers = &head.headers;
    identity.caller(&SignedParts {
        authorization: headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or("?")),
        has_date: headers.contains_key("x-amz-date") || headers.contains_key(DATE),
        query: head.uri.query().unwrap_or(""),
    })
}

/// The version tells, else the credential does; a link has neither.
fn called(form: &Form<'_>, caller: Option<&Caller>) -> Called {
    let version = form.version();
    if version == Some(STS.version) {
        return Called::Sts;
    }
    if let Some(room) = version.and_then(Room::of_version) {
        return Called::Room(room);
    }
    match caller.map(|caller| caller.service.as_str()) {
        Some("sts") => Called::Sts,
        Some("kinesis") => Called::Nobody,
        Some(name) => Room::of_scope(name).map_or(Called::Other, Called::Room),
        None if version.is_none() && is_link(form) => Called::Room(Room::Sns),
        None => Called::Nobody,
    }
}

fn is_signed(head: &Parts) -> bool {
    let query = head.uri.query().unwrap_or("");
    head.headers.contains_key(AUTHORIZATION) || query.contains("X-Amz-Algorithm=")
}

fn is_link(form: &Form<'_>) -> bool {
    form.get("Action").is_some_and(Sns::is_open)
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    /// Who is meant, and who calls or why nobody does.
    fn check(service: &str, form: &str) -> (Called, String) {
        let credential = format!("AKID/20261124/us-east-1/{service}/aws4_request");
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00");
        let mut request = Request::builder().header("x-amz-date", "20261124T030000Z");
        if !service.is_empty() {
            request = request.header("authorization", authorization);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        let call = Call::read(&Identity::dev(), &head, form.as_bytes()).expect("a form");
        let caller = call.caller.map(|caller| format!("{} {}", caller.account, caller.region));
        (call.called, caller.unwrap_or_else(|error| error.code.into_owned()))
    }

    const SOMEBODY: &str = "000000000000 us-east-1";
    const MISSING: &str = "MissingAuthenticationTokenException";

    #[test]
    fn a_service_is_known_by_its_version_or_by_the_credential() {
        let is = |called: Called| (called, SOMEBODY.to_owned());
        assert_eq!(check("sts", "Action=GetCallerIdentity"), is(Called::Sts));
        assert_eq!(check("kinesis", "Action=X&Version=2011-06-15"), is(Called::Sts));
        let cloudwatch = is(Called::Room(Room::CloudWatch));
        assert_eq!(check("monitoring", "Action=ListMetrics"), cloudwatch);
        assert_eq!(check("monitoring", "Action=ListMetrics&Version=1999-01-01"), cloudwatch);
        assert_eq!(check("other", "Action=ListMetrics&Version=2010-08-01"), cloudwatch);
        assert_eq!(check("sns", "a=b"), is(Called::Room(Room::Sns)));
        assert_eq!(check("kinesis", "Version=2010-03-31"), is(Called::Room(Room::Sns)));
        assert_eq!(check("iam", "Action=GetUser&Version=2010-05-08"), is(Called::Other));
    }

    #[test]
    fn kinesis_reads_no_forms() {
        let nobody = |caller: &str| (Called::Nobody, caller.to_owned());
        assert_eq!(check("kinesis", "a=b"), nobody(SOMEBODY));
        assert_eq!(check("kinesis", "Version=2013-12-02"), nobody(SOMEBODY));
        assert_eq!(check("", "a=b"), nobody(MISSING));
        assert_eq!(check("", "Action=Publish"), nobody(MISSING));
    }

    /// Who calls SNS; none for nobody.
    fn sns_caller(form: &str, request: hyper::http::request::Builder) -> Result<bool, AwsError> {
        let (head, ()) = request.body(()).expect("a request").into_parts();
        let call = Call::read(&Identity::dev(), &head, form.as_bytes()).expect("a form");
        assert_eq!(call.called, Called::Room(Room::Sns), "{form}");
        call.caller_of(Room::Sns).map(|caller| caller.is_some())
    }

    #[test]
    fn a_link_in_a_message_needs_no_credential() {
        for link in ["Action=ConfirmSubscription&Token=x", "Action=Unsubscribe"] {
            for form in [link.to_owned(), format!("{link}&Version=2010-03-31")] {
                assert_eq!(sns_caller(&form, Request::builder()), Ok(false), "{form}");
            }
            let form = format!("{link}&Version=2010-03-31");
            let half_signed = Request::builder().header("authorization", "AWS4-HMAC-SHA256");
            let error = sns_caller(&form, half_signed).expect_err("a signature must be whole");
            assert_eq!(error.code, "IncompleteSignatureException");
            let half_signed = Request::builder().uri("/?X-Amz-Algorithm=AWS4-HMAC-SHA256");
            assert!(sns_caller(&form, half_signed).is_err());
        }
        let error = sns_caller("Action=Publish&Version=2010-03-31", Request::builder());
        assert_eq!(error.expect_err("not for everybody").code, MISSING);
    }
}
