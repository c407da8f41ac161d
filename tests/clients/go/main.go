// Command go-client goes through the Kinesis Data Streams API with the AWS SDK for Go 2, unmodified, and ends with an
// error at the first thing that is not as AWS has it. The endpoint and the credentials come from the environment.
//
// All of it twice: as the SDK connects by default (HTTP/1.1), and over HTTP/2 by prior knowledge.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// run is what all steps share: they follow each other on one stream.
type run struct {
	ctx    context.Context
	client *kinesis.Client
	stream string
	arn    string
	// What was put and not read yet, by shard and sequence number.
	stored map[string][]byte
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("go: ")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	settings, err := config.LoadDefaultConfig(ctx)
	must(err)
	transports := []struct {
		name    string
		options func(*kinesis.Options)
	}{
		{"http1", func(*kinesis.Options) {}},
		{"http2", overHTTP2},
	}
	for _, transport := range transports {
		r := &run{
			ctx:    ctx,
			client: kinesis.NewFromConfig(settings, transport.options),
			stream: "go-" + transport.name,
			stored: map[string][]byte{},
		}
		r.create()
		r.tags()
		r.settings()
		r.put()
		r.read()
		r.errors()
		r.pages()
		r.reshard()
		r.consumers()
		r.subscribe()
		r.takeOver()
		r.delete()
		fmt.Printf("  go: %s: every step passed\n", transport.name)
	}
	m := &metrics{
		ctx: ctx, client: cloudwatch.NewFromConfig(settings), stream: "go-metrics", from: time.Now().Add(-time.Minute),
	}
	m.sums(kinesis.NewFromConfig(settings))
	m.custom()
	m.alarms()
	fmt.Println("  go: CloudWatch: every step passed")
}

func overHTTP2(options *kinesis.Options) {
	options.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(transport *http.Transport) {
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
	})
}

func must(err error) {
	if err != nil {
		log.Output(2, err.Error())
		log.Fatal(err)
	}
}

func check(truth bool, format string, arguments ...any) {
	if !truth {
		log.Fatalf(format, arguments...)
	}
}
