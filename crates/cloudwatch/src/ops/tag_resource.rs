//! TagResource: gives an alarm tags, or known ones other values.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_TagResource.html>

use nautilus_wire::{Empty, Members, rules::LengthRule};

use crate::{
    alarm::{given, tags},
    cloudwatch::{Ctx, Request},
    error::Error,
    limits, rules,
};

#[derive(Debug)]
pub(crate) struct Input {
    arn: String,
    tags: Vec<(String, String)>,
}

impl Input {
    pub(crate) fn read(members: &mut Members<'_>) -> Input {
        Input {
            arn: members.required_string("ResourceARN", &rules::RESOURCE_ARN).into_owned(),
            tags: members.required_list("Tags", &LengthRule::ANY, given::read_tag),
        }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        tags::check_arn(&self.arn)?;
        Ok(self.arn.clone())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input) -> Result<Empty, Error> {
    let tags = given::owned_tags(&input.tags)?;

    tags::change(ctx.inner, input.arn, move |alarm| {
        let all = &mut alarm.about_mut().tags;
        all.extend(tags);
        match all.len() > limits::TAGS_MAX {
            true => Err(given::too_many_tags()),
            false => Ok(()),
        }
    })
    .await?;
    Ok(Empty)
}
