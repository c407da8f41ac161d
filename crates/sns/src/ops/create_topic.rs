//! CreateTopic: makes a topic, or finds the one of its name.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html>
//! Not as AWS: FIFO topics are refused.

use std::{borrow::Cow, collections::BTreeMap};

use nautilus_wire::{Members, Output, Writer, rules::StringRule};

use crate::{
    catalog::Edit,
    error::Error,
    limits,
    model::{arn, topic::Topic},
    rules,
    sns::{Ctx, Request, Resource},
    tags,
};

pub(crate) struct Input<'a> {
    name: Cow<'a, str>,
    attributes: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    tags: tags::Given<'a>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            name: members.required_string("Name", &StringRule::ANY),
            attributes: members.string_map("Attributes", &rules::ATTRIBUTES).unwrap_or_default(),
            tags: tags::read(members),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<Resource, Error> {
        let Some(caller) = request.caller else { return Ok(request.own("*")) };
        let (partition, region, account) = (caller.partition(), &caller.region, &caller.account);
        Ok(request.own(&format!("arn:{partition}:sns:{region}:{account}:{}", self.name)))
    }
}

pub(crate) struct Created {
    topic_arn: String,
}

impl Output for Created {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| w.field_str("TopicArn", &self.topic_arn));
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Created, Error> {
    let caller = ctx.signed()?;
    let asked_for_fifo = input.attributes.get("FifoTopic").is_some_and(|value| value == "true");
    if asked_for_fifo || input.name.ends_with(".fifo") {
        return Err(Error::invalid(
            "Topic Name Reason: FIFO topics are not to be had here, use a standard topic",
        ));
    }
    if !arn::is_topic_name(&input.name) {
        return Err(Error::invalid("Topic Name"));
    }
    let topic_arn = format!(
        "arn:{}:sns:{}:{}:{}",
        caller.partition(),
        caller.region,
        caller.account,
        input.name
    );
    let mut topic = Topic {
        arn: topic_arn.clone(),
        account: caller.account.clone(),
        region: caller.region.clone(),
        attributes: BTreeMap::new(),
        tags: tags::checked(input.tags)?,
        subscriptions_deleted: 0,
    };
    for (name, value) in &input.attributes {
        topic.set(name, value)?;
    }

    ctx.inner
        .change(move |snapshot| {
            let mut edit = Edit::new(snapshot);
            if let Some(known) = snapshot.topic(&topic.arn) {
                let differs = |given: &BTreeMap<_, _>, known: &BTreeMap<_, _>| {
                    given.iter().any(|(key, value)| known.get(key) != Some(value))
                };
                for (what, given, known) in [
                    ("Attributes", &topic.attributes, &known.attributes),
                    ("Tags", &topic.tags, &known.tags),
                ] {
                    if differs(given, known) {
                        return Err(Error::invalid(format!(
                            "{what} Reason: Topic already exists with different {}",
                            what.to_lowercase()
                        )));
                    }
                }
                return Ok(edit.finish(()));
            }
            let bytes = snapshot.attribute_bytes() + topic.attribute_bytes();
            if snapshot.topics().len() >= limits::TOPICS_MAX || bytes > limits::ATTRIBUTE_BYTES_MAX
            {
                return Err(Error::TopicLimit(limits::TOPICS_MAX));
            }
            edit.put_topic(topic);
            Ok(edit.finish(()))
        })
        .await?;
    Ok(Created { topic_arn })
}

#[cfg(test)]
mod tests {
    use crate::testing::{TOPIC, World};

    #[test]
    fn a_topic_is_made_once() {
        let world = World::new();
        let made = format!("<TopicArn>{TOPIC}</TopicArn>");
        world.check("CreateTopic", "Name=t", &made);
        world.check("CreateTopic", "Name=t", &made);
        let list = format!("<Topics><member><TopicArn>{TOPIC}</TopicArn></member></Topics>");
        world.check("ListTopics", "", &list);
    }

    #[test]
    fn what_differs_from_the_topic_that_is_there_is_told() {
        let world = World::new();
        let tags = "&Tags.member.1.Key=k1&Tags.member.1.Value=v1&Tags.member.2.Key=k2&Tags.member.2.Value=v2";
        let display = "&Attributes.entry.1.key=DisplayName&Attributes.entry.1.value=One";
        world.ok("CreateTopic", &format!("Name=t{tags}{display}"));
        world.ok("CreateTopic", "Name=t");
        world.ok("CreateTopic", &format!("Name=t{tags}"));
        world.ok("CreateTopic", &format!("Name=t{display}"));
        world.ok("CreateTopic", "Name=t&Tags.member.1.Key=k2&Tags.member.1.Value=v2");
        world.check(
            "CreateTopic",
            "Name=t&Tags.member.1.Key=k3&Tags.member.1.Value=v2",
            "400 InvalidParameter: Invalid parameter: Tags Reason: Topic already exists with \
             different tags",
        );
        world.check(
            "CreateTopic",
            "Name=t&Attributes.entry.1.key=DisplayName&Attributes.entry.1.value=Two",
            "400 InvalidParameter: Invalid parameter: Attributes Reason: Topic already exists with \
             different attributes",
        );
    }

    #[test]
    fn names_that_are_none_are_refused() {
        let world = World::new();
        for name in ["", "a b", "a.b", "a%3Ab", &"x".repeat(257)] {
            let told = "400 InvalidParameter: Invalid parameter: Topic Name";
            world.check("CreateTopic", &format!("Name={name}"), told);
        }
        world.ok("CreateTopic", &format!("Name={}", "x".repeat(256)));
        let fifo = "400 InvalidParameter: Invalid parameter: Topic Name Reason: FIFO topics are \
                    not to be had here, use a standard topic";
        world.check("CreateTopic", "Name=t.fifo", fifo);
        let attribute = "Name=t&Attributes.entry.1.key=FifoTopic&Attributes.entry.1.value=";
        world.check("CreateTopic", &format!("{attribute}true"), fifo);
        world.ok("CreateTopic", &format!("{attribute}false"));
        world.check(
            "CreateTopic",
            "",
            "400 ValidationException: 1 validation error detected: Value null at 'name' failed to \
             satisfy constraint: Member must not be null",
        );
    }
}
