//! ListTagsForResource: the tags of a topic, by key.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_ListTagsForResource.html>

use std::{borrow::Cow, collections::BTreeMap};

use nautilus_wire::{Members, Output, Writer};

use crate::{
    error::Error,
    rules,
    sns::{Ctx, Request, Resource},
};

pub(crate) struct Input<'a> {
    resource_arn: Cow<'a, str>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input { resource_arn: members.required_string("ResourceArn", &rules::RESOURCE_ARN) }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<Resource, Error> {
        request.topic(&self.resource_arn)
    }
}

pub(crate) struct Tags(BTreeMap<String, String>);

impl Output for Tags {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_list("Tags", &self.0, |w, (key, value)| {
                w.map(|w| {
                    w.field_str("Key", key);
                    w.field_str("Value", value);
                });
            });
        });
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Tags, Error> {
    let snapshot = ctx.inner.catalog.snapshot();
    let topic = snapshot.topic(&input.resource_arn).ok_or(Error::ResourceNotFound)?;
    Ok(Tags(topic.tags.clone()))
}

#[cfg(test)]
mod tests {
    use crate::testing::{TOPIC, World};

    #[test]
    fn a_topic_without_tags_has_an_empty_list() {
        let world = World::with_topic();
        world.check("ListTagsForResource", &format!("ResourceArn={TOPIC}"), "<Tags/>");
        let told = "404 ResourceNotFound: Resource does not exist";
        world.check("ListTagsForResource", &format!("ResourceArn={TOPIC}x"), told);
    }
}
