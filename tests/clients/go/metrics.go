package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// metrics is what the steps of CloudWatch share. The SDK speaks Smithy RPC v2 CBOR to it.
type metrics struct {
	ctx    context.Context
	client *cloudwatch.Client
	stream string
	from   time.Time
}

// sums puts records of known sizes, reads them twice, and finds every sum to be what was sent.
func (m *metrics) sums(streams *kinesis.Client) {
	r := &run{ctx: m.ctx, client: streams, stream: m.stream, stored: map[string][]byte{}}
	r.create()
	bytes, records := 0, 0
	for call := range 10 {
		var entries []kinesistypes.PutRecordsRequestEntry
		for n := range call + 1 {
			entry := kinesistypes.PutRecordsRequestEntry{
				Data: []byte(strings.Repeat("x", 100*call+n)), PartitionKey: aws.String(fmt.Sprintf("key-%d", n)),
			}
			bytes += len(entry.Data) + len(*entry.PartitionKey)
			entries = append(entries, entry)
		}
		records += len(entries)
		put, err := streams.PutRecords(m.ctx, &kinesis.PutRecordsInput{StreamName: &m.stream, Records: entries})
		must(err)
		check(*put.FailedRecordCount == 0, "%d records were refused", *put.FailedRecordCount)
	}
	read := 0
	for range 2 {
		for _, shard := range []string{"shardId-000000000000", "shardId-000000000001"} {
			got, err := streams.GetShardIterator(m.ctx, &kinesis.GetShardIteratorInput{
				StreamName: &m.stream, ShardId: &shard, ShardIteratorType: kinesistypes.ShardIteratorTypeTrimHorizon,
			})
			must(err)
			page, err := streams.GetRecords(m.ctx, &kinesis.GetRecordsInput{ShardIterator: got.ShardIterator})
			must(err)
			read += len(page.Records)
		}
	}
	check(read == 2*records, "%d records read, not %d", read, 2*records)
	for name, wanted := range map[string]int{
		"IncomingBytes": bytes, "IncomingRecords": records, "PutRecords.Bytes": bytes, "PutRecords.Success": 10,
		"PutRecords.SuccessfulRecords": records, "PutRecords.ThrottledRecords": 0,
		"GetRecords.Bytes": 2 * bytes, "GetRecords.Records": 2 * records, "GetRecords.Success": 4,
		"WriteProvisionedThroughputExceeded": 0, "ReadProvisionedThroughputExceeded": 0,
	} {
		got := m.sum(name)
		check(got == float64(wanted), "%s is %v, not %d", name, got, wanted)
	}
}

func (m *metrics) dimensions() []types.Dimension {
	return []types.Dimension{{Name: aws.String("StreamName"), Value: &m.stream}}
}

func (m *metrics) sum(name string) float64 {
	got, err := m.client.GetMetricStatistics(m.ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/Kinesis"), MetricName: &name, Dimensions: m.dimensions(),
		StartTime: &m.from, EndTime: aws.Time(time.Now().Add(time.Minute)), Period: aws.Int32(60),
		Statistics: []types.Statistic{types.StatisticSum, types.StatisticSampleCount},
	})
	must(err)
	check(len(got.Datapoints) > 0, "%s has no datapoints", name)
	sum := 0.0
	for _, point := range got.Datapoints {
		check(*point.SampleCount > 0 && point.Minimum == nil, "a datapoint of %s is not as asked for", name)
		sum += *point.Sum
	}
	return sum
}

// custom puts samples of its own, more than fit into an uncompressed request, and reads them back with metric math.
func (m *metrics) custom() {
	var data []types.MetricDatum
	for n := range 400 {
		data = append(data, types.MetricDatum{
			MetricName: aws.String("Latency"), Unit: types.StandardUnitMilliseconds, Timestamp: aws.Time(time.Now()),
			Values: []float64{float64(n), float64(n) + 0.5}, Counts: []float64{1, 3},
		})
	}
	_, err := m.client.PutMetricData(m.ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("Go"), MetricData: data})
	must(err)
	query := func(id, stat string) types.MetricDataQuery {
		metric := types.Metric{Namespace: aws.String("Go"), MetricName: aws.String("Latency")}
		return types.MetricDataQuery{
			Id: &id, MetricStat: &types.MetricStat{Metric: &metric, Period: aws.Int32(3600), Stat: &stat},
		}
	}
	pages := cloudwatch.NewGetMetricDataPaginator(m.client, &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(m.from.Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Hour)),
		MetricDataQueries: []types.MetricDataQuery{
			query("n", "SampleCount"), query("p50", "p50"),
			{Id: aws.String("twice"), Expression: aws.String("n * 2")},
		},
	})
	samples, p50 := 0.0, 0.0
	for pages.HasMorePages() {
		page, err := pages.NextPage(m.ctx)
		must(err)
		for _, result := range page.MetricDataResults {
			check(result.StatusCode == types.StatusCodeComplete, "%s is %s", *result.Id, result.StatusCode)
			for _, value := range result.Values {
				switch *result.Id {
				case "n":
					samples += value
				case "p50":
					p50 = value
				}
			}
		}
	}
	check(samples == 1600, "%v samples", samples)
	check(math.Abs(p50-200) < 5, "p50 is %v", p50)
}

// alarms makes, changes, looks at and deletes alarms, and gets AWS's errors as the SDK's types.
func (m *metrics) alarms() {
	name, both := "go-alarm", "go-composite"
	_, err := m.client.PutMetricAlarm(m.ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("AWS/Kinesis"), MetricName: aws.String("IncomingBytes"),
		Dimensions: m.dimensions(), ExtendedStatistic: aws.String("p99.9"), Period: aws.Int32(60),
		EvaluationPeriods: aws.Int32(3), DatapointsToAlarm: aws.Int32(2), Threshold: aws.Float64(1e12),
		ComparisonOperator: types.ComparisonOperatorGreaterThanOrEqualToThreshold,
		Tags:               []types.Tag{{Key: aws.String("made-by"), Value: aws.String("go")}},
	})
	must(err)
	_, err = m.client.PutCompositeAlarm(m.ctx, &cloudwatch.PutCompositeAlarmInput{
		AlarmName: &both, AlarmRule: aws.String("ALARM(" + name + ")"),
	})
	must(err)
	waiter := cloudwatch.NewAlarmExistsWaiter(m.client)
	must(waiter.Wait(m.ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}}, 30*time.Second))
	_, err = m.client.SetAlarmState(m.ctx, &cloudwatch.SetAlarmStateInput{
		AlarmName: &name, StateValue: types.StateValueAlarm, StateReason: aws.String("to see it"),
	})
	must(err)
	got, err := m.client.DescribeAlarms(m.ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: []string{name, both}, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
	})
	must(err)
	check(len(got.MetricAlarms) == 1 && len(got.CompositeAlarms) == 1, "not both alarms are described")
	alarm := got.MetricAlarms[0]
	check(alarm.StateValue == types.StateValueAlarm && *alarm.StateReason == "to see it", "state %s", alarm.StateValue)
	check(*alarm.ExtendedStatistic == "p99.9" && alarm.TreatMissingData == nil, "the alarm is not as it was put")
	check(time.Since(*alarm.StateUpdatedTimestamp).Abs() < time.Minute, "updated at %s", *alarm.StateUpdatedTimestamp)
	tags, err := m.client.ListTagsForResource(m.ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: alarm.AlarmArn})
	must(err)
	check(len(tags.Tags) == 1 && *tags.Tags[0].Value == "go", "%d tags", len(tags.Tags))

	_, err = m.client.SetAlarmState(m.ctx, &cloudwatch.SetAlarmStateInput{
		AlarmName: aws.String("none"), StateValue: types.StateValueOk, StateReason: aws.String("x"),
	})
	var notFound *types.ResourceNotFound
	check(errors.As(err, &notFound), "an alarm that is not there: %v", err)
	_, err = m.client.GetMetricStatistics(m.ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/Kinesis"), MetricName: aws.String("IncomingBytes"), Period: aws.Int32(60),
		StartTime: aws.Time(time.Now()), EndTime: aws.Time(time.Now().Add(-time.Hour)),
		Statistics: []types.Statistic{types.StatisticSum},
	})
	var invalid *types.InvalidParameterValueException
	check(errors.As(err, &invalid), "an end before the start: %v", err)

	_, err = m.client.DeleteAlarms(m.ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{both}})
	must(err)
	_, err = m.client.DeleteAlarms(m.ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{name}})
	must(err)
	got, err = m.client.DescribeAlarms(m.ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name, both}})
	must(err)
	check(len(got.MetricAlarms)+len(got.CompositeAlarms) == 0, "alarms are there after they were deleted")
}
