//! A client of HTTP/2 by prior knowledge.

use std::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use nautilus_wire::Protocol;
use tokio::{net::TcpStream, sync::mpsc, task::JoinHandle, time::timeout};

use super::PATIENCE;

/// A body in as many pieces as a test likes.
pub type Body = BoxBody<Bytes, hyper::Error>;

pub struct Http2 {
    pub sender: SendRequest<Body>,
    connection: JoinHandle<hyper::Result<()>>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: Response<()>,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers().get(name).map(|value| value.to_str().expect("ASCII"))
    }
}

impl Http2 {
    pub async fn connect(address: SocketAddr) -> Http2 {
        Http2::connect_with(address, 1 << 20).await
    }

    /// With windows of so many bytes, for the connection and for each answer.
    pub async fn connect_with(address: SocketAddr, window: u32) -> Http2 {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(window)
            .initial_connection_window_size(window.max(1 << 16))
            .handshake(TokioIo::new(stream))
            .await
            .expect("a handshake");
        Http2 { sender, connection: tokio::spawn(connection) }
    }

    /// The head of an answer; the body comes as the test reads it.
    pub async fn start(&self, request: Request<Body>) -> hyper::Result<Response<Incoming>> {
        let mut sender = self.sender.clone();
        sender.ready().await?;
        timeout(PATIENCE, sender.send_request(request)).await.expect("an answer in time")
    }

    pub async fn answer(&self, request: Request<Body>) -> Answer {
        self.try_answer(request).await.expect("an answer")
    }

    pub async fn try_answer(&self, request: Request<Body>) -> hyper::Result<Answer> {
        let (head, body) = self.start(request).await?.into_parts();
        let body = timeout(PATIENCE, body.collect()).await.expect("a body in time")?.to_bytes();
        let status = head.status.as_u16();
        Ok(Answer { status, head: Response::from_parts(head, ()), body })
    }

    pub async fn call(
        &self,
        protocol: Protocol,
        operation: &str,
        body: impl Into<Bytes>,
    ) -> Answer {
        self.answer(call(protocol, operation, whole(body))).await
    }

    /// Waits for the server to close.
    pub async fn closes(self) {
        let Http2 { sender, connection } = self;
        let _ended = timeout(PATIENCE, connection).await.expect("the server closes");
        drop(sender);
    }
}

pub fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).map_err(|never| match never {}).boxed()
}

/// A body that a test sends piece by piece; it ends when the sender drops.
pub fn pieces() -> (mpsc::Sender<Bytes>, Body) {
    let (sender, receiver) = mpsc::channel(16);
    (sender, Pieces(receiver).boxed())
}

struct Pieces(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// A call of Kinesis.
pub fn call(protocol: Protocol, operation: &str, body: Body) -> Request<Body> {
    let request = Request::post("http://localhost/")
        .header("content-type", protocol.content_type())
        .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
        .header("authorization", super::CREDENTIAL)
        .header("x-amz-date", "20261124T030000Z");
    request.body(body).expect("a request")
}
