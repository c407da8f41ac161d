//! The socket: accepts connections up to a limit, gives each to a task, and ends them in order when told to stop.
//!
//! An own loop over hyper, because the ready-made ones leave slow clients open for ever and cannot tell a request that
//! is being answered from one that is still arriving. HTTP/1.1 and HTTP/2 share the port: a client of the latter says so
//! with its first bytes.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use hyper::{
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use nautilus_cloudwatch::CloudWatch;
use nautilus_identity::Identity;
use nautilus_kinesis::Kinesis;
use nautilus_log::{Clock, Journal, Rng, SystemClock};
use nautilus_sns::Sns;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
    time::sleep,
};
use tracing::{debug, info, warn};

use crate::{
    budget::{AnswerBudget, BodyBudget},
    dev::Dev,
    drain::{self, Drained, InFlightCount, Phase},
    health::Health,
    host::HostRules,
    limits::{
        BACKLOG, CONNECTION_WINDOW_BYTES, DRAIN_IDLE, FRAME_BYTES_MAX, HEAD_BYTES_MAX,
        HTTP2_HEAD_BYTES_MAX, Limits, PING_INTERVAL, PING_TIME_MAX, STREAM_WINDOW_BYTES,
    },
    request_id::RequestIds,
    service::Service,
    stream::{Activity, Spoken, TimedStream},
    ticker,
    watch::Watch,
    webhook,
};

/// Whom a server lets in, and how much of it.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Names that a `Host` may be, beside those that are always safe.
    pub allowed_hosts: Vec<String>,
    /// Web origins that may call, beside the server's own.
    pub allowed_origins: Vec<String>,
    /// Every limit of the way in.
    pub limits: Limits,
}

/// What a server serves.
pub struct Services {
    /// Kinesis, opened.
    pub kinesis: Kinesis,
    /// CloudWatch, opened.
    pub cloudwatch: CloudWatch,
    /// SNS, opened.
    pub sns: Sns,
    /// For its figures.
    pub journal: Journal,
    /// Knows who calls.
    pub identity: Identity,
    /// The service's clock.
    pub clock: Arc<dyn Clock>,
    /// For request ids.
    pub rng: Arc<dyn Rng>,
    /// The service's clock again, if clients may move it ahead.
    pub test_clock: Option<Arc<SystemClock>>,
    /// Whether clients may inject faults.
    pub faults: bool,
}

/// A port that is ours. Clients that connect before there is a [`Server`] wait in the kernel's backlog.
#[derive(Debug)]
pub struct Socket {
    listener: TcpListener,
    address: SocketAddr,
}

impl Socket {
    /// Takes the port; port 0 takes a free one. Must be called in a runtime.
    pub fn bind(address: SocketAddr) -> io::Result<Socket> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // Without it a restart would have to wait for the old connections' last packets.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok(Socket { listener, address })
    }

    /// Where it listens; the real port if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A socket with its services behind it.
pub struct Server {
    socket: Socket,
    clock: Arc<dyn Clock>,
    service: Arc<Service>,
    connections: Arc<Semaphore>,
    phase: watch::Sender<Phase>,
}

/// Tells a running server things.
#[derive(Clone)]
pub struct Handle {
    service: Arc<Service>,
}

impl Handle {
    /// What `/readyz` answers from now on.
    pub fn set_ready(&self, ready: bool) {
        self.service.health.set_ready(ready);
    }
}

impl Server {
    /// A server that answers once it runs.
    pub fn new(socket: Socket, config: Config, services: Services) -> Server {
        let limits = config.limits;
        let connections = Arc::new(Semaphore::new(limits.connections_max as usize));
        let service = Service {
            kinesis: services.kinesis,
            cloudwatch: services.cloudwatch,
            sns: services.sns,
            watch: Watch::new(services.journal, &limits, &services.clock),
            identity: services.identity,
            dev: Dev { test_clock: services.test_clock, faults: services.faults },
            hosts: HostRules::new(&config.allowed_hosts, &config.allowed_origins),
            ids: RequestIds::new(&*services.rng),
            health: Health::default(),
            stopping: AtomicBool::new(false),
            requests: BodyBudget::new(&limits),
            answers: AnswerBudget::new(&limits),
            in_flight: Arc::new(InFlightCount::default()),
            heads: Semaphore::new(limits.requests_max as usize),
            limits: limits.clone(),
        };
        Server {
            socket,
            clock: services.clock,
            service: Arc::new(service),
            connections,
            phase: watch::Sender::new(Phase::Running),
        }
    }

    /// For talking to the server while it runs.
    pub fn handle(&self) -> Handle {
        Handle { service: Arc::clone(&self.service) }
    }

    /// Serves until `stop` is done, then drains. Returns when no connection is left.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Drained {
        let clock = || Arc::clone(&self.clock);
        let Service { kinesis, cloudwatch, sns, .. } = &*self.service;
        let beside = [
            tokio::spawn(ticker::run(kinesis.clone(), clock())),
            tokio::spawn(ticker::run(cloudwatch.clone(), clock())),
            tokio::spawn(webhook::run(sns.clone(), clock())),
        ];
        info!(address = %self.socket.address, "listening");
        tokio::select! {
            biased;
            () = stop => {}
            never = self.accept_all() => match never {},
        }

        self.service.health.set_ready(false);
        self.service.stopping.store(true, Relaxed);
        self.service.kinesis.end_subscriptions();
        self.accept_waiting().await;
        let Server { socket, service, connections, phase, .. } = self;
        drop(socket);
        let Service { in_flight, requests, limits, .. } = &*service;
        let drained = drain::drain(&phase, &connections, in_flight, requests, limits).await;
        beside.iter().for_each(JoinHandle::abort);
        info!(unanswered = drained.unanswered, cut = drained.connections_cut, "drained");
        drained
    }

    /// Takes in those who have connected already, and nobody else: no more than can have waited.
    async fn accept_waiting(&self) {
        for _ in 0..BACKLOG {
            let Ok(permit) = Arc::clone(&self.connections).try_acquire_owned() else { return };
            let accepted = tokio::select! {
                biased;
                accepted = self.socket.listener.accept() => accepted,
                () = std::future::ready(()) => return,
            };
            match accepted {
                Ok((stream, peer)) => self.start(stream, peer, permit),
                Err(_) => return,
            }
        }
    }

    fn start(&self, stream: TcpStream, peer: SocketAddr, permit: OwnedSemaphorePermit) {
        let service = Arc::clone(&self.service);
        let phase = self.phase.subscribe();
        tokio::spawn(async move {
            let _open = service.watch.connected();
            serve(stream, peer, Arc::clone(&service), phase).await;
            drop(permit);
        });
    }

    async fn accept_all(&self) -> Infallible {
        // An accept that fails for want of descriptors would fail again at once.
        const AFTER_FAILURE: Duration = Duration::from_millis(50);
        let mut failing = false;
        loop {
            // Nothing closes the semaphore.
            let Ok(permit) = Arc::clone(&self.connections).acquire_owned().await else { continue };
            match self.socket.listener.accept().await {
                Ok((stream, peer)) => {
                    failing = false;
                    self.start(stream, peer, permit);
                }
                Err(error) if is_the_clients(&error) => debug!(%error, "accept"),
                Err(error) => {
                    if !failing {
                        warn!(%error, "no connection can be accepted; clients wait");
                    }
                    failing = true;
                    sleep(AFTER_FAILURE).await;
                }
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

/// One connection, from accept to close.
async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    service: Arc<Service>,
    mut phase: watch::Receiver<Phase>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%peer, %error, "nodelay");
    }
    let activity = Arc::new(Activity::new(service.answers.clone()));
    let mut stream = TimedStream::new(stream, Arc::clone(&activity), &service.limits);
    let spoken = tokio::select! {
        biased;
        spoken = stream.spoken() => spoken,
        () = silent_after_stop(&mut phase) => return,
    };
    let ended = match spoken {
        Ok(Spoken::Http1) => {
            let answer = service_fn(|request| {
                let (service, activity) = (&service, &activity);
                async move { Ok::<_, Infallible>(service.answer(peer, activity, request).await) }
            });
            // What is no HTTP/1.1, hyper answers itself (400, 414, 431), without our headers: it asks nobody.
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(None) // the stream has its own, which does not count idle time
                .max_buf_size(HEAD_BYTES_MAX)
                .serve_connection(TokioIo::new(stream), answer);
            run(connection, &activity, phase).await
        }
        Ok(Spoken::Http2) => {
            let their_activity = Arc::clone(&activity);
            let streams_max = service.limits.streams_max;
            let answer = service_fn(move |request| {
                let (service, activity) = (Arc::clone(&service), Arc::clone(&their_activity));
                async move { Ok::<_, Infallible>(service.answer(peer, &activity, request).await) }
            });
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(streams_max)
                .max_header_list_size(HTTP2_HEAD_BYTES_MAX)
                .max_frame_size(FRAME_BYTES_MAX)
                .initial_stream_window_size(STREAM_WINDOW_BYTES)
                .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
                .keep_alive_interval(PING_INTERVAL)
                .keep_alive_timeout(PING_TIME_MAX)
                .serve_connection(TokioIo::new(stream), answer);
            run(connection, &activity, phase).await
        }
        Err(error) => {
            debug!(%peer, %error, "no request");
            return;
        }
    };
    if let Err(error) = ended {
        debug!(%peer, %error, "connection");
    }
}

/// Drives a connection to its end: until it ends itself, has idled for too long, or the server stops.
async fn run<C: GracefulConnection>(
    connection: C,
    activity: &Activity,
    mut phase: watch::Receiver<Phase>,
) -> Result<(), C::Error> {
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = activity.idled() => {}
        // What has reached the socket is read and answered, with a word of farewell, before an idle connection goes.
        () = silent_after_stop(&mut phase) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        _ = phase.wait_for(|phase| *phase == Phase::Ended) => Ok(()),
    }
}

async fn silent_after_stop(phase: &mut watch::Receiver<Phase>) {
    let _ = phase.wait_for(|phase| *phase != Phase::Running).await; // its sender gone is an end too
    sleep(DRAIN_IDLE).await;
}
