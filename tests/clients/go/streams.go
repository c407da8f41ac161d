package main

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// create makes a stream of two shards and waits for it with the SDK's waiter.
func (r *run) create() {
	_, err := r.client.CreateStream(r.ctx, &kinesis.CreateStreamInput{
		StreamName: &r.stream, ShardCount: aws.Int32(2), Tags: map[string]string{"made-by": "go"},
	})
	must(err)
	r.waitUntilActive()
	description := r.describe()
	r.arn = *description.StreamARN
	check(*description.OpenShardCount == 2, "%d open shards", *description.OpenShardCount)
	age := time.Since(*description.StreamCreationTimestamp).Abs()
	check(age < 5*time.Minute, "created %s ago", age)
}

func (r *run) waitUntilActive() {
	waiter := kinesis.NewStreamExistsWaiter(r.client, func(o *kinesis.StreamExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 200*time.Millisecond, time.Second
	})
	must(waiter.Wait(r.ctx, &kinesis.DescribeStreamInput{StreamName: &r.stream}, 30*time.Second))
}

func (r *run) describe() *types.StreamDescriptionSummary {
	got, err := r.client.DescribeStreamSummary(r.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &r.stream})
	must(err)
	return got.StreamDescriptionSummary
}

// tags sets and takes tags by the stream's name and by its ARN.
func (r *run) tags() {
	_, err := r.client.AddTagsToStream(r.ctx, &kinesis.AddTagsToStreamInput{
		StreamName: &r.stream, Tags: map[string]string{"é": "ü", "empty": ""},
	})
	must(err)
	_, err = r.client.TagResource(r.ctx, &kinesis.TagResourceInput{
		ResourceARN: &r.arn, Tags: map[string]string{"by": "arn", "made-by": "tags"},
	})
	must(err)
	r.checkTags(map[string]string{"made-by": "tags", "é": "ü", "empty": "", "by": "arn"})
	_, err = r.client.RemoveTagsFromStream(r.ctx, &kinesis.RemoveTagsFromStreamInput{
		StreamName: &r.stream, TagKeys: []string{"é", "none"},
	})
	must(err)
	_, err = r.client.UntagResource(r.ctx, &kinesis.UntagResourceInput{ResourceARN: &r.arn, TagKeys: []string{"by"}})
	must(err)
	r.checkTags(map[string]string{"made-by": "tags", "empty": ""})
}

func (r *run) checkTags(wanted map[string]string) {
	byName, err := r.client.ListTagsForStream(r.ctx, &kinesis.ListTagsForStreamInput{StreamName: &r.stream})
	must(err)
	byARN, err := r.client.ListTagsForResource(r.ctx, &kinesis.ListTagsForResourceInput{ResourceARN: &r.arn})
	must(err)
	for _, tags := range [][]types.Tag{byName.Tags, byARN.Tags} {
		got := map[string]string{}
		for _, tag := range tags {
			got[*tag.Key] = aws.ToString(tag.Value)
		}
		check(maps.Equal(got, wanted), "tags: %v instead of %v", got, wanted)
	}
}

// settings changes retention and shard level metrics, there and back.
func (r *run) settings() {
	_, err := r.client.IncreaseStreamRetentionPeriod(r.ctx, &kinesis.IncreaseStreamRetentionPeriodInput{
		StreamName: &r.stream, RetentionPeriodHours: aws.Int32(48),
	})
	must(err)
	r.waitUntilActive()
	check(*r.describe().RetentionPeriodHours == 48, "retention is not 48 hours")
	_, err = r.client.DecreaseStreamRetentionPeriod(r.ctx, &kinesis.DecreaseStreamRetentionPeriodInput{
		StreamName: &r.stream, RetentionPeriodHours: aws.Int32(24),
	})
	must(err)
	r.waitUntilActive()
	enabled, err := r.client.EnableEnhancedMonitoring(r.ctx, &kinesis.EnableEnhancedMonitoringInput{
		StreamName: &r.stream, ShardLevelMetrics: []types.MetricsName{types.MetricsNameIncomingBytes},
	})
	must(err)
	metrics := enabled.DesiredShardLevelMetrics
	check(slices.Equal(metrics, []types.MetricsName{types.MetricsNameIncomingBytes}), "desired metrics: %v", metrics)
	r.waitUntilActive()
	_, err = r.client.DisableEnhancedMonitoring(r.ctx, &kinesis.DisableEnhancedMonitoringInput{
		StreamName: &r.stream, ShardLevelMetrics: []types.MetricsName{types.MetricsNameAll},
	})
	must(err)
	r.waitUntilActive()
}

// pages goes through lists with the SDK's paginators, and through shards by NextToken.
func (r *run) pages() {
	more := []string{r.stream + "-1", r.stream + "-2", r.stream + "-3"}
	for _, name := range more {
		_, err := r.client.CreateStream(r.ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)})
		must(err)
	}
	var names []string
	streams := kinesis.NewListStreamsPaginator(r.client, &kinesis.ListStreamsInput{Limit: aws.Int32(2)})
	for streams.HasMorePages() {
		page, err := streams.NextPage(r.ctx)
		must(err)
		check(len(page.StreamNames) <= 2, "a page of %d streams", len(page.StreamNames))
		for i, summary := range page.StreamSummaries {
			check(*summary.StreamName == page.StreamNames[i], "names and summaries differ: %v", page)
			if strings.HasPrefix(*summary.StreamName, r.stream) {
				names = append(names, *summary.StreamName)
			}
		}
	}
	check(slices.Equal(names, append([]string{r.stream}, more...)), "streams: %v", names)
	var described []string
	shards := kinesis.NewDescribeStreamPaginator(r.client, &kinesis.DescribeStreamInput{
		StreamName: &r.stream, Limit: aws.Int32(1),
	})
	for shards.HasMorePages() {
		page, err := shards.NextPage(r.ctx)
		must(err)
		for _, shard := range page.StreamDescription.Shards {
			described = append(described, *shard.ShardId)
		}
	}
	var listed []string
	for _, shard := range r.listShards() {
		listed = append(listed, *shard.ShardId)
	}
	check(len(listed) == 2 && slices.Equal(described, listed), "shards: %v, %v", described, listed)
	for _, name := range more {
		_, err := r.client.DeleteStream(r.ctx, &kinesis.DeleteStreamInput{StreamName: &name})
		must(err)
	}
}

// listShards asks for one shard at a time.
func (r *run) listShards() []types.Shard {
	var shards []types.Shard
	request := &kinesis.ListShardsInput{StreamName: &r.stream, MaxResults: aws.Int32(1)}
	for {
		page, err := r.client.ListShards(r.ctx, request)
		must(err)
		shards = append(shards, page.Shards...)
		if page.NextToken == nil {
			return shards
		}
		request = &kinesis.ListShardsInput{NextToken: page.NextToken, MaxResults: aws.Int32(1)}
	}
}

// reshard splits a shard, merges two and scales; who reads the parents is told of their children.
func (r *run) reshard() {
	first, second := r.listShards()[0], r.listShards()[1]
	_, err := r.client.SplitShard(r.ctx, &kinesis.SplitShardInput{
		StreamName: &r.stream, ShardToSplit: first.ShardId, NewStartingHashKey: aws.String("1000"),
	})
	must(err)
	r.waitUntilActive()
	children := r.readToEnd(*first.ShardId)
	check(len(children) == 2, "%d children of a split", len(children))
	check(*children[0].HashKeyRange.EndingHashKey == "999", "the lower child: %v", *children[0].HashKeyRange.EndingHashKey)
	_, err = r.client.MergeShards(r.ctx, &kinesis.MergeShardsInput{
		StreamName: &r.stream, ShardToMerge: children[1].ShardId, AdjacentShardToMerge: second.ShardId,
	})
	must(err)
	r.waitUntilActive()
	merged := r.readToEnd(*second.ShardId)
	check(len(merged) == 1 && len(merged[0].ParentShards) == 2, "children of a merge: %v", merged)
	updated, err := r.client.UpdateShardCount(r.ctx, &kinesis.UpdateShardCountInput{
		StreamName: &r.stream, TargetShardCount: aws.Int32(1), ScalingType: types.ScalingTypeUniformScaling,
	})
	must(err)
	counts := []int32{*updated.CurrentShardCount, *updated.TargetShardCount}
	check(slices.Equal(counts, []int32{2, 1}), "shard counts: %v", counts)
	r.waitUntilActive()
	check(*r.describe().OpenShardCount == 1, "not one open shard")
}

// delete takes the stream away although it has consumers.
func (r *run) delete() {
	_, err := r.client.DeleteStream(r.ctx, &kinesis.DeleteStreamInput{
		StreamARN: &r.arn, EnforceConsumerDeletion: aws.Bool(true),
	})
	must(err)
	waiter := kinesis.NewStreamNotExistsWaiter(r.client, func(o *kinesis.StreamNotExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 200*time.Millisecond, time.Second
	})
	must(waiter.Wait(r.ctx, &kinesis.DescribeStreamInput{StreamName: &r.stream}, 30*time.Second))
}
