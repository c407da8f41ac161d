//! `aws_kinesis_resource_policy`: the policy of a stream or a consumer. Text and ARN may come of a consumer that is
//! still to be made; the policy is then put when it is.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Call, Difference, Look, Resource, Schema, Step, parsed};
use crate::apply::{
    arguments::{Arguments, Text},
    fault::Fault,
    value::Value,
};

pub(super) const SCHEMA: Schema = Schema {
    name: "aws_kinesis_resource_policy",
    arguments: &["policy", "resource_arn"],
    nested: &[],
    repeated: &[],
    answered: &["id"],
    unread: &["region"],
    read: |arguments| Ok(Box::new(Policy::read(arguments)?)),
};

/// A policy is there when it is put: only what throttles is waited for.
const WAIT: Duration = Duration::from_mins(1);

/// One policy as the module wants it.
#[derive(Debug)]
struct Policy {
    resource_arn: Text,
    policy: Text,
}

impl Policy {
    fn read(arguments: &Arguments<'_, '_>) -> Result<Policy, Fault> {
        let resource_arn = arguments.later("resource_arn")?;
        if let Text::Known(arn) = &resource_arn {
            arguments.check_resource_arn("resource_arn", arn)?;
        }
        let policy = arguments.later("policy")?;
        if let Text::Known(policy) = &policy
            && let Err(error) = serde_json::from_str::<Json>(policy)
        {
            return Err(arguments.fault("policy", format!("the policy is not JSON: {error}")));
        }
        Ok(Policy { resource_arn, policy })
    }

    /// The call that puts it, once everything of it is known.
    fn put(&self) -> Vec<Step> {
        let (Text::Known(arn), Text::Known(policy)) = (&self.resource_arn, &self.policy) else {
            return Vec::new();
        };
        let input = json!({ "ResourceARN": arn, "Policy": policy });
        vec![Step::at_once(Call::kinesis("PutResourcePolicy", input))]
    }
}

impl Resource for Policy {
    fn identity(&self) -> String {
        match &self.resource_arn {
            Text::Known(arn) => arn.clone(),
            Text::After(resource) => format!("{resource}.arn"),
        }
    }

    fn is_known(&self) -> bool {
        matches!((&self.resource_arn, &self.policy), (Text::Known(_), Text::Known(_)))
    }

    /// A resource without a policy answers an empty one.
    fn look(&self, answers: &[Json]) -> Look {
        let Text::Known(arn) = &self.resource_arn else { return Look::Absent };
        let Some(answer) = answers.first() else {
            let input = json!({ "ResourceARN": arn });
            return Look::Ask(Call::kinesis("GetResourcePolicy", input));
        };
        match parsed(answer["Policy"].as_str().unwrap_or_default()) {
            Json::Object(members) if members.is_empty() => Look::Absent,
            _ => Look::Settled,
        }
    }

    fn patience(&self) -> Duration {
        WAIT
    }

    fn attributes(&self, _: Option<&Json>) -> Value {
        let arn = value(&self.resource_arn);
        Value::object([("id", arn.clone()), ("policy", value(&self.policy)), ("resource_arn", arn)])
    }

    fn described(&self) -> Vec<(&'static str, String)> {
        let arn = value(&self.resource_arn).to_string();
        vec![("resource_arn", arn), ("policy", shown(&self.policy))]
    }

    fn creation(&self) -> Vec<Step> {
        self.put()
    }

    /// Compared as JSON: Terraform's provider, too, takes a policy that is only written otherwise for the same.
    fn differences(&self, found: &Json) -> Vec<Difference> {
        let present = parsed(found["Policy"].as_str().unwrap_or_default());
        if matches!(&self.policy, Text::Known(policy) if parsed(policy) == present) {
            return Vec::new();
        }
        let line = format!("~ policy = {present} -> {}", shown(&self.policy));
        vec![Difference { line, steps: self.put(), is_drift: false }]
    }
}

fn value(text: &Text) -> Value {
    match text {
        Text::Known(text) => Value::string(text),
        Text::After(resource) => Value::Unknown(resource.clone()),
    }
}

/// A policy on one line.
fn shown(policy: &Text) -> String {
    match policy {
        Text::Known(policy) => parsed(policy).to_string(),
        Text::After(_) => value(policy).to_string(),
    }
}
