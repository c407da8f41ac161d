//! DisableEnhancedMonitoring: switches shard-level metrics off.
//!
//! The answer says what was before (Current) and what is now (Desired).
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DisableEnhancedMonitoring.html>

pub(crate) use crate::monitoring::Input;
use crate::{
    error::Error,
    kinesis::Ctx,
    monitoring::{self, Output},
};

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    monitoring::change(ctx, input, |current, asked| current - asked).await
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn what_is_named_goes_and_the_rest_stays() {
        let world = World::with_stream(1);
        let on = r#"{"StreamName":"s","ShardLevelMetrics":["OutgoingBytes","IncomingBytes"]}"#;
        world.ok("EnableEnhancedMonitoring", on);
        world.settle();

        world.check(
            "DisableEnhancedMonitoring",
            r#"{"StreamName":"s","ShardLevelMetrics":["OutgoingBytes","OutgoingRecords"]}"#,
            r#"{"StreamName":"s","CurrentShardLevelMetrics":["IncomingBytes","OutgoingBytes"],"DesiredShardLevelMetrics":["IncomingBytes"],"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s"}"#,
        );
        assert_eq!(world.status("s"), "UPDATING");
        world.settle();
        let all = r#"{"StreamName":"s","ShardLevelMetrics":["ALL"]}"#;
        let answer = world.ok("DisableEnhancedMonitoring", all);
        assert_eq!(answer["DesiredShardLevelMetrics"], serde_json::json!([]));
    }
}
