//! Outgoing HTTP: brings SNS's messages to their endpoints.
//!
//! Born with the server, aborted after its drain: an attempt that is cut off is made again by the next start. What is
//! due, how often it is tried and what an answer means is [`Sns`]'s; this file resolves, connects and posts.
//!
//! Always: a connection goes to an address that was judged, never to a name · no redirect is followed and no proxy is
//! asked · an attempt has an end, whatever the endpoint does, and of its answer a few KiB are read.
//!
//! TLS is rustls with aws-lc-rs. The machine's certificates are trusted, so that those of a company count; where a machine
//! has none, as an empty container, Mozilla's are.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, StatusCode,
    body::Incoming,
    client::conn::http1,
    header::{CONNECTION, HOST, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use nautilus_log::Clock;
use nautilus_sns::{Attempt, Outcome, Reach, Request, Sns, Target};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    sync::OnceCell,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;
use tracing::warn;

use crate::reply::Reply;

/// From the name to the status of the answer; AWS's 15 s.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(15);
/// To connect to one address.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// To read what follows the status of an answer. Nobody needs it; the endpoint may like to have said it.
const BODY_TIME_MAX: Duration = Duration::from_secs(1);
/// Bytes of an answer's body that are read.
const BODY_BYTES_MAX: usize = 4 << 10;
/// Bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

/// However much is due, a look that could not do it does not keep a processor busy.
const BUSY_MIN: Duration = Duration::from_millis(5);
/// The clock may be moved, so what waits is looked at at least so often.
const WAITING_MAX: Duration = Duration::from_secs(1);
const IDLE_MAX: Duration = Duration::from_secs(30);
/// An outcome that could not be recorded is recorded again after so long, and doubling.
const RECORD_AGAIN_MIN: Duration = Duration::from_millis(500);
const RECORD_AGAIN_MAX: Duration = Duration::from_secs(60);

/// Sends for ever.
pub(crate) async fn run(sns: Sns, clock: Arc<dyn Clock>) {
    let client = Arc::new(Client::default());
    let mut attempts = JoinSet::new(); // ends them all when it is dropped
    loop {
        let due_changed = sns.due_changed().notified(); // rung from here on
        for attempt in sns.due(clock.now_ms()) {
            let (sns, client) = (sns.clone(), Arc::clone(&client));
            attempts.spawn(async move {
                let outcome = client.send(sns.reach(), &attempt).await;
                record(&sns, &attempt, outcome).await;
            });
        }
        while attempts.try_join_next().is_some() {}
        let wait = sns.next_due().map_or(IDLE_MAX, |due_ms| {
            let until = Duration::from_millis(due_ms.saturating_sub(clock.now_ms()));
            until.clamp(BUSY_MIN, WAITING_MAX)
        });
        tokio::select! {
            () = due_changed => {}
            () = sleep(wait) => {}
        }
    }
}

/// What the signatures of messages are verified with, for everyone.
pub(crate) fn certificate(sns: &Sns, method: &Method) -> Reply {
    if method != Method::GET && method != Method::HEAD {
        return Reply::read_only();
    }
    match sns.certificate() {
        Some(pem) => Reply::new(StatusCode::OK, Some("application/x-pem-file"), pem),
        None => Reply::text(StatusCode::NOT_FOUND, "nothing has been signed yet\n"),
    }
}

/// An outcome that is not recorded would be sent again, so this goes on until it is.
async fn record(sns: &Sns, attempt: &Attempt, outcome: Outcome) {
    let mut wait = RECORD_AGAIN_MIN;
    while let Err(error) = sns.report(attempt, outcome.clone()).await {
        let (endpoint, message_id) = (attempt.endpoint(), attempt.message_id());
        warn!(%error, endpoint, message_id, "what became of a delivery cannot be recorded yet");
        sleep(wait).await;
        wait = (wait * 2).min(RECORD_AGAIN_MAX);
    }
}

/// Why there is no status.
#[derive(Debug)]
enum Failure {
    /// The endpoint is at no address that may be reached.
    Forbidden(String),
    /// Connecting or talking failed.
    Broken(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Broken(error.to_string())
    }
}

impl From<hyper::Error> for Failure {
    fn from(error: hyper::Error) -> Failure {
        // What is wrong stands in the cause.
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        Failure::Broken(format!("{error}{}", cause.unwrap_or_default()))
    }
}

/// Posts messages.
struct Client {
    attempt_time_max: Duration,
    /// Made when it is first needed: it reads files.
    tls: OnceCell<TlsConnector>,
}

impl Default for Client {
    fn default() -> Client {
        Client { attempt_time_max: ATTEMPT_TIME_MAX, tls: OnceCell::new() }
    }
}

impl Client {
    /// Makes one attempt.
    async fn send(&self, reach: &Reach, attempt: &Attempt) -> Outcome {
        let target = match attempt.target() {
            Ok(target) => target,
            Err(refused) => return Outcome::Forbidden(refused.to_string()),
        };
        let time_max = self.attempt_time_max;
        match timeout(time_max, self.post(reach, target, attempt.request())).await {
            Ok(Ok(status)) => Outcome::Status(status),
            Ok(Err(Failure::Forbidden(why))) => Outcome::Forbidden(why),
            Ok(Err(Failure::Broken(why))) => Outcome::NoAnswer(why),
            Err(_) => Outcome::NoAnswer(format!("there was no answer within {time_max:?}")),
        }
    }

    async fn post(&self, reach: &Reach, target: &Target, request: Request) -> Result<u16, Failure> {
        let stream = connect(reach, target).await?;
        if !target.tls {
            return exchange(stream, target, request).await;
        }
        let name = match target.address {
            Some(address) => ServerName::IpAddress(address.into()),
            None => ServerName::try_from(target.host.clone())
                .map_err(|error| Failure::Broken(error.to_string()))?,
        };
        let stream = self.tls().await?.connect(name, stream).await?;
        exchange(stream, target, request).await
    }

    async fn tls(&self) -> Result<&TlsConnector, Failure> {
        let made = self.tls.get_or_try_init(|| async {
            let config = tokio::task::spawn_blocking(tls_config).await;
            config.map_err(|error| Failure::Broken(error.to_string()))?
        });
        made.await
    }
}

/// Reads the certificates that this machine trusts. Blocks.
fn tls_config() -> Result<TlsConnector, Failure> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        warn!(%error, "a certificate of this machine cannot be read");
    }
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    connector(roots)
}

fn connector(roots: RootCertStore) -> Result<TlsConnector, Failure> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Broken(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Connects to the first address that takes it, of those that may be reached.
async fn connect(reach: &Reach, target: &Target) -> Result<TcpStream, Failure> {
    let addresses = resolve(target).await?;
    let (mut failure, mut tried) = (Failure::Broken("the name has no address".to_owned()), 0);
    for address in addresses {
        if let Err(refused) = reach.judge(&target.host, address) {
            // What was broken tells more than what was not tried.
            if tried == 0 {
                failure = Failure::Forbidden(refused.to_string());
            }
            continue;
        }
        if tried == ADDRESSES_MAX {
            break;
        }
        tried += 1;
        match timeout(CONNECT_TIME_MAX, TcpStream::connect((address, target.port))).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(error)) => failure = Failure::Broken(format!("{address}: {error}")),
            Err(_) => failure = Failure::Broken(format!("{address} did not take the connection")),
        }
    }
    Err(failure)
}

async fn resolve(target: &Target) -> Result<Vec<IpAddr>, Failure> {
    if let Some(address) = target.address {
        return Ok(vec![address]);
    }
    let found = lookup_host((target.host.as_str(), target.port)).await?;
    Ok(found.map(|address| address.ip()).collect())
}

/// Posts over a connection of its own, and answers the status.
async fn exchange<S>(stream: S, target: &Target, request: Request) -> Result<u16, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let request = into_http(target, request)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await?;
    let mut driver = JoinSet::new(); // ends the connection when it is dropped
    driver.spawn(connection);
    let answer = sender.send_request(request).await?;
    let status = answer.status().as_u16();
    let _ = timeout(BODY_TIME_MAX, discard(answer.into_body())).await;
    Ok(status)
}

fn into_http(target: &Target, request: Request) -> Result<hyper::Request<Full<Bytes>>, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::Broken(error.to_string());
    let url = &target.url;
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or("")),
        None => url.host_str().unwrap_or("").to_owned(),
    };
    let mut post = hyper::Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, host)
        .header(CONNECTION, "close")
        .body(Full::new(request.body))
        .map_err(|error| wrong(&error))?;
    for (name, value) in request.headers {
        let value = HeaderValue::try_from(value).map_err(|error| wrong(&error))?;
        post.headers_mut().insert(HeaderName::from_static(name), value);
    }
    Ok(post)
}

/// Reads some of a body.
async fn discard(mut body: Incoming) {
    let mut bytes = 0;
    while bytes < BODY_BYTES_MAX {
        match body.frame().await {
            Some(Ok(frame)) => bytes += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => return,
        }
    }
}

#[cfg(test)]
mod tests;
