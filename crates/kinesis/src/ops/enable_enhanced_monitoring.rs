//! EnableEnhancedMonitoring: switches shard-level metrics on.
//!
//! The answer says what was before (Current) and what is now (Desired).
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_EnableEnhancedMonitoring.html>

pub(crate) use crate::monitoring::Input;
use crate::{
    error::Error,
    kinesis::Ctx,
    monitoring::{self, Output},
};

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    monitoring::change(ctx, input, |current, asked| current | asked).await
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn the_stream_passes_through_updating() {
        let world = World::with_stream(1);
        world.check(
            "EnableEnhancedMonitoring",
            r#"{"StreamName":"s","ShardLevelMetrics":["OutgoingBytes","IncomingBytes"]}"#,
            r#"{"StreamName":"s","CurrentShardLevelMetrics":[],"DesiredShardLevelMetrics":["IncomingBytes","OutgoingBytes"],"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s"}"#,
        );
        assert_eq!(world.status("s"), "UPDATING");
        world.settle();
        let summary = world.ok("DescribeStreamSummary", r#"{"StreamName":"s"}"#);
        let monitoring = &summary["StreamDescriptionSummary"]["EnhancedMonitoring"];
        assert_eq!(
            *monitoring,
            serde_json::json!([{"ShardLevelMetrics": ["IncomingBytes", "OutgoingBytes"]}])
        );
    }

    #[test]
    fn all_means_the_seven() {
        let world = World::with_stream(1);
        let input = r#"{"StreamName":"s","ShardLevelMetrics":["ALL"]}"#;
        let answer = world.ok("EnableEnhancedMonitoring", input);
        assert_eq!(answer["DesiredShardLevelMetrics"].as_array().expect("a list").len(), 7);

        world.settle();
        let answer = world.ok("EnableEnhancedMonitoring", input);
        assert_eq!(answer["CurrentShardLevelMetrics"], answer["DesiredShardLevelMetrics"]);
        assert_eq!(world.status("s"), "ACTIVE", "nothing changed");
    }

    #[test]
    fn an_unknown_metric_is_refused() {
        let error = World::with_stream(1).error(
            "EnableEnhancedMonitoring",
            r#"{"StreamName":"s","ShardLevelMetrics":["Nonsense"]}"#,
        );
        assert!(error.starts_with("ValidationException: 1 validation error detected: "), "{error}");
    }
}
