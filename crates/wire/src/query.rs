//! AWS Query: form-encoded requests, XML answers. STS speaks it here, later CloudWatch, IAM and SNS.

use std::borrow::Cow;

use bytes::Bytes;

use crate::{Answer, AwsError, limits::FORM_PAIRS_MAX};

/// The parameters of a request, from its body or its query string, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Form<'a> {
    /// Reads `a=b&c=d`, undoing `+` and `%xx`.
    pub fn parse(text: &'a [u8]) -> Result<Form<'a>, AwsError> {
        let mut pairs = Vec::new();
        for pair in text.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == FORM_PAIRS_MAX {
                return Err(malformed("too many parameters"));
            }
            let split = memchr::memchr(b'=', pair);
            let (name, value) = split.map_or((pair, &b""[..]), |at| (&pair[..at], &pair[at + 1..]));
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Form { pairs })
    }

    /// A parameter's value; of several with one name the first.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Every parameter.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// The operation that is asked for.
    pub fn action(&self) -> Result<&str, AwsError> {
        self.get("Action").filter(|action| !action.is_empty()).ok_or_else(|| {
            let message = "No action was supplied with this request.";
            AwsError::new("MissingAction", 400, Some(message.to_owned()))
        })
    }

    /// What a service answers to an action that it does not have.
    pub fn unknown_action(&self) -> AwsError {
        let (action, version) = (self.get("Action"), self.get("Version"));
        let (action, version) = (action.unwrap_or_default(), version.unwrap_or_default());
        let message = format!("Could not find operation {action} for version {version}");
        AwsError::new("InvalidAction", 400, Some(message))
    }
}

/// Writes the elements of an XML body.
#[derive(Debug, Default)]
pub struct XmlWriter {
    text: String,
}

impl XmlWriter {
    /// An element with text.
    pub fn text(&mut self, name: &str, value: &str) {
        self.raw(&["<", name, ">"]);
        escape(&mut self.text, value);
        self.raw(&["</", name, ">"]);
    }

    /// An element with others in it.
    pub fn element(&mut self, name: &str, inner: impl FnOnce(&mut XmlWriter)) {
        self.raw(&["<", name, ">"]);
        inner(self);
        self.raw(&["</", name, ">"]);
    }

    /// The root element, in its namespace.
    fn root(name: &str, namespace: &str, inner: impl FnOnce(&mut XmlWriter)) -> Answer {
        let mut w = XmlWriter::default();
        w.raw(&["<", name, " xmlns=\"", namespace, "\">"]);
        inner(&mut w);
        w.raw(&["</", name, ">"]);
        Answer { body: Bytes::from(w.text), content_type: Answer::XML }
    }

    fn raw(&mut self, parts: &[&str]) {
        self.text.extend(parts.iter().copied());
    }
}

/// `<ActionResponse>` with its result and the request's id.
pub fn response(
    action: &str,
    namespace: &str,
    request_id: &str,
    result: impl FnOnce(&mut XmlWriter),
) -> Answer {
    XmlWriter::root(&format!("{action}Response"), namespace, |w| {
        w.element(&format!("{action}Result"), result);
        w.element("ResponseMetadata", |w| w.text("RequestId", request_id));
    })
}

/// `<ErrorResponse>`. The error says it in Query's codes: see [`AwsError::for_query`].
pub fn error_response(error: &AwsError, namespace: &str, request_id: &str) -> Answer {
    XmlWriter::root("ErrorResponse", namespace, |w| {
        w.element("Error", |w| {
            w.text("Type", error.fault());
            w.text("Code", &error.code);
            if let Some(message) = &error.message {
                w.text("Message", message);
            }
        });
        w.text("RequestId", request_id);
    })
}

fn malformed(reason: &str) -> AwsError {
    let message = format!("The query string is malformed: {reason}");
    AwsError::new("MalformedQueryString", 400, Some(message))
}

fn decode(text: &[u8]) -> Result<Cow<'_, str>, AwsError> {
    let not_utf8 = || malformed("not UTF-8");
    if memchr::memchr2(b'%', b'+', text).is_none() {
        return std::str::from_utf8(text).map(Cow::Borrowed).map_err(|_| not_utf8());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let (byte, tail) = match byte {
            b'+' => (b' ', tail),
            b'%' => percent(tail).ok_or_else(|| malformed("bad percent encoding"))?,
            _ => (byte, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| not_utf8())
}

fn percent(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = text.split_at_checked(2)?;
    let digit = |at: usize| (digits[at] as char).to_digit(16);
    Some((u8::try_from(digit(0)? << 4 | digit(1)?).ok()?, rest))
}

/// Control characters, which XML 1.0 cannot hold, are written as references: that is what AWS does.
fn escape(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push_str(&format!("&#x{:x};", u32::from(c))),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(answer: &Answer) -> &str {
        std::str::from_utf8(&answer.body).expect("XML is UTF-8")
    }

    #[test]
    fn parameters_are_decoded() {
        let form = Form::parse(b"Action=Get%43aller&Version=1&a=x+y%26&b&&c=%C3%A9=").unwrap();
        assert_eq!(form.action(), Ok("GetCaller"));
        assert_eq!(form.get("a"), Some("x y&"));
        assert_eq!((form.get("b"), form.get("c"), form.get("d")), (Some(""), Some("é="), None));
    }

    #[test]
    fn malformed_forms_are_refused() {
        for bad in [&b"a=%"[..], b"a=%4", b"a=%zz", b"%ff=1", b"a=\xff", b"a=%+1"] {
            let error = Form::parse(bad).unwrap_err();
            assert_eq!((error.code.as_ref(), error.status), ("MalformedQueryString", 400));
        }
        assert!(Form::parse("a=1&".repeat(FORM_PAIRS_MAX + 1).as_bytes()).is_err());
    }

    #[test]
    fn a_missing_and_an_unknown_action_are_told_apart() {
        let form = Form::parse(b"Version=2011-06-15").unwrap();
        assert_eq!(form.action().unwrap_err().code, "MissingAction");
        let form = Form::parse(b"Action=Nothing&Version=2011-06-15").unwrap();
        let message = "Could not find operation Nothing for version 2011-06-15";
        assert_eq!(form.unknown_action().message.as_deref(), Some(message));
    }

    #[test]
    fn answers_carry_namespace_result_and_request_id() {
        let answer = response("GetIt", "https://x/doc/", "r-1", |w| w.text("A", "<é&\"\u{1}>"));
        assert_eq!(
            body(&answer),
            "<GetItResponse xmlns=\"https://x/doc/\"><GetItResult>\
             <A>&lt;é&amp;&quot;&#x1;&gt;</A></GetItResult>\
             <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetItResponse>"
        );
        assert_eq!(answer.content_type, "text/xml");
    }

    #[test]
    fn errors_say_whose_fault_it_is() {
        let error = AwsError::missing_authentication_token().for_query();
        assert_eq!(
            body(&error_response(&error, "n", "r")),
            "<ErrorResponse xmlns=\"n\"><Error><Type>Sender</Type>\
             <Code>MissingAuthenticationToken</Code><Message>Missing Authentication Token</Message>\
             </Error><RequestId>r</RequestId></ErrorResponse>"
        );
        let error = AwsError::new("ServiceUnavailable", 503, None);
        assert!(body(&error_response(&error, "n", "r")).contains("<Type>Receiver</Type>"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_form_parser_panic(bytes: Vec<u8>) {
            let _ = Form::parse(&bytes);
        }
    }
}
