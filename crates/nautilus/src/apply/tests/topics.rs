//! A small model of SNS: topics with attributes, subscriptions that a receiver confirms at once unless it is silent.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::{ApiError, Tags, error};

#[derive(Debug, Default)]
pub(super) struct Topics {
    /// Attributes by the topic's ARN.
    topics: BTreeMap<String, Map<String, Json>>,
    subscriptions: Vec<Subscription>,
    tags: Tags,
}

#[derive(Debug)]
struct Subscription {
    arn: String,
    topic_arn: String,
    protocol: String,
    endpoint: String,
    attributes: Map<String, Json>,
}

/// Subscriptions on a page of their list.
const PAGE: usize = 2;

impl Topics {
    pub(super) fn call(&mut self, operation: &str, input: &Json) -> Result<Json, ApiError> {
        let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
        let not_found = |what: &str| error("NotFound", what);
        match operation {
            "CreateTopic" => {
                let arn = format!("arn:aws:sns:us-east-1:000000000000:{}", text("Name"));
                let policy = format!(r#"{{"Statement":[{{"Resource":"{arn}"}}]}}"#);
                let chosen = json!({ "TopicArn": arn, "Policy": policy, "DisplayName": "" });
                self.topics.insert(arn.clone(), chosen.as_object().unwrap().clone());
                self.tags.call("TagResource", &arn, input);
                Ok(json!({ "TopicArn": arn }))
            }
            "GetTopicAttributes" => {
                let attributes = self.topics.get(&text("TopicArn"));
                let attributes = attributes.ok_or_else(|| not_found("Topic does not exist"))?;
                Ok(json!({ "Attributes": attributes }))
            }
            "SetTopicAttributes" => {
                let attributes = self.topics.get_mut(&text("TopicArn"));
                let attributes = attributes.ok_or_else(|| not_found("Topic does not exist"))?;
                attributes.insert(text("AttributeName"), json!(text("AttributeValue")));
                Ok(Json::Null)
            }
            "Subscribe" | "ListSubscriptionsByTopic"
                if !self.topics.contains_key(&text("TopicArn")) =>
            {
                Err(not_found("Topic does not exist"))
            }
            "Subscribe" => Ok(self.subscribe(input)),
            "ListSubscriptionsByTopic" => Ok(self.list(&text("TopicArn"), &text("NextToken"))),
            "GetSubscriptionAttributes" => {
                let one = self.find(&text("SubscriptionArn"))?;
                Ok(json!({ "Attributes": one.attributes }))
            }
            "SetSubscriptionAttributes" => {
                let one = self.find(&text("SubscriptionArn"))?;
                one.attributes.insert(text("AttributeName"), json!(text("AttributeValue")));
                Ok(Json::Null)
            }
            _ => Ok(self.tags.call(operation, input["ResourceArn"].as_str().unwrap(), input)),
        }
    }

    fn find(&mut self, arn: &str) -> Result<&mut Subscription, ApiError> {
        let one = self.subscriptions.iter_mut().find(|one| one.arn == arn);
        one.ok_or_else(|| error("NotFound", "Subscription does not exist"))
    }

    fn subscribe(&mut self, input: &Json) -> Json {
        let text = |name: &str| input[name].as_str().unwrap().to_owned();
        let (topic_arn, endpoint) = (text("TopicArn"), text("Endpoint"));
        let known =
            |one: &&Subscription| (&one.topic_arn, &one.endpoint) == (&topic_arn, &endpoint);
        if self.subscriptions.iter().find(known).is_none() {
            let arn = format!("{topic_arn}:{}", self.subscriptions.len() + 1);
            let mut attributes = input["Attributes"].as_object().cloned().unwrap_or_default();
            attributes.insert("SubscriptionArn".to_owned(), json!(arn));
            attributes.entry("RawMessageDelivery").or_insert(json!("false"));
            let protocol = text("Protocol");
            self.subscriptions.push(Subscription {
                arn,
                topic_arn,
                protocol,
                endpoint,
                attributes,
            });
        }
        json!({ "SubscriptionArn": "pending confirmation" })
    }

    fn list(&self, topic_arn: &str, token: &str) -> Json {
        let from: usize = token.parse().unwrap_or_default();
        let all = self.subscriptions.iter().filter(|one| one.topic_arn == topic_arn);
        let page = all.clone().skip(from).take(PAGE).map(|one| {
            let is_pending = one.endpoint.contains("silent") || one.protocol == "email";
            json!({
                "SubscriptionArn": if is_pending { "PendingConfirmation" } else { &one.arn },
                "TopicArn": one.topic_arn,
                "Protocol": one.protocol,
                "Endpoint": one.endpoint,
            })
        });
        let mut answer = json!({ "Subscriptions": page.collect::<Vec<_>>() });
        if from + PAGE < all.count() {
            answer["NextToken"] = json!((from + PAGE).to_string());
        }
        answer
    }
}
