//! TagResource: adds tags to a topic.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_TagResource.html>

use std::borrow::Cow;

use nautilus_wire::{Empty, Members, rules::LengthRule};

use crate::{
    catalog::Edit,
    error::Error,
    limits,
    model::topic::Topic,
    rules,
    sns::{Ctx, Request, Resource},
    tags,
};

pub(crate) struct Input<'a> {
    resource_arn: Cow<'a, str>,
    tags: tags::Given<'a>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            resource_arn: members.required_string("ResourceArn", &rules::RESOURCE_ARN),
            tags: members.required_list("Tags", &LengthRule::ANY, tags::read_one),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<Resource, Error> {
        request.topic(&self.resource_arn)
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Empty, Error> {
    let (topic_arn, tags) = (input.resource_arn.into_owned(), tags::checked(input.tags)?);
    ctx.inner
        .change(move |snapshot| {
            let mut edit = Edit::new(snapshot);
            let known = snapshot.topic(&topic_arn).ok_or(Error::ResourceNotFound)?;
            let mut changed = Topic::clone(known);
            changed.tags.extend(tags);
            if changed.tags.len() > limits::TAGS_MAX {
                return Err(Error::TagLimit);
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

    fn tags(pairs: &[(&str, &str)]) -> String {
        let pairs = (1..).zip(pairs).map(|(n, (key, value))| {
            format!("&Tags.member.{n}.Key={key}&Tags.member.{n}.Value={value}")
        });
        format!("ResourceArn={TOPIC}{}", pairs.collect::<String>())
    }

    #[test]
    fn tags_are_added_and_changed() {
        let mut world = World::with_topic();
        world.ok("TagResource", &tags(&[("k2", "v2"), ("k1", "v1")]));
        world.ok("TagResource", &tags(&[("k2", "v2b")]));
        world.kill();
        world.check(
            "ListTagsForResource",
            &format!("ResourceArn={TOPIC}"),
            "<Tags><member><Key>k1</Key><Value>v1</Value></member>\
             <member><Key>k2</Key><Value>v2b</Value></member></Tags>",
        );
    }

    #[test]
    fn what_is_wrong_changes_nothing() {
        let world = World::with_topic();
        let told = "400 InvalidParameter: Invalid parameter: Duplicated keys are not allowed.";
        world.check("TagResource", &tags(&[("k", "1"), ("k", "2")]), told);
        let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|key| (key.as_str(), "v")).collect();
        let told =
            "400 TagLimitExceeded: Could not complete request: tag quota of per resource exceeded";
        world.check("TagResource", &tags(&many), told);
        world.ok("TagResource", &tags(&many[..50]));
        world.check("TagResource", &tags(&many[50..]), told);
        let other = tags(&[("k", "v")]).replace(":t&", ":other&");
        world.check("TagResource", &other, "404 ResourceNotFound: Resource does not exist");
    }
}
