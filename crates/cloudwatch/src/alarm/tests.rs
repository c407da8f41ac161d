//! Alarms in a whole room: birth, states, actions, composites, what survives an end.

use std::{collections::BTreeMap, sync::Arc};

use nautilus_sns::Outcome;
use nautilus_wire::{Protocol, query::Form};
use serde_json::{Value, json};

use super::model::{About, Alarm, CompositeAlarm, State};
use crate::{
    catalog::{Edit, Region, Snapshot},
    testing::World,
};

mod actions;
mod composites;
mod definitions;
mod life;
mod lists;

const MINUTE_MS: u64 = 60_000;
const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:t";

/// A composite alarm without anything but its rule.
pub(crate) fn composite(name: &str, rule: &str) -> Alarm {
    let about = About {
        account: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        name: name.to_owned(),
        description: None,
        actions_enabled: true,
        ok_actions: Vec::new(),
        alarm_actions: Vec::new(),
        insufficient_data_actions: Vec::new(),
        tags: BTreeMap::new(),
        configured_ms: 0,
        state: State::unchecked(0),
    };
    let (suppressor, suppressor_wait_s, suppressor_extension_s) = (None, None, None);
    let rule = rule.to_owned();
    Alarm::Composite(CompositeAlarm {
        about,
        rule,
        suppressor,
        suppressor_wait_s,
        suppressor_extension_s,
    })
}

/// The region in which these alarms are.
pub(super) fn region(alarms: &[Alarm]) -> Arc<Region> {
    let mut edit = Edit::new(&Snapshot::default());
    alarms.iter().for_each(|alarm| edit.put_alarm(alarm.clone()));
    edit.next().region("000000000000", "us-east-1").expect("it has alarms").clone()
}

/// An alarm on the metric `m` of the namespace `n`, with more members or others.
fn definition(name: &str, more: Value) -> String {
    let mut input = json!({
        "AlarmName": name, "MetricName": "m", "Namespace": "n",
        "Dimensions": [{"Name": "D", "Value": "d"}],
        "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 1,
        "Threshold": 10, "ComparisonOperator": "GreaterThanThreshold",
    });
    for (member, value) in more.as_object().expect("members") {
        match value {
            Value::Null => drop(input.as_object_mut().expect("members").remove(member)),
            value => input[member] = value.clone(),
        }
    }
    input.to_string()
}

impl World {
    fn put_alarm(&self, name: &str) {
        self.check("PutMetricAlarm", &definition(name, json!({})), "");
    }

    fn put_composite(&self, name: &str, rule: &str) {
        let input = json!({"AlarmName": name, "AlarmRule": rule}).to_string();
        self.check("PutCompositeAlarm", &input, "");
    }

    fn set(&self, name: &str, state: &str) {
        let input = json!({"AlarmName": name, "StateValue": state, "StateReason": "by hand"});
        self.check("SetAlarmState", &input.to_string(), "");
    }

    fn state_value(&self, name: &str) -> String {
        self.state(name).0
    }

    /// Counts a value in the minute that runs, and lets the minute end and be looked at.
    fn minute(&self, value: Option<f64>) {
        if let Some(value) = value {
            self.sample("n", "m", self.now_ms(), value);
        }
        self.advance(MINUTE_MS - self.now_ms() % MINUTE_MS + 5_000);
    }
}

/// The endpoint of a topic's subscriber.
const ENDPOINT: &str = "http://127.0.0.1:9/alarm";

impl World {
    fn sns(&self, operation: &str, form: &str) -> String {
        let form = Form::parse(form.as_bytes()).expect("the test's form");
        let input = form.into_value().expect("the test's input");
        let sns = &self.room().inner().sns;
        let answer =
            self.run(sns.call(Protocol::Query, &crate::testing::caller(), operation, input));
        let answer = answer.unwrap_or_else(|error| panic!("{operation}: {error}"));
        String::from_utf8(answer.body.to_vec()).expect("bodies are UTF-8")
    }

    /// A topic with a subscriber that has confirmed.
    fn topic(&self) {
        self.sns("CreateTopic", "Name=t");
        self.sns("Subscribe", &format!("TopicArn={TOPIC}&Protocol=http&Endpoint={ENDPOINT}"));
        let confirmation = self.posts().pop().expect("the endpoint is asked");
        let token = confirmation["Token"].as_str().expect("text").to_owned();
        self.sns("ConfirmSubscription", &format!("TopicArn={TOPIC}&Token={token}"));
    }

    /// What endpoints get now; each takes it.
    fn posts(&self) -> Vec<Value> {
        self.answered(&Outcome::Status(200))
    }

    /// The same, and how each answers.
    fn answered(&self, outcome: &Outcome) -> Vec<Value> {
        let sns = &self.room().inner().sns;
        let mut posts = Vec::new();
        for attempt in sns.due(self.now_ms()) {
            posts.push(serde_json::from_slice(&attempt.request().body).expect("JSON"));
            self.run(sns.report(&attempt, outcome.clone())).expect("it is recorded");
        }
        posts
    }
}

/// The names that DescribeAlarms shows, metric alarms first.
fn names(world: &World, input: &str) -> String {
    let answer = world.ok("DescribeAlarms", input);
    let list = |member: &str| answer[member].as_array().expect("a list").clone();
    let all = [list("MetricAlarms"), list("CompositeAlarms")].concat();
    let name = |alarm: &Value| alarm["AlarmName"].as_str().expect("text").to_owned();
    all.iter().map(name).collect::<Vec<_>>().join(" ")
}
