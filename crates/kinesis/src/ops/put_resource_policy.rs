//! PutResourcePolicy: gives a stream or a consumer a resource policy, in the place of the one it had.
//!
//! From then on it holds for everyone but the operator (`policy.rs`).
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutResourcePolicy.html>

use std::borrow::Cow;

use nautilus_wire::{Done, Members, rules::kinesis as rules};

use crate::{
    error::Error,
    kinesis::{Ctx, Request},
    policy::ResourcePolicy,
    resource::{Attached, ResourceRef},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub resource: ResourceRef<'a>,
    pub policy: Cow<'a, str>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            resource: ResourceRef::read(members),
            policy: members.required_string("Policy", &rules::POLICY),
        }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(self.resource.resource())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let (arn, policy) = (input.resource.resource(), input.policy.into_owned());
    let change = move |resource: Attached<'_>| {
        *resource.policy = Some(ResourcePolicy::parse(policy, &arn)?);
        Ok(())
    };
    input.resource.change(ctx, change).await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

    fn policy(resource: &str) -> String {
        let statement = json!({
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "kinesis:PutRecord",
            "Resource": resource,
        });
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    }

    fn put(arn: &str, policy: &str) -> String {
        json!({"ResourceARN": arn, "Policy": policy}).to_string()
    }

    fn kept(world: &World, arn: &str) -> String {
        let input = json!({"ResourceARN": arn}).to_string();
        let answer = world.ok("GetResourcePolicy", &input);
        answer["Policy"].as_str().expect("text").to_owned()
    }

    #[test]
    fn a_policy_is_kept_as_it_was_given_until_it_is_deleted() {
        let mut world = World::with_stream(1);
        let consumer = world.register("c");
        world.settle();
        for arn in [ARN, &consumer] {
            assert_eq!(kept(&world, arn), "{}");
            let policy = format!(" {}", policy(arn));
            world.check("PutResourcePolicy", &put(arn, &policy), "");
            world.kill();
            assert_eq!(kept(&world, arn), policy);
            let input = json!({"ResourceARN": arn}).to_string();
            world.check("DeleteResourcePolicy", &input, "");
            assert_eq!(kept(&world, arn), "{}");
            world.check("DeleteResourcePolicy", &input, "");
        }
    }

    #[test]
    fn a_bad_policy_changes_nothing() {
        let world = World::with_stream(1);
        world.check("PutResourcePolicy", &put(ARN, &policy(ARN)), "");
        for bad in [policy("*"), "{}".to_owned(), String::new()] {
            let error = world.error("PutResourcePolicy", &put(ARN, &bad));
            let opening = "InvalidArgumentException: The resource policy for arn:";
            assert!(error.starts_with(opening), "{error}");
        }
        assert_eq!(kept(&world, ARN), policy(ARN));
    }

    #[test]
    fn the_resource_must_be_there_and_active() {
        let world = World::with_stream(1);
        let consumer = world.register("c");
        let second = consumer.rsplit(':').next().expect("a second");
        world.check(
            "PutResourcePolicy",
            &put(&consumer, &policy(&consumer)),
            &format!(
                "ResourceInUseException: Consumer c with creation timestamp {second} under stream s \
                 and account 000000000000 is not in ACTIVE status."
            ),
        );
        assert_eq!(kept(&world, &consumer), "{}", "it may be looked at");
        let elsewhere = ARN.replace("stream/s", "stream/t");
        world.check(
            "PutResourcePolicy",
            &put(&elsewhere, &policy(&elsewhere)),
            &format!(
                "ResourceNotFoundException: Stream {elsewhere} under account 000000000000 not \
                 found."
            ),
        );
    }
}
