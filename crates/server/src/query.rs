//! Services with the Query protocol: a form goes in, XML comes out. STS is the only one so far.

use std::borrow::Cow;

use hyper::{
    StatusCode,
    header::{AUTHORIZATION, DATE},
    http::request::Parts,
};
use nautilus_identity::{Caller, Identity, SignedParts, sts};
use nautilus_wire::{
    AwsError,
    query::{Form, error_response},
};

use crate::{reply::Reply, request_id::RequestId, route::no_operation};

/// Answers a form, from the body or else from the URL.
pub(crate) fn answer(identity: &Identity, head: &Parts, body: &[u8], id: &RequestId) -> Reply {
    let text = match body {
        b"" => head.uri.query().unwrap_or("").as_bytes(),
        _ => body,
    };
    let caller = caller(identity, head);
    let answer = Form::parse(text).and_then(|form| match service(&form, caller.as_ref().ok()) {
        Some("sts") => sts::call(&caller?, &form, id.uuid()).map(Some),
        Some("kinesis") | None => Ok(None), // Kinesis does not read forms
        Some(_) => Err(caller.err().unwrap_or_else(|| form.unknown_action())),
    });
    match answer {
        Ok(Some(answer)) => Reply::from(answer),
        Ok(None) => no_operation(),
        Err(error) => refused(error.for_query(), id),
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

/// The service that is meant: the version tells STS, else the credential does.
fn service<'a>(form: &Form<'_>, caller: Option<&'a Caller>) -> Option<&'a str> {
    match form.get("Version") {
        Some(sts::VERSION) => Some("sts"),
        _ => caller.map(|caller| caller.service.as_str()),
    }
}

fn refused(error: AwsError, id: &RequestId) -> Reply {
    let answer = error_response(&error, sts::NAMESPACE, id.uuid());
    let status = StatusCode::from_u16(error.status);
    let mut reply = Reply::from(answer);
    reply.status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply.error_type = Some(Cow::Owned(error.code.into_owned()));
    reply
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use nautilus_log::SeededRng;

    use super::*;
    use crate::request_id::RequestIds;

    fn check(service: &str, body: &str) -> (u16, String) {
        let credential = format!("AKID/20261124/us-east-1/{service}/aws4_request");
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00");
        let mut request = Request::builder().header("x-amz-date", "20261124T030000Z");
        if !service.is_empty() {
            request = request.header("authorization", authorization);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        let id = RequestIds::new(&SeededRng::new(1)).next();
        let reply = answer(&Identity::dev(), &head, body.as_bytes(), &id);
        (reply.status.as_u16(), String::from_utf8_lossy(&reply.body).into_owned())
    }

    #[test]
    fn sts_is_known_by_its_version_or_by_the_credential() {
        let (status, body) = check("sts", "Action=GetCallerIdentity");
        assert_eq!((status, body.contains("<Account>000000000000</Account>")), (200, true));
        let (status, _) = check("kinesis", "Action=GetCallerIdentity&Version=2011-06-15");
        assert_eq!(status, 200);
    }

    #[test]
    fn errors_are_querys() {
        let (status, body) = check("", "Action=GetCallerIdentity&Version=2011-06-15");
        assert_eq!((status, body.contains("<Code>MissingAuthenticationToken</Code>")), (403, true));
        let (status, body) = check("iam", "Action=GetUser&Version=2010-05-08");
        assert_eq!((status, body.contains("<Code>InvalidAction</Code>")), (400, true));
        let (status, body) = check("sts", "Action=GetCallerIdentity&Version=2010-05-08");
        assert_eq!((status, body.contains("<Code>InvalidAction</Code>")), (400, true));
        let (status, body) = check("sts", "Action=%");
        assert_eq!((status, body.contains("<Code>MalformedQueryString</Code>")), (400, true));
    }

    #[test]
    fn kinesis_does_not_read_forms() {
        for service in ["kinesis", ""] {
            let (status, body) = check(service, "a=b");
            assert_eq!((status, body.contains("<AccessDeniedException>")), (403, true));
        }
    }
}
