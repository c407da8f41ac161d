//! The one table of operations: names, dispatch and IAM actions come from it.
//!
//! An operation is a file of this name with `Input::read` (the service model's shape), `Input::resource` (what is
//! asked for), `act` and what it answers. Adding one is one file and one line here. The way of a call is the same
//! for all: read the input, authorise its resource, act, write the answer.

use nautilus_wire::{Answer, IntoAnswer, MemberSpec, Members, Protocol, Value};

use crate::{cloudwatch::Request, error::Error};

macro_rules! operations {
    ($($file:ident: $name:ident,)*) => {
        $(mod $file;)*

        /// An operation of the service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Operation {
            $($name,)*
        }

        impl Operation {
            pub(crate) const ALL: &[Operation] = &[$(Operation::$name,)*];

            /// The members that it reads, with their constraints.
            #[cfg_attr(not(test), expect(dead_code, reason = "the tests break each"))]
            pub(crate) fn input(self) -> Vec<MemberSpec> {
                match self {
                    $(Operation::$name => Members::describe(|members| {
                        $file::Input::read(members);
                    }),)*
                }
            }

            pub(crate) fn from_name(name: &str) -> Option<Operation> {
                match name {
                    $(stringify!($name) => Some(Operation::$name),)*
                    _ => None,
                }
            }

            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Operation::$name => stringify!($name),)*
                }
            }

            pub(crate) async fn call(
                self,
                request: Request<'_>,
                input: Value<'_>,
                protocol: Protocol,
            ) -> Result<Answer, Error> {
                let mut members = Members::new(input, protocol)?;
                match self {
                    $(Operation::$name => {
                        let input = $file::Input::read(&mut members);
                        members.finish()?;
                        let resource = input.resource(&request)?;
                        let action = concat!("cloudwatch:", stringify!($name));
                        let ctx = request.authorize(action, &resource)?;
                        let output = $file::act(&ctx, input).await?;
                        Ok(output.into_answer(protocol))
                    })*
                }
            }
        }
    };
}

operations! {
    delete_alarms: DeleteAlarms,
    describe_alarm_history: DescribeAlarmHistory,
    describe_alarms: DescribeAlarms,
    describe_alarms_for_metric: DescribeAlarmsForMetric,
    disable_alarm_actions: DisableAlarmActions,
    enable_alarm_actions: EnableAlarmActions,
    get_metric_data: GetMetricData,
    get_metric_statistics: GetMetricStatistics,
    list_metrics: ListMetrics,
    list_tags_for_resource: ListTagsForResource,
    put_composite_alarm: PutCompositeAlarm,
    put_metric_alarm: PutMetricAlarm,
    put_metric_data: PutMetricData,
    set_alarm_state: SetAlarmState,
    tag_resource: TagResource,
    untag_resource: UntagResource,
}

/// The resource of calls that are about no single alarm.
pub(crate) const ANY_RESOURCE: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_again() {
        for &operation in Operation::ALL {
            assert_eq!(Operation::from_name(operation.name()), Some(operation));
        }
        assert_eq!(Operation::from_name("PutDashboard"), None);
        assert_eq!(Operation::from_name("describealarms"), None);
    }
}
