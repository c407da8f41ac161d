package main

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// errors makes mistakes, each of which is an error of its own type.
func (r *run) errors() {
	none := aws.String("none")
	_, err := r.client.DescribeStream(r.ctx, &kinesis.DescribeStreamInput{StreamName: none})
	notFound := as[*types.ResourceNotFoundException](err)
	wanted := "Stream none under account 000000000000 not found."
	check(notFound.ErrorMessage() == wanted, "the message: %s", notFound.ErrorMessage())

	_, err = r.client.CreateStream(r.ctx, &kinesis.CreateStreamInput{StreamName: &r.stream, ShardCount: aws.Int32(1)})
	as[*types.ResourceInUseException](err)

	_, err = r.client.GetRecords(r.ctx, &kinesis.GetRecordsInput{ShardIterator: aws.String("AAAA")})
	invalid := as[*types.InvalidArgumentException](err)
	check(invalid.ErrorMessage() == "Invalid ShardIterator.", "the message: %s", invalid.ErrorMessage())

	_, err = r.client.DescribeStream(r.ctx, &kinesis.DescribeStreamInput{StreamName: aws.String("a b")})
	as[*types.ValidationException](err)

	_, err = r.client.ListShards(r.ctx, &kinesis.ListShardsInput{NextToken: none})
	as[*types.InvalidArgumentException](err)
}

// as finds an error of that type, in an answer with a status of 400 and a request id.
func as[E error](err error) E {
	var wanted E
	check(errors.As(err, &wanted), "%v is no %T", err, wanted)
	var response *awshttp.ResponseError
	check(errors.As(err, &response), "%v came with no answer", err)
	id := fmt.Sprintf("%d %s", response.HTTPStatusCode(), response.ServiceRequestID())
	check(response.HTTPStatusCode() == 400 && response.ServiceRequestID() != "", "status and request id: %s", id)
	return wanted
}
