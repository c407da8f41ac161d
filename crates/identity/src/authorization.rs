//! The one question about permissions, asked by the dispatcher before an operation acts.

use nautilus_wire::AwsError;

use crate::{
    Caller,
    policy::{Asked, Policy, Verdict},
};

/// Proof that the caller may do what was asked. Not to be made elsewhere, not to be kept.
#[derive(Debug)]
#[must_use = "an operation acts only with the proof that it may"]
pub struct Authorized(());

/// What is asked for, whether or not it is there.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// An ARN, or `*`.
    pub arn: &'a str,
    /// The account that owns it, or would.
    pub account: &'a str,
    /// Its policy, if it is there and has one that may speak to this request.
    pub policy: Option<&'a Policy>,
}

/// Whether `caller` may do `action` (`kinesis:PutRecord`) on `resource`.
///
/// With `--dev`, the only mode so far, every identity may do everything, as far as that is its own account's to say. What
/// is another account's needs that resource's policy too, and an explicit Deny there holds for everyone. Else the answer
/// is an AccessDeniedException; it is the same whether or not the other account has such a resource.
/// AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>
pub fn authorize(
    caller: &Caller,
    action: &str,
    resource: &Resource<'_>,
) -> Result<Authorized, AwsError> {
    let is_own = resource.account == caller.account;
    // One's own account needs no Allow.
    let policy = resource.policy.filter(|policy| !is_own || policy.denies());
    let verdict = policy
        .map_or(Verdict::Silent, |policy| policy.verdict(&Asked::new(caller, action, resource)));
    let why = match verdict {
        Verdict::Allowed => return Ok(Authorized(())),
        Verdict::Silent if is_own => return Ok(Authorized(())),
        Verdict::Silent => {
            format!("because no resource-based policy allows the {action} action")
        }
        Verdict::Denied => "with an explicit deny in a resource-based policy".to_owned(),
    };
    Err(AwsError::access_denied(format!(
        "User: {} is not authorized to perform: {action} on resource: {} {why}",
        caller.arn(),
        resource.arn
    )))
}

/// The operator of this process may do everything: the data is theirs.
pub fn authorize_operator() -> Authorized {
    Authorized(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Identity, policy::tests::STREAM};

    fn check(account: &str, effects: &[&str], expected: &str) {
        let statement = |effect: &&str| json!({"Effect": effect, "Principal": "*", "Action": "kinesis:*", "Resource": STREAM});
        let statements: Vec<_> = effects.iter().map(statement).collect();
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let policy = Policy::parse(&text).ok();
        let resource = Resource { arn: STREAM, account: "222222222222", policy: policy.as_ref() };
        let caller = Identity::dev().operator(account, "us-east-1");
        let answer = match authorize(&caller, "kinesis:PutRecord", &resource) {
            Ok(_) => String::new(),
            Err(error) => format!("{} {}", error.status, error),
        };
        assert_eq!(answer, expected, "{account} {effects:?}");
    }

    fn denied(account: &str, why: &str) -> String {
        format!(
            "400 AccessDeniedException: User: arn:aws:iam::{account}:user/nautilus is not \
             authorized to perform: kinesis:PutRecord on resource: {STREAM} {why}"
        )
    }

    #[test]
    fn ones_own_needs_no_policy_and_anothers_does() {
        let no_allow = "because no resource-based policy allows the kinesis:PutRecord action";
        let deny = "with an explicit deny in a resource-based policy";
        for (effects, own, other) in [
            (&[][..], "", no_allow),
            (&["Allow"], "", ""),
            (&["Deny"], deny, deny),
            (&["Allow", "Deny"], deny, deny),
        ] {
            for (account, why) in [("222222222222", own), ("111111111111", other)] {
                let expected = if why.is_empty() { String::new() } else { denied(account, why) };
                check(account, effects, &expected);
            }
        }
    }
}
