//! AWS Query: form-encoded requests, XML answers.
//!
//! A [`Form`] says who is meant by its `Action` and `Version`, and becomes the same tree of values that every other
//! protocol gives. An operation writes what stands within its answer; [`response`] puts the answer's root around it.

mod form;
mod tree;
mod xml;

pub use form::Form;
pub use xml::XmlWriter;

use bytes::Bytes;

use crate::{Answer, AwsError, Output, Writer};

/// The header `Content-Type` of requests, without its parameters.
pub const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// An output as XML behind what stands in `bytes` already: its members, without an element around them.
pub fn append(bytes: Vec<u8>, output: &impl Output) -> Vec<u8> {
    let mut writer = XmlWriter::behind(bytes);
    output.write(&mut writer);
    writer.finish()
}

/// `<ActionResponse>` with the request's id, around what [`Protocol::answer`](crate::Protocol::answer) or
/// [`Protocol::empty`](crate::Protocol::empty) made. `<ActionResult>` is there if the operation has an output.
pub fn response(action: &str, namespace: &str, request_id: &str, answer: &Answer) -> Answer {
    let tags = 4 * action.len() + namespace.len() + request_id.len() + 160;
    let mut w = XmlWriter::behind(Vec::with_capacity(answer.body.len() + tags));
    w.root(&format!("{action}Response"), namespace, |w| {
        if answer.has_output {
            w.key(&format!("{action}Result"));
            w.fragment(&answer.body);
        }
        w.field_map("ResponseMetadata", |w| w.field_str("RequestId", request_id));
    });
    document(w)
}

/// `<ErrorResponse>`. The error says it in Query's codes: see [`AwsError::for_query`].
pub fn error_response(error: &AwsError, namespace: &str, request_id: &str) -> Answer {
    let mut w = XmlWriter::default();
    w.root("ErrorResponse", namespace, |w| {
        w.field_map("Error", |w| {
            w.field_str("Type", error.fault());
            w.field_str("Code", &error.code);
            if let Some(message) = &error.message {
                w.field_str("Message", message);
            }
        });
        w.field_str("RequestId", request_id);
    });
    document(w)
}

fn document(w: XmlWriter) -> Answer {
    Answer { body: Bytes::from(w.finish()), content_type: Answer::XML, has_output: true }
}

#[cfg(test)]
mod tests;
