//! What goes back to the client beside the status and the headers of every answer.

use bytes::Bytes;

use crate::{Output, Protocol, Writer};

/// A body and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Empty for operations without output.
    pub body: Bytes,
    /// The header `Content-Type`.
    pub content_type: &'static str,
    /// Whether the operation has an output, be it one without members: Query tells the two apart.
    pub has_output: bool,
}

impl Answer {
    /// What Query services answer.
    pub const XML: &'static str = "text/xml";
}

/// What an operation gives, made into what the client gets. Every [`Output`] is that, and [`Done`].
pub trait IntoAnswer {
    /// The answer in the client's protocol.
    fn into_answer(self, protocol: Protocol) -> Answer;
}

/// What an operation without output gives: the body is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done;

/// An output without members: some operations have that instead of none, and clients tell the two apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Empty;

impl Output for Empty {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|_| {});
    }
}

impl IntoAnswer for Done {
    fn into_answer(self, protocol: Protocol) -> Answer {
        protocol.empty()
    }
}

impl<O: Output> IntoAnswer for O {
    fn into_answer(self, protocol: Protocol) -> Answer {
        protocol.answer(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_without_members_is_not_none() {
        for protocol in Protocol::OF_CLOUDWATCH {
            let (done, empty) = (Done.into_answer(protocol), Empty.into_answer(protocol));
            assert_eq!((done.has_output, empty.has_output), (false, true), "{protocol:?}");
        }
        assert_eq!(&Empty.into_answer(Protocol::Json10).body[..], b"{}");
        assert_eq!(&Done.into_answer(Protocol::Json10).body[..], b"");
    }
}
