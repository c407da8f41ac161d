//! UntagResource: takes tags from a topic.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_UntagResource.html>

use std::borrow::Cow;

use nautilus_wire::{Empty, Members, rules::LengthRule};

use crate::{
    catalog::Edit,
    error::Error,
    model::topic::Topic,
    rules,
    sns::{Ctx, Request, Resource},
};

pub(crate) struct Input<'a> {
    resource_arn: Cow<'a, str>,
    keys: Vec<Cow<'a, str>>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            resource_arn: members.required_string("ResourceArn", &rules::RESOURCE_ARN),
            keys: members.required_strings("TagKeys", &LengthRule::ANY, &rules::TAG_KEY),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<Resource, Error> {
        request.topic(&self.resource_arn)
    }
}

/// Keys that the topic does not have are passed over.
pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Empty, Error> {
    let topic_arn = input.resource_arn.into_owned();
    let keys: Vec<String> = input.keys.into_iter().map(Cow::into_owned).collect();
    ctx.inner
        .change(move |snapshot| {
            let mut edit = Edit::new(snapshot);
            let known = snapshot.topic(&topic_arn).ok_or(Error::ResourceNotFound)?;
            let mut changed = Topic::clone(known);
            for key in &keys {
                changed.tags.remove(key);
            }
            if changed != **known {
                edit.put_topic(changed);
            }
            Ok(edit.finish(()))
        })
        .await?;
    Ok(Empty)
}

#[cfg(test)]
mod tests {
    use crate::testing::{TOPIC, World};

    #[test]
    fn the_tags_of_these_keys_go() {
        let world = World::new();
        world.ok(
            "CreateTopic",
            "Name=t&Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.2.Key=b&Tags.member.2.Value=2",
        );
        let input = format!("ResourceArn={TOPIC}&TagKeys.member.1=a&TagKeys.member.2=x");
        world.ok("UntagResource", &input);
        world.check(
            "ListTagsForResource",
            &format!("ResourceArn={TOPIC}"),
            "<Tags><member><Key>b</Key><Value>2</Value></member></Tags>",
        );
    }
}
