//! Delivery policies: how often, and how far apart, an HTTP endpoint is tried.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html>. Retries go through four phases:
//! at once, at the least delay, in the backoff, at the greatest delay. The curves of the backoff are not published: each
//! of ours goes from the least delay to the greatest. There is no jitter: a schedule is what its policy says.
//!
//! Throttle policies are checked, kept and shown; their rate is not held.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::Error;

/// AWS's limit on one delay and on all delays together, in seconds.
const SECONDS_MAX: u64 = 3_600;
/// AWS's limit on retries.
const RETRIES_MAX: u64 = 100;

const CONTENT_TYPES: [&str; 15] = [
    "application/atom+xml",
    "application/json",
    "application/octet-stream",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "application/xhtml+xml",
    "application/xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/plain",
    "text/xml",
    "application/ld+json",
    "application/cloudevents+json",
    "text/event-stream",
];
/// What is sent if nothing else was asked for.
pub(crate) const CONTENT_TYPE: &str = "text/plain; charset=UTF-8";

/// When a failed delivery is tried again. Delays in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RetryPolicy {
    pub min_delay_target: u32,
    pub max_delay_target: u32,
    pub num_retries: u32,
    pub num_max_delay_retries: u32,
    pub num_no_delay_retries: u32,
    pub num_min_delay_retries: u32,
    pub backoff_function: Backoff,
}

/// How delays grow in the backoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub(crate) enum Backoff {
    Arithmetic,
    Exponential,
    Geometric,
    Linear,
}

/// AWS's own policy: three retries, 20 s apart.
pub(crate) const DEFAULT: RetryPolicy = RetryPolicy {
    min_delay_target: 20,
    max_delay_target: 20,
    num_retries: 3,
    num_max_delay_retries: 0,
    num_no_delay_retries: 0,
    num_min_delay_retries: 0,
    backoff_function: Backoff::Linear,
};

/// What a client's policy says; what it leaves out is AWS's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    pub retry: Option<RetryPolicy>,
    pub receives_per_second_max: Option<u64>,
    pub content_type: Option<String>,
    /// Only in a topic's.
    pub disables_overrides: bool,
}

/// What holds for one subscription's deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effective {
    pub retry: RetryPolicy,
    /// The header `Content-Type`.
    #[serde(default = "content_type")]
    pub content_type: String,
}

fn content_type() -> String {
    CONTENT_TYPE.to_owned()
}

/// Reads the policy of a topic.
pub(crate) fn of_topic(text: &str) -> Result<Policy, Error> {
    let read = || {
        let policy = parse(text)?;
        let policy = members(&policy, "", &["http"])?;
        let Some(http) = policy.get("http").filter(|value| !value.is_null()) else {
            return Ok(Policy::default());
        };
        let known = [
            "defaultHealthyRetryPolicy",
            "defaultSicklyRetryPolicy",
            "defaultThrottlePolicy",
            "defaultRequestPolicy",
            "disableSubscriptionOverrides",
        ];
        read_policy(members(http, "http", &known)?, "http.default", |name| {
            let mut name = name.to_owned();
            if let Some(first) = name.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            format!("default{name}")
        })
    };
    read().map_err(|reason: String| Error::invalid(format!("DeliveryPolicy: {reason}")))
}

/// Reads the policy of a subscription; what is wrong is told without the head of the sentence.
pub(crate) fn of_subscription(text: &str) -> Result<Policy, String> {
    let known = [
        "healthyRetryPolicy",
        "sicklyRetryPolicy",
        "throttlePolicy",
        "requestPolicy",
        "guaranteed",
    ];
    let read = || {
        let policy = parse(text)?;
        read_policy(members(&policy, "", &known)?, "", str::to_owned)
    };
    read().map_err(|reason: String| format!("DeliveryPolicy: {reason}"))
}

/// What holds for a subscription, by its own policy and its topic's. Policies that were kept are right; one that is not
/// counts as none.
pub(crate) fn effective(topic: Option<&str>, subscription: Option<&str>) -> Effective {
    let topic = topic.and_then(|text| of_topic(text).ok()).unwrap_or_default();
    let own = subscription.filter(|_| !topic.disables_overrides);
    let own = own.and_then(|text| of_subscription(text).ok()).unwrap_or_default();
    Effective {
        retry: own.retry.or(topic.retry).unwrap_or(DEFAULT),
        content_type: own.content_type.or(topic.content_type).unwrap_or_else(content_type),
    }
}

/// EffectiveDeliveryPolicy of a topic, in AWS's order.
pub(crate) fn shown_of_topic(text: Option<&str>) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Http {
        default_healthy_retry_policy: RetryPolicy,
        disable_subscription_overrides: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        default_throttle_policy: Option<Value>,
        default_request_policy: Value,
    }
    let policy = text.and_then(|text| of_topic(text).ok()).unwrap_or_default();
    let content_type = policy.content_type.unwrap_or_else(content_type);
    let http = Http {
        default_healthy_retry_policy: policy.retry.unwrap_or(DEFAULT),
        disable_subscription_overrides: policy.disables_overrides,
        default_throttle_policy: policy.receives_per_second_max.map(throttle_policy),
        default_request_policy: json!({"headerContentType": content_type}),
    };
    // Serializing numbers and texts does not fail.
    let http = serde_json::to_string(&http).unwrap_or_default();
    format!(r#"{{"http":{http}}}"#)
}

/// EffectiveDeliveryPolicy of a subscription.
pub(crate) fn shown_of_subscription(topic: Option<&str>, subscription: Option<&str>) -> String {
    let Effective { retry, content_type } = effective(topic, subscription);
    let retry = serde_json::to_string(&retry).unwrap_or_default();
    let request = json!({"headerContentType": content_type});
    let own = subscription.and_then(|text| of_subscription(text).ok()).unwrap_or_default();
    let throttle = own.receives_per_second_max.map(throttle_policy).unwrap_or(Value::Null);
    format!(
        r#"{{"healthyRetryPolicy":{retry},"sicklyRetryPolicy":null,"throttlePolicy":{throttle},"requestPolicy":{request},"guaranteed":false}}"#
    )
}

fn throttle_policy(receives_per_second_max: u64) -> Value {
    json!({"maxReceivesPerSecond": receives_per_second_max})
}

impl RetryPolicy {
    /// How long after the `failed`th failure it is tried again, in ms; `None` if it is not.
    pub(crate) fn delay_ms(&self, failed: u32) -> Option<u64> {
        if failed == 0 || failed > self.num_retries {
            return None;
        }
        let retry = failed - 1; // from 0
        let (at_once, at_least) = (self.num_no_delay_retries, self.num_min_delay_retries);
        let backoff_begins = at_once.saturating_add(at_least);
        let backoff_ends = self.num_retries.saturating_sub(self.num_max_delay_retries);
        let delay_ms = if retry < at_once {
            0.0
        } else if retry < backoff_begins {
            f64::from(self.min_delay_target) * 1000.0
        } else if retry >= backoff_ends {
            f64::from(self.max_delay_target) * 1000.0
        } else {
            self.backoff_ms(retry - backoff_begins, backoff_ends - backoff_begins)
        };
        Some(delay_ms.round() as u64)
    }

    /// The delay of step `step` of `steps`.
    fn backoff_ms(&self, step: u32, steps: u32) -> f64 {
        let (min, max) = (f64::from(self.min_delay_target), f64::from(self.max_delay_target));
        if steps < 2 {
            return min * 1000.0;
        }
        let (step, last) = (f64::from(step), f64::from(steps - 1));
        let share = match self.backoff_function {
            Backoff::Linear => step / last,
            Backoff::Arithmetic => step * (step + 1.0) / (last * (last + 1.0)),
            Backoff::Geometric => return min * (max / min).powf(step / last) * 1000.0,
            Backoff::Exponential => (step.exp2() - 1.0) / (last.exp2() - 1.0),
        };
        (min + (max - min) * share) * 1000.0
    }

    /// All delays together, in ms.
    fn total_ms(&self) -> u64 {
        (1..=self.num_retries).filter_map(|failed| self.delay_ms(failed)).sum()
    }
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("failed to parse JSON. {error}"))
}

/// The members of an object, all of which must be known.
fn members<'v>(
    value: &'v Value,
    path: &str,
    known: &[&str],
) -> Result<&'v Map<String, Value>, String> {
    let members = value.as_object().ok_or_else(|| match path {
        "" => "it must be a JSON object".to_owned(),
        _ => format!("{path} must be a JSON object"),
    })?;
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("Unexpected JSON member: {name}")),
        None => Ok(members),
    }
}

/// Reads what both kinds of policy have; `named` says how a member is called in this one.
fn read_policy(
    policy: &Map<String, Value>,
    path: &str,
    named: impl Fn(&str) -> String,
) -> Result<Policy, String> {
    let part = |name: &str| {
        let name = named(name);
        let path = match path {
            "" => name.clone(),
            _ => format!("http.{name}"),
        };
        let value = policy.get(&name).filter(|value| !value.is_null());
        value.map(|value| (value, path))
    };
    let retry = part("healthyRetryPolicy").map(|(value, path)| retry_policy(value, &path));
    if let Some((sickly, path)) = part("sicklyRetryPolicy") {
        retry_policy(sickly, &path)?; // AWS has not used it for long
    }
    let throttle = match part("throttlePolicy") {
        Some((throttle, path)) => {
            let members = members(throttle, &path, &["maxReceivesPerSecond"])?;
            number(members, &path, "maxReceivesPerSecond", 1, u64::from(u32::MAX))?
        }
        None => None,
    };
    let content_type = match part("requestPolicy") {
        Some((request, path)) => {
            let members = members(request, &path, &["headerContentType"])?;
            content_type_of(members, &path)?
        }
        None => None,
    };
    let flag = |name: &str| match policy.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(format!("{name} must be true or false")),
    };
    flag("guaranteed")?;
    Ok(Policy {
        retry: retry.transpose()?,
        receives_per_second_max: throttle,
        content_type,
        disables_overrides: flag("disableSubscriptionOverrides")?,
    })
}

fn content_type_of(members: &Map<String, Value>, path: &str) -> Result<Option<String>, String> {
    let value = match members.get("headerContentType") {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value.as_str().unwrap_or(""),
    };
    let kind = value.split(';').next().unwrap_or("").trim();
    let rest_is_plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    match rest_is_plain && value.len() <= 100 && CONTENT_TYPES.contains(&kind) {
        true => Ok(Some(value.to_owned())),
        false => Err(format!("{path}.headerContentType is not supported")),
    }
}

fn retry_policy(value: &Value, path: &str) -> Result<RetryPolicy, String> {
    const KNOWN: [&str; 7] = [
        "minDelayTarget",
        "maxDelayTarget",
        "numRetries",
        "numMaxDelayRetries",
        "numNoDelayRetries",
        "numMinDelayRetries",
        "backoffFunction",
    ];
    let members = members(value, path, &KNOWN)?;
    let read = |name: &str, min: u64, max: u64, default: u32| {
        let value = number(members, path, name, min, max)?;
        Ok::<_, String>(value.and_then(|value| u32::try_from(value).ok()).unwrap_or(default))
    };
    let backoff = match members.get("backoffFunction") {
        None | Some(Value::Null) => Backoff::Linear,
        Some(value) => serde_json::from_value(value.clone()).map_err(|_| {
            format!("{path}.backoffFunction must be linear, arithmetic, geometric or exponential")
        })?,
    };
    let policy = RetryPolicy {
        min_delay_target: read("minDelayTarget", 1, SECONDS_MAX, DEFAULT.min_delay_target)?,
        max_delay_target: read("maxDelayTarget", 1, SECONDS_MAX, DEFAULT.max_delay_target)?,
        num_retries: read("numRetries", 0, RETRIES_MAX, DEFAULT.num_retries)?,
        num_max_delay_retries: read("numMaxDelayRetries", 0, RETRIES_MAX, 0)?,
        num_no_delay_retries: read("numNoDelayRetries", 0, RETRIES_MAX, 0)?,
        num_min_delay_retries: read("numMinDelayRetries", 0, RETRIES_MAX, 0)?,
        backoff_function: backoff,
    };
    if policy.max_delay_target < policy.min_delay_target {
        return Err(format!(
            "{path}.maxDelayTarget must be greater than or equal to minDelayTarget"
        ));
    }
    let phases =
        policy.num_no_delay_retries + policy.num_min_delay_retries + policy.num_max_delay_retries;
    if phases > policy.num_retries {
        return Err(format!(
            "{path}.numRetries must be greater than or equal to the sum of numMinDelayRetries, \
             numNoDelayRetries and numMaxDelayRetries"
        ));
    }
    if policy.total_ms() > SECONDS_MAX * 1000 {
        return Err(format!("{path} takes more than {SECONDS_MAX} seconds for all retries"));
    }
    Ok(policy)
}

fn number(
    members: &Map<String, Value>,
    path: &str,
    name: &str,
    min: u64,
    max: u64,
) -> Result<Option<u64>, String> {
    let value = match members.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    match number {
        Some(number) if number < min => {
            Err(format!("{path}.{name} must be greater than or equal to {min}"))
        }
        Some(number) if number > max => {
            Err(format!("{path}.{name} must be less than or equal to {max}"))
        }
        Some(number) => Ok(Some(number)),
        None => Err(format!("{path}.{name} must be an integer of {min} or more")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds between the attempts.
    fn schedule(policy: &str) -> Vec<f64> {
        let text = format!(r#"{{"healthyRetryPolicy":{policy}}}"#);
        let retry = effective(None, Some(&text)).retry;
        assert!(of_subscription(&text).is_ok(), "{text}");
        (1..).map_while(|failed| retry.delay_ms(failed)).map(|ms| ms as f64 / 1000.0).collect()
    }

    #[test]
    fn awss_own_policy_tries_three_times_more_20_seconds_apart() {
        assert_eq!(schedule("{}"), [20.0; 3]);
        assert_eq!(
            effective(None, None),
            Effective { retry: DEFAULT, content_type: content_type() }
        );
    }

    #[test]
    fn retries_go_through_their_four_phases() {
        let phases = r#""minDelayTarget":1,"maxDelayTarget":60,"numRetries":10,
            "numNoDelayRetries":2,"numMinDelayRetries":2,"numMaxDelayRetries":2"#;
        let with =
            |backoff: &str| schedule(&format!(r#"{{{phases},"backoffFunction":"{backoff}"}}"#));
        let linear = [0.0, 0.0, 1.0, 1.0, 1.0, 20.667, 40.333, 60.0, 60.0, 60.0];
        assert_eq!(with("linear"), linear);
        let arithmetic = [0.0, 0.0, 1.0, 1.0, 1.0, 10.833, 30.5, 60.0, 60.0, 60.0];
        assert_eq!(with("arithmetic"), arithmetic);
        let geometric = [0.0, 0.0, 1.0, 1.0, 1.0, 3.915, 15.326, 60.0, 60.0, 60.0];
        assert_eq!(with("geometric"), geometric);
        let exponential = [0.0, 0.0, 1.0, 1.0, 1.0, 9.429, 26.286, 60.0, 60.0, 60.0];
        assert_eq!(with("exponential"), exponential);
    }

    #[test]
    fn odd_policies_have_schedules_too() {
        assert_eq!(schedule(r#"{"numRetries":0}"#), [0.0; 0]);
        assert_eq!(schedule(r#"{"numRetries":1,"minDelayTarget":5}"#), [5.0]);
        assert_eq!(schedule(r#"{"numRetries":2,"numNoDelayRetries":2}"#), [0.0, 0.0]);
        let single = r#"{"numRetries":1,"numMaxDelayRetries":1,"maxDelayTarget":30}"#;
        assert_eq!(schedule(single), [30.0]);
        assert_eq!(
            schedule(r#"{"numRetries":2,"maxDelayTarget":30,"backoffFunction":null}"#),
            [20.0, 30.0]
        );
    }

    #[test]
    fn a_subscriptions_policy_goes_before_its_topics_unless_the_topic_says_no() {
        let topic = |rest: &str| {
            format!(r#"{{"http":{{"defaultHealthyRetryPolicy":{{"numRetries":7}}{rest}}}}}"#)
        };
        let own = r#"{"healthyRetryPolicy":{"numRetries":5},"requestPolicy":{"headerContentType":"application/json"}}"#;
        let of = |topic: &str, own| effective(Some(topic), own);
        assert_eq!(of(&topic(""), None).retry.num_retries, 7);
        let both = of(&topic(""), Some(own));
        assert_eq!((both.retry.num_retries, &*both.content_type), (5, "application/json"));
        let stern = topic(r#","disableSubscriptionOverrides":true"#);
        let topics = of(&stern, Some(own));
        assert_eq!((topics.retry.num_retries, &*topics.content_type), (7, CONTENT_TYPE));
    }

    #[test]
    fn what_is_wrong_is_told_in_awss_form() {
        let topic = |text: &str| of_topic(text).expect_err(text).to_string();
        assert_eq!(
            topic(r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":101}}}"#),
            "Invalid parameter: DeliveryPolicy: http.defaultHealthyRetryPolicy.numRetries must be \
             less than or equal to 100"
        );
        assert_eq!(
            topic(r#"{"http":{"throttlePolicy":{}}}"#),
            "Invalid parameter: DeliveryPolicy: Unexpected JSON member: throttlePolicy"
        );
        let own = |text: &str| of_subscription(text).expect_err(text);
        assert_eq!(own("[]"), "DeliveryPolicy: it must be a JSON object");
        for (policy, reason) in [
            (
                r#"{"minDelayTarget":30,"maxDelayTarget":20}"#,
                "healthyRetryPolicy.maxDelayTarget must be greater than or equal to minDelayTarget",
            ),
            (
                r#"{"minDelayTarget":0}"#,
                "healthyRetryPolicy.minDelayTarget must be greater than or equal to 1",
            ),
            (
                r#"{"numRetries":"x"}"#,
                "healthyRetryPolicy.numRetries must be an integer of 0 or more",
            ),
            (
                r#"{"numRetries":1,"numNoDelayRetries":2}"#,
                "healthyRetryPolicy.numRetries must be greater than or equal to the sum of \
                 numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries",
            ),
            (
                r#"{"numRetries":100,"minDelayTarget":60,"maxDelayTarget":60}"#,
                "healthyRetryPolicy takes more than 3600 seconds for all retries",
            ),
            (
                r#"{"backoffFunction":"steep"}"#,
                "healthyRetryPolicy.backoffFunction must be linear, arithmetic, geometric or \
                 exponential",
            ),
            (r#"{"numberOfRetries":1}"#, "Unexpected JSON member: numberOfRetries"),
        ] {
            let text = format!(r#"{{"healthyRetryPolicy":{policy}}}"#);
            assert_eq!(own(&text), format!("DeliveryPolicy: {reason}"));
        }
        let content = r#"{"requestPolicy":{"headerContentType":"text/plain\r\nX: y"}}"#;
        let reason = "DeliveryPolicy: requestPolicy.headerContentType is not supported";
        assert_eq!(own(content), reason);
    }

    #[test]
    fn the_effective_policy_is_awss_to_the_letter() {
        assert_eq!(
            shown_of_topic(None),
            r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}"#
        );
        let own = r#"{"healthyRetryPolicy":{"numRetries":1},"throttlePolicy":{"maxReceivesPerSecond":2}}"#;
        assert_eq!(
            shown_of_subscription(None, Some(own)),
            r#"{"healthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":1,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"sicklyRetryPolicy":null,"throttlePolicy":{"maxReceivesPerSecond":2},"requestPolicy":{"headerContentType":"text/plain; charset=UTF-8"},"guaranteed":false}"#
        );
    }
}
