//! ListTagsForResource: the tags of an alarm. One that is not there has none.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListTagsForResource.html>

use std::collections::BTreeMap;

use nautilus_wire::{Members, Output as WireOutput, Writer};

use crate::{
    alarm::tags,
    cloudwatch::{Ctx, Request},
    error::Error,
    rules,
};

#[derive(Debug)]
pub(crate) struct Input {
    arn: String,
}

impl Input {
    pub(crate) fn read(members: &mut Members<'_>) -> Input {
        Input { arn: members.required_string("ResourceARN", &rules::RESOURCE_ARN).into_owned() }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        tags::check_arn(&self.arn)?;
        Ok(self.arn.clone())
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    tags: BTreeMap<String, String>,
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_list("Tags", &self.tags, |w, (key, value)| {
                w.map(|w| {
                    w.field_str("Key", key);
                    w.field_str("Value", value);
                });
            });
        });
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input) -> Result<Output, Error> {
    let id = tags::alarm_of(&input.arn)?;
    let snapshot = ctx.inner.catalog.load();
    let tags = snapshot.alarm(&id).map(|alarm| alarm.about().tags.clone());
    Ok(Output { tags: tags.unwrap_or_default() })
}
