//! UntagResource: takes tags from an alarm; keys that it has not are passed over.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_UntagResource.html>

use nautilus_wire::{Empty, Members, rules::LengthRule};

use crate::{
    alarm::tags,
    cloudwatch::{Ctx, Request},
    error::Error,
    rules,
};

#[derive(Debug)]
pub(crate) struct Input {
    arn: String,
    keys: Vec<String>,
}

impl Input {
    pub(crate) fn read(members: &mut Members<'_>) -> Input {
        let arn = members.required_string("ResourceARN", &rules::RESOURCE_ARN).into_owned();
        let keys = members.required_strings("TagKeys", &LengthRule::ANY, &rules::TAG_KEY);
        Input { arn, keys: keys.into_iter().map(|key| key.into_owned()).collect() }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        tags::check_arn(&self.arn)?;
        Ok(self.arn.clone())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input) -> Result<Empty, Error> {
    tags::change(ctx.inner, input.arn, move |alarm| {
        let tags = &mut alarm.about_mut().tags;
        for key in &input.keys {
            tags.remove(key);
        }
        Ok(())
    })
    .await?;
    Ok(Empty)
}
