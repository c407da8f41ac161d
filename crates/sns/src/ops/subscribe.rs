//! Subscribe: wants a topic's messages for an endpoint.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>
//! Not as AWS: messages reach endpoints of `http` and `https` alone; subscriptions of all other protocols are kept and
//! shown.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use nautilus_wire::{Members, Output, Writer, rules::StringRule};

use crate::{
    catalog::{Edit, Snapshot},
    error::Error,
    ids, limits,
    model::{
        message::{Kind, Message},
        subscription::{CONFIRMED, Protocol, SETTABLE, State, Subscription, refused_at_subscribe},
    },
    outbox,
    reach::Refused,
    rules,
    signature::SigningKey,
    sns::{Ctx, Inner, Request, Resource},
};

pub(crate) struct Input<'a> {
    topic_arn: Cow<'a, str>,
    protocol: Cow<'a, str>,
    endpoint: Option<Cow<'a, str>>,
    attributes: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    return_subscription_arn: bool,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            topic_arn: members.required_string("TopicArn", &StringRule::ANY),
            protocol: members.required_string("Protocol", &StringRule::ANY),
            endpoint: members.string("Endpoint", &StringRule::ANY),
            attributes: members.string_map("Attributes", &rules::ATTRIBUTES).unwrap_or_default(),
            return_subscription_arn: members.boolean("ReturnSubscriptionArn").unwrap_or_default(),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<Resource, Error> {
        request.topic(&self.topic_arn)
    }
}

pub(crate) struct Subscribed {
    subscription_arn: String,
}

impl Output for Subscribed {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| w.field_str("SubscriptionArn", &self.subscription_arn));
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Subscribed, Error> {
    let caller = ctx.signed()?;
    let protocol = Protocol::from_name(&input.protocol).ok_or_else(|| {
        let protocol = &input.protocol;
        Error::invalid(format!("Amazon SNS does not support this protocol string: {protocol}"))
    })?;
    let endpoint = input.endpoint.unwrap_or_default();
    check_endpoint(ctx.inner, protocol, &endpoint)?;

    let (now_ms, token) = (ctx.inner.now_ms(), ids::token(&*ctx.inner.rng));
    let message_id = ids::uuid(&*ctx.inner.rng);
    let mut wanted = Subscription {
        arn: format!("{}:{}", input.topic_arn, ids::uuid(&*ctx.inner.rng)),
        topic_arn: input.topic_arn.into_owned(),
        owner: caller.account.clone(),
        principal: caller.arn(),
        protocol,
        endpoint: endpoint.into_owned(),
        attributes: BTreeMap::new(),
        state: match protocol.wants_confirmation() {
            true => State::Pending { token, since_ms: now_ms },
            false => CONFIRMED,
        },
    };
    // The scope first: it says how the policy is to be read.
    let scope = input.attributes.get_key_value("FilterPolicyScope");
    for (name, value) in scope.into_iter().chain(&input.attributes) {
        wanted.set(name, value).map_err(|reason| match &*reason {
            "AttributeName" => Error::invalid("AttributeName"),
            reason => refused_at_subscribe(reason),
        })?;
    }

    let change = move |snapshot: &Snapshot| subscribed(snapshot, wanted, message_id, now_ms);
    let (subscription_arn, is_pending) = ctx.inner.change(change).await?;
    ctx.inner.due_changed.notify_one();
    let shown = match is_pending && !input.return_subscription_arn {
        true => "pending confirmation".to_owned(),
        false => subscription_arn,
    };
    Ok(Subscribed { subscription_arn: shown })
}

/// The change that subscribes; its answer is the subscription's ARN and whether it has to be confirmed.
fn subscribed(
    snapshot: &Snapshot,
    mut wanted: Subscription,
    message_id: String,
    now_ms: u64,
) -> Result<nautilus_store::Change<Snapshot, (String, bool)>, Error> {
    let mut edit = Edit::new(snapshot);
    let topic = Arc::clone(snapshot.topic(&wanted.topic_arn).ok_or(Error::TopicNotFound)?);
    let over = snapshot.subscriptions_of(&topic.arn).filter(|one| one.is_over(now_ms));
    for arn in over.map(|one| one.arn.clone()) {
        edit.remove_subscription(&arn);
    }

    let same = |one: &&Arc<Subscription>| {
        (one.protocol, &one.endpoint) == (wanted.protocol, &wanted.endpoint)
    };
    let known = edit.next().subscriptions_of(&topic.arn).find(same).cloned();
    if let Some(known) = known {
        let known = Subscription::clone(&known);
        let differs = SETTABLE.iter().any(|name| {
            let given = wanted.attribute(name);
            given.is_some() && given != known.attribute(name)
        });
        if differs {
            return Err(refused_at_subscribe(
                "Subscription already exists with different attributes",
            ));
        }
        if known.is_confirmed() {
            return Ok(edit.finish((known.arn, false)));
        }
        // Asked again, the endpoint is asked again, with a token that is good for two days from now.
        wanted.arn = known.arn;
        wanted.attributes.extend(known.attributes);
        edit.remove_deliveries_to(&wanted.arn);
    } else {
        let next = edit.next();
        let of_topic = next.subscriptions_of(&topic.arn).count();
        if of_topic >= limits::SUBSCRIPTIONS_PER_TOPIC_MAX {
            return Err(Error::SubscriptionLimit(limits::SUBSCRIPTIONS_PER_TOPIC_MAX));
        }
        let bytes = next.attribute_bytes() + wanted.attribute_bytes();
        if next.subscriptions().len() >= limits::SUBSCRIPTIONS_MAX
            || bytes > limits::ATTRIBUTE_BYTES_MAX
        {
            return Err(Error::SubscriptionLimit(limits::SUBSCRIPTIONS_MAX));
        }
    }

    if wanted.protocol.is_delivered() && snapshot.signing_key().is_none() {
        edit.put_signing_key(SigningKey::new()?);
    }
    if wanted.protocol.is_delivered()
        && let Some(token) = wanted.token().map(str::to_owned)
    {
        let text = format!(
            "You have chosen to subscribe to the topic {}.\nTo confirm the subscription, visit the \
             SubscribeURL included in this message.",
            topic.arn
        );
        let message = question(Kind::Confirmation { token }, message_id, &topic.arn, text, now_ms);
        outbox::check_room(edit.next().outbox(), &message, 1)?;
        edit.put_message(message, vec![outbox::to(&topic, &wanted, now_ms)]);
    }
    let answer = (wanted.arn.clone(), wanted.is_pending());
    edit.put_subscription(wanted);
    Ok(edit.finish(answer))
}

/// A message of the service's own.
pub(super) fn question(
    kind: Kind,
    id: String,
    topic_arn: &str,
    text: String,
    now_ms: u64,
) -> Message {
    Message {
        id,
        topic_arn: topic_arn.to_owned(),
        kind,
        subject: None,
        text,
        texts: BTreeMap::new(),
        attributes: BTreeMap::new(),
        published_ms: now_ms,
        origin: None,
    }
}

fn check_endpoint(inner: &Inner, protocol: Protocol, endpoint: &str) -> Result<(), Error> {
    let wrong = |reason: &str| Err(Error::invalid(reason));
    let is_arn_of = |service: &str| {
        let mut parts = endpoint.splitn(6, ':');
        let head = (parts.next(), parts.next().is_some(), parts.next());
        head == (Some("arn"), true, Some(service)) && parts.count() == 3
    };
    if endpoint.is_empty() {
        return wrong("Endpoint Reason: no value for required parameter");
    }
    if endpoint.chars().count() > limits::ENDPOINT_CHARS_MAX {
        return wrong("Endpoint Reason: it is too long");
    }
    match protocol {
        Protocol::Http | Protocol::Https => match inner.reach.target(protocol, endpoint) {
            Ok(_) => Ok(()),
            Err(Refused::Endpoint(reason)) if reason.starts_with("Endpoint") => wrong(reason),
            Err(refused) => wrong(&format!("Endpoint Reason: {refused}")),
        },
        Protocol::Email | Protocol::EmailJson if !endpoint.contains('@') => wrong("Email address"),
        Protocol::Sms if !is_phone_number(endpoint) => Err(Error::InvalidParameter(format!(
            "Endpoint Reason: Invalid SMS endpoint: {endpoint}"
        ))),
        Protocol::Sqs if !is_arn_of("sqs") => wrong("SQS endpoint ARN"),
        Protocol::Sqs if endpoint.ends_with(".fifo") => wrong(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard \
             SNS topics",
        ),
        Protocol::Lambda if !is_arn_of("lambda") => wrong("Lambda endpoint ARN"),
        Protocol::Application if !is_arn_of("sns") => wrong("ApplicationEndpoint ARN"),
        Protocol::Firehose if !is_arn_of("firehose") => wrong("Firehose endpoint ARN"),
        _ => Ok(()),
    }
}

/// By E.164.
fn is_phone_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (3..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use crate::{
        Outcome,
        limits::TOKEN_LIFE_MS,
        testing::{TOPIC, World},
    };

    fn subscribe(protocol: &str, endpoint: &str) -> String {
        format!("TopicArn={TOPIC}&Protocol={protocol}&Endpoint={endpoint}")
    }

    #[test]
    fn an_http_endpoint_is_asked_whether_it_wants_messages() {
        let world = World::with_topic();
        let input = subscribe("https", "https://example.com/hook");
        let pending = "<SubscriptionArn>pending confirmation</SubscriptionArn>";
        world.check("Subscribe", &input, pending);
        world.check(
            "ListSubscriptionsByTopic",
            &format!("TopicArn={TOPIC}"),
            &format!(
                "<Subscriptions><member><SubscriptionArn>PendingConfirmation</SubscriptionArn>\
                 <Owner>000000000000</Owner><Protocol>https</Protocol>\
                 <Endpoint>https://example.com/hook</Endpoint><TopicArn>{TOPIC}</TopicArn></member>\
                 </Subscriptions>"
            ),
        );
        world.publish("hello");
        let due = world.due();
        assert_eq!(due.len(), 1, "nothing else before it is confirmed");
        let request = due[0].request();
        let (_, kind) = &request.headers[0];
        assert_eq!(
            (due[0].endpoint(), &**kind),
            ("https://example.com/hook", "SubscriptionConfirmation")
        );
        let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
        let token = body["Token"].as_str().expect("text");
        assert_eq!(
            body["SubscribeURL"],
            format!(
                "http://127.0.0.1:4566/?Action=ConfirmSubscription&Version=2010-03-31&TopicArn={TOPIC}&Token={token}"
            )
        );
        let members: Vec<&String> = body.as_object().expect("an object").keys().collect();
        let expected = [
            "Message",
            "MessageId",
            "Signature",
            "SignatureVersion",
            "SigningCertURL",
            "SubscribeURL",
            "Timestamp",
            "Token",
            "TopicArn",
            "Type",
        ];
        assert_eq!(members, expected);
    }

    #[test]
    fn asking_again_asks_the_endpoint_again() {
        let world = World::with_topic();
        let first = world.subscribe("http", "http://example.com/");
        let due = world.due();
        world.report(&due[0], Outcome::Status(200));
        let second = world.subscribe("http", "http://example.com/");
        assert_eq!(first, second);
        let again = world.due();
        assert_eq!(again.len(), 1);
        assert_ne!(World::token(&due[0]), World::token(&again[0]));
        world.confirm(&again[0]);
        let third = world.subscribe("http", "http://example.com/");
        assert_eq!((third, world.due().len()), (first, 0), "it is confirmed");
    }

    #[test]
    fn attributes_may_come_along() {
        let world = World::with_topic();
        let filter = r#"{"a":{"b":["c"]}}"#;
        let input = format!(
            "{}&ReturnSubscriptionArn=true&Attributes.entry.1.key=FilterPolicy&\
             Attributes.entry.1.value={filter}&Attributes.entry.2.key=FilterPolicyScope&\
             Attributes.entry.2.value=MessageBody",
            subscribe("http", "http://example.com/")
        );
        let arn = World::text_in(&world.ok("Subscribe", &input), "SubscriptionArn");
        let shown =
            world.attributes("GetSubscriptionAttributes", &format!("SubscriptionArn={arn}"));
        assert_eq!(
            (&*shown["FilterPolicy"], &*shown["FilterPolicyScope"]),
            (filter, "MessageBody")
        );
        let raw = "&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true";
        world.check(
            "Subscribe",
            &format!("{}{raw}", subscribe("http", "http://example.com/")),
            "400 InvalidParameter: Invalid parameter: Attributes Reason: Subscription already \
             exists with different attributes",
        );
        world.check(
            "Subscribe",
            &format!(
                "{}{}",
                subscribe("http", "http://a.example/"),
                raw.replace("true", "wrongvalue")
            ),
            "400 InvalidParameter: Invalid parameter: Attributes Reason: RawMessageDelivery: \
             Invalid value [wrongvalue]. Must be true or false.",
        );
    }

    #[test]
    fn other_protocols_are_kept_and_shown() {
        let world = World::with_topic();
        for (protocol, endpoint, pending) in [
            ("sqs", "arn:aws:sqs:us-east-1:000000000000:q", "false"),
            ("lambda", "arn:aws:lambda:us-east-1:000000000000:function:f", "false"),
            ("firehose", "arn:aws:firehose:us-east-1:000000000000:deliverystream/d", "false"),
            ("application", "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/a/b", "false"),
            ("sms", "%2B4915112345678", "false"),
            ("email", "ops@example.com", "true"),
            ("email-json", "ops@example.com", "true"),
        ] {
            let arn = world.subscribe(protocol, endpoint);
            let input = format!("SubscriptionArn={arn}");
            let shown = world.attributes("GetSubscriptionAttributes", &input);
            assert_eq!((&*shown["Protocol"], &*shown["PendingConfirmation"]), (protocol, pending));
        }
        world.publish("hello");
        assert!(world.due().is_empty());
    }

    #[test]
    fn endpoints_that_are_none_are_refused() {
        let world = World::with_topic();
        for (protocol, endpoint, told) in [
            ("smtp", "x", "Amazon SNS does not support this protocol string: smtp"),
            ("http", "https://example.com/", "Endpoint must match the specified protocol"),
            ("http", "", "Endpoint Reason: no value for required parameter"),
            ("sqs", "queue", "SQS endpoint ARN"),
            ("email", "nobody", "Email address"),
            ("sms", "call-me", "Endpoint Reason: Invalid SMS endpoint: call-me"),
            (
                "http",
                "http://169.254.169.254/latest/",
                "Endpoint Reason: 169.254.169.254 is link-local, which is never reached",
            ),
            (
                "http",
                "http://10.0.0.1/",
                "Endpoint Reason: 10.0.0.1 is in a private network; start Nautilus with \
                 --allowed-webhook to allow its network or host",
            ),
        ] {
            let told = format!("400 InvalidParameter: Invalid parameter: {told}");
            world.check("Subscribe", &subscribe(protocol, endpoint), &told);
        }
        let other = subscribe("http", "http://example.com/").replace(":t&", ":other&");
        world.check("Subscribe", &other, "404 NotFound: Topic does not exist");
    }

    #[test]
    fn a_subscription_that_nobody_confirms_goes_by_itself() {
        let world = World::with_topic();
        let arn = world.subscribe("http", "http://example.com/a");
        world.advance(TOKEN_LIFE_MS + 1);
        world.check("ListSubscriptions", "", "<Subscriptions/>");
        let input = format!("SubscriptionArn={arn}");
        let told = "404 NotFound: Subscription does not exist";
        world.check("GetSubscriptionAttributes", &input, told);
        assert_ne!(world.subscribe("http", "http://example.com/a"), arn);
    }
}
