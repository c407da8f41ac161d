//! Access policies of topics: kept and shown, not enforced here.

use serde_json::Value;

use crate::{error::Error, model::topic::Topic};

/// The policy of a topic that was given none: its owner may do everything. AWS's to the letter.
pub(crate) fn default_of(topic: &Topic) -> String {
    let Topic { arn, account, .. } = topic;
    format!(
        r#"{{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{{"AWS":"*"}},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"{arn}","Condition":{{"StringEquals":{{"AWS:SourceOwner":"{account}"}}}}}}]}}"#
    )
}

/// Whether a text may be a topic's policy.
pub(crate) fn check(text: &str) -> Result<(), Error> {
    let wrong = |reason: &str| Error::invalid(format!("Policy Error: {reason}"));
    let policy: Value = serde_json::from_str(text).map_err(|_| wrong("it is no JSON"))?;
    match policy.get("Statement") {
        Some(Value::Object(_)) => Ok(()),
        Some(Value::Array(statements))
            if !statements.is_empty() && statements.iter().all(Value::is_object) =>
        {
            Ok(())
        }
        _ => Err(wrong("it has no Statement")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::topic::tests::topic;

    #[test]
    fn the_default_policy_may_be_given_back() {
        let policy = default_of(&topic());
        check(&policy).expect("a policy");
        let policy: Value = serde_json::from_str(&policy).expect("JSON");
        assert_eq!(policy["Statement"][0]["Resource"], topic().arn);
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for text in ["", "[]", "{}", r#"{"Statement":[]}"#, r#"{"Statement":["x"]}"#, "{"] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
