//! The body of an answer that goes on: one message after another, each sent the moment that there is one.
//!
//! It is polled by its connection's task and needs none of its own. Always: the next message is made when the last one has
//! gone to the kernel, with room for it first: a client that reads slowly holds one message and not more, within a
//! budget of their own, so that it takes nothing away from those who ask. When that is used up, those who have held
//! theirs for too long lose their connections (`stream.rs`).

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use nautilus_kinesis::{Subscription, Told};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    budget::{AnswerBudget, Permit},
    limits::Limits,
    stream::{Activity, InRequest, Pushing, Untaken},
};

/// What hyper writes behind a head.
pub(crate) enum AnswerBody {
    /// All that there is.
    Whole(Full<Bytes>),
    /// One message after another.
    Events(EventBody),
}

/// See the module.
pub(crate) struct EventBody {
    /// Ends when everything has been told.
    telling: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    slot: Arc<Slot>,
    _in_request: InRequest,
    _pushing: Pushing,
}

/// Where a message lies until the connection takes it.
#[derive(Debug, Default)]
struct Slot {
    message: Mutex<Option<Bytes>>,
    /// Rung when the last message has gone to the kernel.
    taken: Notify,
}

/// A message that the kernel has not taken.
struct Sent {
    message: Bytes,
    slot: Arc<Slot>,
    _permit: Option<Permit>,
    _untaken: Untaken,
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        &self.message
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.slot.taken.notify_one();
    }
}

impl EventBody {
    pub(crate) fn new(
        subscription: Box<Subscription>,
        activity: &Arc<Activity>,
        in_request: InRequest,
        budget: &AnswerBudget,
        limits: &Limits,
    ) -> EventBody {
        let slot = Arc::<Slot>::default();
        let teller = Teller {
            slot: Arc::clone(&slot),
            activity: Arc::clone(activity),
            budget: budget.clone(),
            limits: limits.clone(),
        };
        EventBody {
            telling: Some(Box::pin(teller.tell(subscription))),
            slot,
            _in_request: in_request,
            _pushing: activity.push(),
        }
    }
}

struct Teller {
    slot: Arc<Slot>,
    activity: Arc<Activity>,
    budget: AnswerBudget,
    limits: Limits,
}

impl Teller {
    async fn tell(self, mut subscription: Box<Subscription>) {
        self.send(subscription.initial_response(), None).await;
        loop {
            let bytes_max = subscription.ready().await;
            // Nothing closes the budget.
            let Some(mut permit) = self.budget.take_event(bytes_max).await else { return };
            match subscription.next().await {
                Told::Message(message) => {
                    let kept = permit.split(message.len().min(permit.num_permits()));
                    drop(permit);
                    self.send(message, kept).await;
                }
                Told::Nothing => {}
                Told::End => return,
            }
        }
    }

    /// Hands a message to the connection and waits until the kernel has it.
    async fn send(&self, message: Bytes, permit: Option<Permit>) {
        let untaken = self.activity.pushed(message.len(), &self.limits);
        let sent =
            Sent { message, slot: Arc::clone(&self.slot), _permit: permit, _untaken: untaken };
        *self.slot.message.lock() = Some(Bytes::from_owner(sent));
        self.slot.taken.notified().await;
    }
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(telling) = &mut self.telling else { return Poll::Ready(None) };
        let has_ended = telling.as_mut().poll(cx).is_ready();
        if let Some(message) = self.slot.message.lock().take() {
            return Poll::Ready(Some(Ok(Frame::data(message))));
        }
        if has_ended {
            self.telling = None;
            return Poll::Ready(None);
        }
        Poll::Pending
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            AnswerBody::Whole(body) => Pin::new(body).poll_frame(cx),
            AnswerBody::Events(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            AnswerBody::Whole(body) => body.is_end_stream(),
            AnswerBody::Events(body) => body.telling.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            AnswerBody::Whole(body) => body.size_hint(),
            AnswerBody::Events(_) => SizeHint::default(),
        }
    }
}
