package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const live = 20

// consumers registers three, finds them in pages and takes one away.
func (r *run) consumers() {
	names := []string{"one", "two", "three"}
	for _, name := range names {
		_, err := r.client.RegisterStreamConsumer(r.ctx, &kinesis.RegisterStreamConsumerInput{
			StreamARN: &r.arn, ConsumerName: &name,
		})
		must(err)
		r.waitForConsumer(name, types.ConsumerStatusActive)
	}
	check(*r.describe().ConsumerCount == 3, "%d consumers counted", *r.describe().ConsumerCount)
	_, err := r.client.RegisterStreamConsumer(r.ctx, &kinesis.RegisterStreamConsumerInput{
		StreamARN: &r.arn, ConsumerName: aws.String("one"),
	})
	as[*types.ResourceInUseException](err)
	var listed []string
	pages := kinesis.NewListStreamConsumersPaginator(r.client, &kinesis.ListStreamConsumersInput{
		StreamARN: &r.arn, MaxResults: aws.Int32(2),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(r.ctx)
		must(err)
		for _, consumer := range page.Consumers {
			listed = append(listed, *consumer.ConsumerName)
		}
	}
	slices.Sort(listed)
	check(slices.Equal(listed, []string{"one", "three", "two"}), "consumers: %v", listed)
	_, err = r.client.DeregisterStreamConsumer(r.ctx, &kinesis.DeregisterStreamConsumerInput{
		StreamARN: &r.arn, ConsumerName: aws.String("three"),
	})
	must(err)
	r.waitForConsumer("three", "")
}

// waitForConsumer waits for a state, or until the consumer is gone, and answers its ARN.
func (r *run) waitForConsumer(name string, status types.ConsumerStatus) string {
	for range 100 {
		got, err := r.client.DescribeStreamConsumer(r.ctx, &kinesis.DescribeStreamConsumerInput{
			StreamARN: &r.arn, ConsumerName: &name,
		})
		if status == "" && err != nil {
			as[*types.ResourceNotFoundException](err)
			return ""
		}
		must(err)
		if got.ConsumerDescription.ConsumerStatus == status {
			return *got.ConsumerDescription.ConsumerARN
		}
		time.Sleep(100 * time.Millisecond)
	}
	check(false, "the consumer %s does not become %q", name, status)
	return ""
}

func (r *run) subscription(consumer, shard string, from types.StartingPosition) *kinesis.SubscribeToShardEventStream {
	answer, err := r.client.SubscribeToShard(r.ctx, &kinesis.SubscribeToShardInput{
		ConsumerARN: aws.String(r.waitForConsumer(consumer, types.ConsumerStatusActive)),
		ShardId:     &shard, StartingPosition: &from,
	})
	must(err)
	return answer.GetStream()
}

// openShard is the one that is left after all reshards.
func (r *run) openShard() string {
	for _, shard := range r.listShards() {
		if shard.SequenceNumberRange.EndingSequenceNumber == nil {
			return *shard.ShardId
		}
	}
	check(false, "no shard is open")
	return ""
}

// subscribe is told of records as they come, and at the end of the shard of its children.
func (r *run) subscribe() {
	shard := r.openShard()
	key, data := r.putOne("before")
	r.stored[key] = data
	events := r.subscription("one", shard, types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon})
	defer events.Close()
	count, children := 0, []types.ChildShard(nil)
	for event := range events.Events() {
		told := event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
		for _, record := range told.Records {
			r.compare(shard, record)
		}
		count += len(told.Records)
		if children = told.ChildShards; children != nil {
			check(told.ContinuationSequenceNumber == nil, "the end names a place to go on from")
			continue
		}
		check(told.ContinuationSequenceNumber != nil, "an event names no place to go on from")
		switch {
		case len(told.Records) == 0:
		case count <= live: // the next record only when this one was told
			key, data := r.putOne(fmt.Sprintf("live %d", count))
			r.stored[key] = data
		default:
			_, err := r.client.SplitShard(r.ctx, &kinesis.SplitShardInput{
				StreamName: &r.stream, ShardToSplit: &shard, NewStartingHashKey: aws.String("77"),
			})
			must(err)
		}
	}
	must(events.Err())
	check(count == live+1, "%d records told", count)
	check(len(children) == 2, "%d children of the shard's end", len(children))
	r.waitUntilActive()
}

// takeOver subscribes twice: soon that is refused, after five seconds the first subscription ends.
func (r *run) takeOver() {
	shard, latest := r.openShard(), types.StartingPosition{Type: types.ShardIteratorTypeLatest}
	first := r.subscription("two", shard, latest)
	defer first.Close()
	time.Sleep(1100 * time.Millisecond) // one call a second is answered
	_, err := r.client.SubscribeToShard(r.ctx, &kinesis.SubscribeToShardInput{
		ConsumerARN: aws.String(r.waitForConsumer("two", types.ConsumerStatusActive)),
		ShardId:     &shard, StartingPosition: &latest,
	})
	as[*types.ResourceInUseException](err)
	time.Sleep(5200 * time.Millisecond)
	second := r.subscription("two", shard, latest)
	defer second.Close()
	for range first.Events() {
	}
	var replaced *types.ResourceInUseException
	check(errors.As(first.Err(), &replaced), "the first subscription ended with %v", first.Err())
}
