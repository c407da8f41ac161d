package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const batch, singles = 500, 100

// put writes a batch, and many records at once.
func (r *run) put() {
	entries := make([]types.PutRecordsRequestEntry, batch)
	for i := range entries {
		data := make([]byte, i*4)
		rand.Read(data)
		entries[i] = types.PutRecordsRequestEntry{PartitionKey: aws.String(fmt.Sprintf("key-%d", i)), Data: data}
	}
	answer, err := r.client.PutRecords(r.ctx, &kinesis.PutRecordsInput{StreamName: &r.stream, Records: entries})
	must(err)
	check(*answer.FailedRecordCount == 0 && len(answer.Records) == batch, "failed: %v", *answer.FailedRecordCount)
	for i, told := range answer.Records {
		r.stored[*told.ShardId+" "+*told.SequenceNumber] = entries[i].Data
	}
	var all sync.WaitGroup
	var lock sync.Mutex
	for i := range singles {
		all.Go(func() {
			key, data := r.putOne(fmt.Sprintf("single %d", i))
			lock.Lock()
			defer lock.Unlock()
			r.stored[key] = data
		})
	}
	all.Wait()
	check(len(r.stored) == batch+singles, "%d sequence numbers", len(r.stored))
}

// putOne answers shard and sequence number, and the data.
func (r *run) putOne(text string) (string, []byte) {
	told, err := r.client.PutRecord(r.ctx, &kinesis.PutRecordInput{
		StreamARN: &r.arn, PartitionKey: &text, Data: []byte(text),
	})
	must(err)
	return *told.ShardId + " " + *told.SequenceNumber, []byte(text)
}

// read finds all records, from the oldest on and by time.
func (r *run) read() {
	for _, start := range []kinesis.GetShardIteratorInput{
		{ShardIteratorType: types.ShardIteratorTypeTrimHorizon},
		{ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: aws.Time(time.Now().Add(-10 * time.Minute))},
	} {
		count := 0
		for _, shard := range r.listShards() {
			request := start
			request.StreamName, request.ShardId = &r.stream, shard.ShardId
			count += r.readShard(&request)
		}
		check(count == batch+singles, "%d records read with %s", count, start.ShardIteratorType)
	}
}

// readShard reads what is there and compares it with what was put.
func (r *run) readShard(start *kinesis.GetShardIteratorInput) int {
	count := 0
	r.follow(start, func(page *kinesis.GetRecordsOutput) bool {
		for _, record := range page.Records {
			r.compare(*start.ShardId, record)
		}
		count += len(page.Records)
		return *page.MillisBehindLatest > 0
	})
	return count
}

// readToEnd reads a closed shard and answers what follows it.
func (r *run) readToEnd(shard string) []types.ChildShard {
	var children []types.ChildShard
	start := kinesis.GetShardIteratorInput{
		StreamName: &r.stream, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	}
	r.follow(&start, func(page *kinesis.GetRecordsOutput) bool {
		children = page.ChildShards
		return true
	})
	return children
}

// follow reads page after page until there is no iterator or `goOn` says no.
func (r *run) follow(start *kinesis.GetShardIteratorInput, goOn func(*kinesis.GetRecordsOutput) bool) {
	got, err := r.client.GetShardIterator(r.ctx, start)
	must(err)
	iterator := got.ShardIterator
	for iterator != nil {
		page, err := r.client.GetRecords(r.ctx, &kinesis.GetRecordsInput{ShardIterator: iterator, Limit: aws.Int32(150)})
		must(err)
		if !goOn(page) {
			return
		}
		iterator = page.NextShardIterator
	}
}

func (r *run) compare(shard string, record types.Record) {
	key := shard + " " + *record.SequenceNumber
	data, known := r.stored[key]
	check(known && bytes.Equal(data, record.Data), "%s of %s is not what was put", *record.PartitionKey, key)
	age := time.Since(*record.ApproximateArrivalTimestamp).Abs()
	check(age < 5*time.Minute, "%s arrived %s ago", key, age)
}
