//! A small model of CloudWatch's alarms: what was put, by name, and tags by ARN.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{ApiError, Tags};

#[derive(Debug, Default)]
pub(super) struct Alarms {
    /// The input that put it, and whether that was PutMetricAlarm's.
    alarms: BTreeMap<String, (bool, Json)>,
    tags: Tags,
}

impl Alarms {
    pub(super) fn call(&mut self, operation: &str, input: Json) -> Result<Json, ApiError> {
        match operation {
            "PutMetricAlarm" | "PutCompositeAlarm" => Ok(self.put(operation, input)),
            "DescribeAlarms" => Ok(self.describe(&input)),
            _ => Ok(self.tags.call(operation, input["ResourceARN"].as_str().unwrap(), &input)),
        }
    }

    /// Tags come with a new alarm only, as on AWS.
    fn put(&mut self, operation: &str, mut input: Json) -> Json {
        let name = input["AlarmName"].as_str().unwrap().to_owned();
        let tags = input.as_object_mut().unwrap().remove("Tags");
        let is_metric = operation == "PutMetricAlarm";
        let arn = format!("arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}");
        if self.alarms.insert(name, (is_metric, input)).is_none()
            && let Some(tags) = tags
        {
            self.tags.call("TagResource", &arn, &json!({ "Tags": tags }));
        }
        Json::Null
    }

    /// With what the service adds, and lists in another order.
    fn describe(&self, input: &Json) -> Json {
        let asks_for_metric = input["AlarmTypes"][0] == "MetricAlarm";
        let name = input["AlarmNames"][0].as_str().unwrap();
        let found = self.alarms.get(name).filter(|(is_metric, _)| *is_metric == asks_for_metric);
        let found = found.map(|(_, alarm)| {
            let mut alarm = alarm.clone();
            alarm["StateValue"] = json!("INSUFFICIENT_DATA");
            for list in ["AlarmActions", "OKActions", "Dimensions", "Metrics"] {
                match &mut alarm[list] {
                    Json::Array(items) => items.reverse(),
                    absent => *absent = json!([]),
                }
            }
            alarm
        });
        let found: Vec<Json> = found.into_iter().collect();
        match asks_for_metric {
            true => json!({ "MetricAlarms": found, "CompositeAlarms": [] }),
            false => json!({ "MetricAlarms": [], "CompositeAlarms": found }),
        }
    }
}
