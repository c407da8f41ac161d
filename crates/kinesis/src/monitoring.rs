//! Shard-level metrics: what EnableEnhancedMonitoring and DisableEnhancedMonitoring share.

use std::borrow::Cow;

use nautilus_wire::{Members, Output as WireOutput, Writer, rules::kinesis as rules};

use crate::{
    description,
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    model::shard_metrics::{ShardMetric, ShardMetrics},
    transitions::{self, Effect},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    stream: StreamRef<'a>,
    shard_level_metrics: Vec<Cow<'a, str>>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read(members),
            shard_level_metrics: members.required_strings(
                "ShardLevelMetrics",
                &rules::METRICS_NAME_LIST,
                &rules::METRICS_NAME,
            ),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    stream_name: String,
    stream_arn: String,
    before: ShardMetrics,
    after: ShardMetrics,
}

/// Gives the stream the metrics that `combine` makes of those it has and those asked for.
pub(crate) async fn change(
    ctx: &Ctx<'_>,
    input: Input<'_>,
    combine: fn(ShardMetrics, ShardMetrics) -> ShardMetrics,
) -> Result<Output, Error> {
    let at = input.stream.address(ctx.caller)?;
    let names = &input.shard_level_metrics;
    let is_asked =
        |metric: &ShardMetric| names.iter().any(|name| *name == "ALL" || *name == metric.as_str());
    let asked: ShardMetrics = ShardMetric::ALL.into_iter().filter(is_asked).collect();

    let (before, after) = transitions::update_stream(ctx.inner, at, move |stream| {
        let before = stream.metrics;
        stream.metrics = combine(before, asked);
        let effect = match stream.metrics == before {
            true => Effect::Nothing,
            false => Effect::Passing,
        };
        Ok((effect, (before, stream.metrics)))
    })
    .await?;
    Ok(Output { stream_name: at.name.to_owned(), stream_arn: at.arn(), before, after })
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_str("StreamName", &self.stream_name);
            description::write_metrics(w, "CurrentShardLevelMetrics", self.before);
            description::write_metrics(w, "DesiredShardLevelMetrics", self.after);
            w.field_str("StreamARN", &self.stream_arn);
        });
    }
}
