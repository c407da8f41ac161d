//! The one table of operations: names, dispatch and IAM actions come from it.
//!
//! An operation is a file of this name with `Input::read` (the service model's shape), `Input::resource` (what is
//! asked for), `act` and what it answers. Adding one is one file and one line here. The way of a call is the same
//! for all: read the input, authorise its resource, act, write the answer.

use nautilus_wire::{Answer, IntoAnswer, Members, Protocol, Value};

use crate::{error::Error, sns::Request};

macro_rules! operations {
    ($($file:ident: $name:ident,)*) => {
        $(mod $file;)*

        /// An operation of the service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Operation {
            $($name,)*
        }

        impl Operation {
            pub(crate) const ALL: &[Operation] = &[$(Operation::$name,)*];

            pub(crate) fn from_name(name: &str) -> Option<Operation> {
                match name {
                    $(stringify!($name) => Some(Operation::$name),)*
                    _ => None,
                }
            }

            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Operation::$name => stringify!($name),)*
                }
            }

            pub(crate) async fn call(
                self,
                request: Request<'_>,
                input: Value<'_>,
                protocol: Protocol,
            ) -> Result<Answer, Error> {
                let mut members = Members::new(input, protocol)?;
                match self {
                    $(Operation::$name => {
                        let input = $file::Input::read(&mut members);
                        members.finish()?;
                        let resource = input.resource(&request)?;
                        let action = concat!("sns:", stringify!($name));
                        let ctx = request.authorize(action, &resource)?;
                        let output = $file::act(&ctx, input).await?;
                        Ok(output.into_answer(protocol))
                    })*
                }
            }
        }
    };
}

operations! {
    confirm_subscription: ConfirmSubscription,
    create_topic: CreateTopic,
    delete_topic: DeleteTopic,
    get_subscription_attributes: GetSubscriptionAttributes,
    get_topic_attributes: GetTopicAttributes,
    list_subscriptions: ListSubscriptions,
    list_subscriptions_by_topic: ListSubscriptionsByTopic,
    list_tags_for_resource: ListTagsForResource,
    list_topics: ListTopics,
    publish: Publish,
    set_subscription_attributes: SetSubscriptionAttributes,
    set_topic_attributes: SetTopicAttributes,
    subscribe: Subscribe,
    tag_resource: TagResource,
    unsubscribe: Unsubscribe,
    untag_resource: UntagResource,
}

impl Operation {
    /// Whether it is answered to those without a credential: the token, or the unguessable ARN, is one.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Operation::ConfirmSubscription | Operation::Unsubscribe)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{TOPIC, World};

    const NAMES: [&str; 18] = [
        "AttributeName",
        "Attributes",
        "AttributeValue",
        "Endpoint",
        "Message",
        "MessageAttributes",
        "MessageStructure",
        "Name",
        "NextToken",
        "Protocol",
        "ResourceArn",
        "Subject",
        "SubscriptionArn",
        "TagKeys",
        "Tags",
        "TargetArn",
        "Token",
        "TopicArn",
    ];

    fn value() -> impl Strategy<Value = Value<'static>> {
        let text = prop_oneof![
            any::<String>(),
            Just(TOPIC.to_owned()),
            Just(format!("{TOPIC}:1")),
            Just("http".to_owned()),
            Just("http://example.com/".to_owned()),
            Just("FilterPolicy".to_owned()),
            Just("{}".to_owned()),
        ];
        let leaf = prop_oneof![
            text.prop_map(|text| Value::Str(Cow::Owned(text))),
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            let entries = prop::collection::vec(("[A-Za-z]{0,9}", inner.clone()), 0..4);
            let entries = entries
                .prop_map(|entries| entries.into_iter().map(|(k, v)| (Cow::Owned(k), v)).collect());
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::List),
                entries.prop_map(Value::Map),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever is asked: an answer or the client's error, and what was refused has changed nothing.
        #[test]
        fn no_input_does_harm(
            calls in prop::collection::vec(
                (
                    prop::sample::select(Operation::ALL),
                    prop::collection::vec((prop::sample::select(&NAMES[..]), value()), 0..6),
                    any::<bool>(),
                ),
                1..12,
            ),
        ) {
            let world = World::with_topic();
            let caller = World::caller("AKID", "us-east-1");
            for (operation, members, is_signed) in calls {
                let members = members.into_iter();
                let input =
                    Value::Map(members.map(|(name, value)| (Cow::Borrowed(name), value)).collect());
                let before = world.room().inner().catalog.snapshot();
                let (room, name) = (world.room(), operation.name());
                let answer = world.run(async {
                    match is_signed {
                        true => room.call(Protocol::Query, &caller, name, input).await,
                        false => room.call_unsigned(Protocol::Query, name, input).await,
                    }
                });
                if let Err(error) = answer {
                    prop_assert!((400..500).contains(&error.status), "{name}: {error}");
                    prop_assert_eq!(&*world.room().inner().catalog.snapshot(), &*before);
                }
            }
        }
    }

    #[test]
    fn only_links_are_answered_to_those_without_a_credential() {
        let world = World::with_topic();
        for &operation in Operation::ALL {
            let told = world.call_as(None, operation.name(), "");
            let is_refused =
                told.ends_with("MissingAuthenticationTokenException: Missing Authentication Token");
            assert_eq!(is_refused, !operation.is_open(), "{operation:?}: {told}");
        }
    }

    #[test]
    fn every_name_is_found_again() {
        for &operation in Operation::ALL {
            assert_eq!(Operation::from_name(operation.name()), Some(operation));
        }
        assert_eq!(Operation::from_name("PublishBatch"), None);
        assert_eq!(Operation::from_name("publish"), None);
    }
}
