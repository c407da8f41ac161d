//! Endpoints on this machine: what they get, and what of their doings is borne.

use std::net::{Ipv4Addr, SocketAddr};

use nautilus_identity::Identity;
use nautilus_log::{ManualClock, SeededRng, Threads, testing::MemoryDisk};
use nautilus_sns::Options;
use nautilus_store::Store;
use nautilus_wire::{Protocol, query::Form};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

use super::*;

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:t";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

struct World {
    clock: Arc<ManualClock>,
    sns: Sns,
}

impl World {
    /// A room with the topic `t`, whose endpoints may be on this machine or not.
    async fn new(loopback: bool) -> World {
        let disk = Arc::new(MemoryDisk::default());
        let store = Store::open(&*disk, Threads::Own, Box::new(|error| panic!("{error}")));
        let clock = Arc::new(ManualClock::new(1_795_489_200_000));
        let options = Options {
            disk,
            reach: Reach::new(&[], loopback).expect("no list"),
            public_url: "http://127.0.0.1:4566".to_owned(),
        };
        let (store, rng) = (store.expect("a catalog"), Arc::new(SeededRng::new(7)));
        let sns = Sns::open(store, clock.clone(), rng, options).expect("a room");
        let world = World { clock, sns };
        world.call("CreateTopic", "Name=t").await;
        world
    }

    async fn call(&self, operation: &str, form: &str) -> String {
        let caller = Identity::dev().operator("AKID", "us-east-1");
        let form = Form::parse(form.as_bytes()).expect("the test's form");
        let input = form.into_value().expect("the test's input");
        let answer = self.sns.call(Protocol::Query, &caller, operation, input).await;
        let answer = answer.expect("the test's call");
        String::from_utf8(answer.body.to_vec()).expect("UTF-8")
    }

    /// Subscribes an endpoint; the question to it.
    async fn question(&self, endpoint: &str) -> Attempt {
        let protocol = endpoint.split(':').next().expect("a scheme");
        let form = format!("TopicArn={TOPIC}&Protocol={protocol}&Endpoint={endpoint}");
        self.call("Subscribe", &form).await;
        self.sns.due(self.clock.now_ms()).pop().expect("a question")
    }

    /// Subscribes an endpoint, and confirms that.
    async fn confirmed(&self, endpoint: &str) {
        let question = self.question(endpoint).await;
        let body = String::from_utf8(question.request().body.to_vec()).expect("UTF-8");
        let (_, rest) = body.split_once(r#""Token":""#).expect("a token");
        let (token, _) = rest.split_once('"').expect("its end");
        self.call("ConfirmSubscription", &format!("TopicArn={TOPIC}&Token={token}")).await;
        self.sns.report(&question, Outcome::Status(200)).await.expect("a report");
    }
}

/// A port of this machine, and what is behind it: every connection gets `answer` when its request has come. The requests
/// are told.
async fn endpoint(answer: impl Into<Vec<u8>>) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let answer = answer.into();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (tell, answer) = (tell.clone(), answer.clone());
            tokio::spawn(async move {
                let _ = tell.send(read_request(&mut stream).await);
                let _ = stream.write_all(&answer).await;
                if answer.is_empty() {
                    std::future::pending::<()>().await; // it hangs
                }
            });
        }
    });
    (address, told)
}

/// A request with its body.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.expect("a length").parse().expect("a number") {
                return text;
            }
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return text,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// What one attempt at an endpoint that answers so comes to.
async fn attempt(answer: impl Into<Vec<u8>>) -> Outcome {
    let world = World::new(true).await;
    let (address, _told) = endpoint(answer).await;
    let question = world.question(&format!("http://{address}/")).await;
    Client::default().send(world.sns.reach(), &question).await
}

#[tokio::test]
async fn an_endpoint_gets_a_post() {
    let world = World::new(true).await;
    let (address, mut told) = endpoint(OK).await;
    world.confirmed(&format!("http://{address}/hook?x=1")).await;
    let running = tokio::spawn(run(world.sns.clone(), world.clock.clone()));
    world.call("Publish", &format!("TopicArn={TOPIC}&Message=hello&Subject=Greetings")).await;

    let request = told.recv().await.expect("a request");
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /hook?x=1 HTTP/1.1"));
    let headers: Vec<&str> = lines.collect();
    for expected in [
        &format!("host: {address}"),
        "connection: close",
        "x-amz-sns-message-type: Notification",
        &format!("x-amz-sns-topic-arn: {TOPIC}"),
        "content-type: text/plain; charset=UTF-8",
        "user-agent: Amazon Simple Notification Service Agent",
    ] {
        assert!(headers.contains(&expected), "{expected} in {headers:?}");
    }
    assert!(body.contains(r#""Subject":"Greetings","Message":"hello""#), "{body}");
    running.abort();
}

#[tokio::test]
async fn an_endpoint_that_hangs_keeps_nothing_from_the_others() {
    let world = World::new(true).await;
    let (hanging, mut hangs) = endpoint("").await;
    let (working, mut told) = endpoint(OK).await;
    world.confirmed(&format!("http://{hanging}/")).await;
    world.confirmed(&format!("http://{working}/")).await;
    let running = tokio::spawn(run(world.sns.clone(), world.clock.clone()));
    for n in 0..20 {
        world.call("Publish", &format!("TopicArn={TOPIC}&Message=m{n}")).await;
    }
    for _ in 0..20 {
        told.recv().await.expect("a request");
    }
    assert!(hangs.recv().await.is_some(), "it was asked, too");
    running.abort();
}

#[tokio::test]
async fn a_failed_delivery_is_made_again_with_the_same_id() {
    let world = World::new(true).await;
    let (address, mut told) = endpoint("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").await;
    world.confirmed(&format!("http://{address}/")).await;
    world.call("Publish", &format!("TopicArn={TOPIC}&Message=hello")).await;
    let (client, mut bodies) = (Client::default(), Vec::new());
    for _ in 0..4 {
        let due = world.sns.due(world.clock.now_ms());
        assert_eq!(due.len(), 1);
        let outcome = client.send(world.sns.reach(), &due[0]).await;
        assert_eq!(outcome, Outcome::Status(503));
        record(&world.sns, &due[0], outcome).await;
        let request = told.recv().await.expect("a request");
        bodies.push(request.split_once("\r\n\r\n").expect("a head").1.to_owned());
        world.clock.set_ms(world.clock.now_ms() + 20_000);
    }
    assert!(world.sns.due(u64::MAX).is_empty(), "it is given up");
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "the same each time");
}

#[tokio::test]
async fn a_hanging_endpoint_comes_to_no_answer() {
    let world = World::new(true).await;
    let (address, _told) = endpoint("").await;
    let question = world.question(&format!("http://{address}/")).await;
    let client = Client { attempt_time_max: Duration::from_millis(20), tls: OnceCell::new() };
    let outcome = client.send(world.sns.reach(), &question).await;
    assert_eq!(outcome, Outcome::NoAnswer("there was no answer within 20ms".to_owned()));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let location = elsewhere.local_addr().expect("an address");
    for status in [301, 302, 303, 307, 308] {
        let answer = format!(
            "HTTP/1.1 {status} There\r\nlocation: http://{location}/\r\ncontent-length: 0\r\n\r\n"
        );
        assert_eq!(attempt(answer).await, Outcome::Status(status));
    }
    let nobody = timeout(Duration::ZERO, elsewhere.accept()).await;
    assert!(nobody.is_err(), "nobody came");
}

#[tokio::test]
async fn of_an_answer_only_the_status_counts() {
    assert_eq!(attempt("HTTP/1.1 204 No Content\r\n\r\n").await, Outcome::Status(204));
    assert_eq!(attempt("HTTP/1.0 404 x\r\n\r\nwhatever").await, Outcome::Status(404));
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1 << 20));
    assert_eq!(attempt(endless).await, Outcome::Status(200));
    let unfinished = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx";
    assert_eq!(attempt(unfinished).await, Outcome::Status(200));
}

#[tokio::test]
async fn what_is_no_answer_is_none() {
    let endless_head = format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(1 << 20));
    for answer in ["garbage\r\n\r\n".to_owned(), "HTTP/1.1 ".to_owned(), endless_head] {
        let outcome = attempt(answer).await;
        assert!(matches!(outcome, Outcome::NoAnswer(_)), "{outcome:?}");
    }
    // Nobody listens there.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let world = World::new(true).await;
    let question = world.question(&format!("http://{address}/")).await;
    let outcome = Client::default().send(world.sns.reach(), &question).await;
    let Outcome::NoAnswer(why) = outcome else { panic!("{outcome:?}") };
    assert!(why.starts_with("127.0.0.1: "), "{why}");
}

#[tokio::test]
async fn a_name_is_judged_by_its_addresses_when_it_is_used() {
    let (address, mut told) = endpoint(OK).await;
    let world = World::new(true).await;
    let question = world.question(&format!("http://localhost:{}/", address.port())).await;
    // Subscribed while that was allowed; later the operator starts without.
    let strict = Reach::default();
    let outcome = Client::default().send(&strict, &question).await;
    let Outcome::Forbidden(why) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("is this machine itself"), "{why}");
    assert!(told.try_recv().is_err(), "nobody came");
    let outcome = Client::default().send(world.sns.reach(), &question).await;
    assert_eq!(outcome, Outcome::Status(200));
}

/// A port that speaks TLS with a certificate for `name`, and the one who trusts it.
async fn tls_endpoint(name: &str) -> (SocketAddr, TlsConnector) {
    let own = rcgen::generate_simple_self_signed(vec![name.to_owned()]).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(own.cert.der().clone()).expect("a root");
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .expect("a key");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut buffer = [0; 16 << 10];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(OK.as_bytes()).await;
        }
    });
    (address, connector(roots).expect("a connector"))
}

#[tokio::test]
async fn an_endpoint_with_tls_must_show_a_certificate_that_is_trusted_and_its_own() {
    let (address, trusting) = tls_endpoint("localhost").await;
    let world = World::new(true).await;
    let send = async |endpoint: &str, tls: Option<TlsConnector>| {
        let question = world.question(endpoint).await;
        let client = Client { attempt_time_max: ATTEMPT_TIME_MAX, tls: OnceCell::new_with(tls) };
        client.send(world.sns.reach(), &question).await
    };
    let port = address.port();
    let named = format!("https://localhost:{port}/");
    assert_eq!(send(&named, Some(trusting.clone())).await, Outcome::Status(200));

    let by_number = format!("https://127.0.0.1:{port}/");
    for (endpoint, tls) in
        [(by_number, Some(trusting)), (format!("https://localhost:{port}/other"), None)]
    {
        let outcome = send(&endpoint, tls).await;
        let Outcome::NoAnswer(why) = outcome else { panic!("{endpoint}: {outcome:?}") };
        assert!(why.contains("certificate"), "{why}");
    }
}

#[tokio::test]
async fn the_certificate_is_there_when_something_was_to_be_signed() {
    let world = World::new(true).await;
    assert_eq!(certificate(&world.sns, &Method::GET).status, StatusCode::NOT_FOUND);
    world.question("http://127.0.0.1:9/").await;
    let reply = certificate(&world.sns, &Method::GET);
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.body.starts_with(b"-----BEGIN CERTIFICATE-----"));
    assert_eq!(certificate(&world.sns, &Method::POST).status, StatusCode::METHOD_NOT_ALLOWED);
}
