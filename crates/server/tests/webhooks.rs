//! SNS from end to end: an endpoint is asked, says yes by the link it got, gets messages, and ends it by a link.

mod common;

use common::{Answer, TestServer};
use nautilus_server::Limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:t";

/// Calls SNS with a credential.
async fn call(server: &TestServer, form: &str) -> String {
    let body = format!("Version=2010-03-31&{form}");
    let request = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\nx-amz-date: 20261124T030000Z\r\n\
         content-type: application/x-www-form-urlencoded; charset=utf-8\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=AKID/20261124/us-east-1/sns/aws4_request, \
         SignedHeaders=host, Signature=00\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = answer(server, &request).await;
    assert_eq!(answer.status, 200, "{form}: {}", answer.body);
    answer.body
}

/// Follows a link to the server, as anybody does who has it.
async fn follow(server: &TestServer, url: &str) -> Answer {
    let path = url.strip_prefix(&format!("http://{}", server.address)).expect("a link to it");
    answer(server, &format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", server.address)).await
}

async fn answer(server: &TestServer, request: &str) -> Answer {
    let mut client = server.connect().await;
    client.send(request).await;
    client.answer().await
}

/// The body of the next request at an endpoint, which says that all is well.
async fn next(endpoint: &TcpListener) -> String {
    let (mut stream, _) = timeout(common::PATIENCE, endpoint.accept())
        .await
        .expect("somebody comes in time")
        .expect("a connection");
    let mut text = String::new();
    loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.expect("a request");
        text.push_str(std::str::from_utf8(&buffer[..count]).expect("UTF-8"));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() == length.expect("a length").parse::<usize>().expect("a number") {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.expect("the server reads");
            return body.to_owned();
        }
    }
}

/// A text member of a body.
fn member<'b>(body: &'b str, name: &str) -> &'b str {
    let (_, rest) = body.split_once(&format!(r#""{name}":""#)).expect(name);
    rest.split_once('"').expect("its end").0
}

#[tokio::test]
async fn an_endpoint_is_asked_and_gets_messages_until_it_wants_no_more() {
    let server = TestServer::start(Limits::default()).await;
    let endpoint = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", endpoint.local_addr().expect("an address"));
    call(&server, "Action=CreateTopic&Name=t").await;
    let subscribe = format!("Action=Subscribe&TopicArn={TOPIC}&Protocol=http&Endpoint={url}");
    assert!(call(&server, &subscribe).await.contains("pending confirmation"));

    let question = next(&endpoint).await;
    let confirmed = follow(&server, member(&question, "SubscribeURL")).await;
    assert_eq!(confirmed.status, 200);
    assert!(confirmed.body.contains("<ConfirmSubscriptionResult><SubscriptionArn>"));

    let published = call(&server, &format!("Action=Publish&TopicArn={TOPIC}&Message=hello")).await;
    let message = next(&endpoint).await;
    assert_eq!(member(&message, "Message"), "hello");
    assert!(published.contains(member(&message, "MessageId")));
    let certificate = follow(&server, member(&message, "SigningCertURL")).await;
    assert!(certificate.body.starts_with("-----BEGIN CERTIFICATE-----"));

    let ended = follow(&server, member(&message, "UnsubscribeURL")).await;
    assert_eq!(ended.status, 200);
    let farewell = next(&endpoint).await;
    assert_eq!(member(&farewell, "Type"), "UnsubscribeConfirmation");
    let listed = call(&server, "Action=ListSubscriptions").await;
    assert!(listed.contains("<Subscriptions/>"), "{listed}");
    let link = format!("http://{}/?Action=ListTopics&Version=2010-03-31", server.address);
    assert_eq!(follow(&server, &link).await.status, 403, "not every operation is a link");
    server.stop().await;
}
