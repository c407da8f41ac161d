# The same module twice: made by Terraform on one server, by `--apply` on another. All that a client can see is compared;
# only what must differ from one life to another (times, sequence numbers) is left out. Then Terraform imports what
# `--apply` made, resource by resource, and has nothing to change; and neither has a second `--apply`.

describe_stream() {
    aws kinesis describe-stream --stream-name "$1" --output json
    aws kinesis describe-stream-summary --stream-name "$1" --output json
    aws kinesis list-tags-for-stream --stream-name "$1" --output json
    aws kinesis list-shards --stream-name "$1" --output json
}
describe_policy() { aws kinesis get-resource-policy --resource-arn "$1" --output json; }
# consumer STREAM NAME: its ARN.
consumer() {
    aws kinesis describe-stream-consumer --stream-arn "$ARN/$1" --consumer-name "$2" --output text \
        --query ConsumerDescription.ConsumerARN
}
describe_consumer() {
    aws kinesis describe-stream-consumer --consumer-arn "$1" --output json
    aws kinesis list-tags-for-resource --resource-arn "$1" --output json
}
# SNS lists subscriptions in the order of their ARNs, which end in something random.
describe_topic() {
    aws sns get-topic-attributes --topic-arn "$SNS:$1" --output json
    aws sns list-tags-for-resource --resource-arn "$SNS:$1" --output json --query 'sort_by(Tags,&Key)'
    subscriptions "$1" | sort | while read -r protocol endpoint arn; do
        echo "\"$protocol $endpoint\""
        [[ $arn != arn:* ]] || aws sns get-subscription-attributes --subscription-arn "$arn" --output json
    done
}
# subscriptions TOPIC: protocol, endpoint and ARN of each.
subscriptions() {
    aws sns list-subscriptions-by-topic --topic-arn "$SNS:$1" --output text \
        --query 'Subscriptions[].[Protocol,Endpoint,SubscriptionArn]'
}
# subscription TOPIC ENDPOINT: its ARN.
subscription() { subscriptions "$1" | awk -v endpoint="$2" '$2 == endpoint { print $3 }'; }
describe_alarms() {
    aws cloudwatch describe-alarms --alarm-types MetricAlarm CompositeAlarm --output json --query '[MetricAlarms[].merge(
        @, {Metrics: sort_by(Metrics||`[]`,&Id), Dimensions: sort_by(Dimensions||`[]`,&Name)}), CompositeAlarms]'
    local arn
    for arn in $(aws cloudwatch describe-alarms --alarm-types MetricAlarm CompositeAlarm --output text \
        --query '[MetricAlarms,CompositeAlarms][].AlarmArn'); do
        aws cloudwatch list-tags-for-resource --resource-arn "$arn" --output json --query 'sort_by(Tags,&Key)'
    done
}
# confirmed COUNT TOPIC...: waits until so many subscriptions of the topics are confirmed.
confirmed() {
    local tries topic count
    for tries in $(seq 100); do
        count=$(for topic in "${@:2}"; do subscriptions "$topic"; done | grep --count "arn:aws:sns:.*:.*-") || true
        [[ $count != "$1" ]] || return 0
        sleep 0.1
    done
    fail "$count subscriptions are confirmed after 10 s, not $1"
}
ARN=arn:aws:kinesis:us-east-1:000000000000:stream
SNS=arn:aws:sns:us-east-1:000000000000
# Waits for what `--apply` does not wait for.
settle() { :; }
# So many resources have arguments that only Terraform's state keeps, and no import finds.
IN_STATE_ONLY=0

# `describe` shows all that a module makes, `ids` prints lines of ADDRESS ID for `terraform import`.
case $1 in
document)
    from=$ROOT/terraform
    describe() { describe_stream nautilus-stream; }
    ids() { echo aws_kinesis_stream.nautilus_stream nautilus-stream; }
    ;;
orders)
    from=$HERE/modules/orders
    describe() { describe_stream orders-staging; }
    ids() { echo aws_kinesis_stream.orders orders-staging; }
    ;;
fan-out)
    from=$HERE/modules/fan-out
    describe() {
        describe_stream clicks
        describe_stream clicks-archive
        describe_consumer "$(consumer clicks billing)"
        describe_consumer "$(consumer clicks-archive audit)"
        describe_policy "$ARN/clicks"
        describe_policy "$(consumer clicks billing)"
    }
    ids() {
        echo aws_kinesis_stream.clicks clicks
        echo aws_kinesis_stream.archive clicks-archive
        echo aws_kinesis_stream_consumer.billing "$(consumer clicks billing)"
        echo aws_kinesis_stream_consumer.audit "$(consumer clicks-archive audit)"
        echo aws_kinesis_resource_policy.clicks "$ARN/clicks"
        echo aws_kinesis_resource_policy.billing "$(consumer clicks billing)"
    }
    ;;
alarms)
    # Without what nobody confirms: its ARN is told to who subscribed alone, so that nobody else can import it.
    from=$WORK/alarms
    mkdir "$from"
    cp "$HERE/modules/alarms/main.tf" "$from/"
    start_receiver
    export TF_VAR_endpoint=$RECEIVER
    settle() { confirmed 3 alarms-plain alarms-whole; }
    describe() {
        describe_stream alarms-orders
        describe_topic alarms-plain
        describe_topic alarms-whole
        describe_alarms
    }
    ids() {
        echo aws_kinesis_stream.orders alarms-orders
        echo aws_sns_topic.plain "$SNS:alarms-plain"
        echo aws_sns_topic.whole "$SNS:alarms-whole"
        echo aws_sns_topic_subscription.confirmed "$(subscription alarms-whole "$RECEIVER/confirmed")"
        echo aws_sns_topic_subscription.endpoint "$(subscription alarms-plain "$RECEIVER/false")"
        echo aws_sns_topic_subscription.queue "$(subscription alarms-plain arn:aws:sqs:us-east-1:000000000000:alarms)"
        echo aws_cloudwatch_metric_alarm.plain alarms-plain
        echo aws_cloudwatch_metric_alarm.whole alarms-whole
        echo aws_cloudwatch_metric_alarm.statistic alarms-statistic
        echo aws_cloudwatch_metric_alarm.math alarms-math
        echo aws_cloudwatch_composite_alarm.plain alarms-composite
        echo aws_cloudwatch_composite_alarm.whole alarms-composite-whole
        echo aws_cloudwatch_composite_alarm.enabled alarms-composite-enabled
    }
    IN_STATE_ONLY=3
    ;;
optional)
    from=$WORK/optional
    mkdir "$from"
    cp "$ROOT"/terraform/*.tf "$ROOT"/terraform/optional/*.tf "$from/"
    start_receiver
    export TF_VAR_alarm_endpoint=$RECEIVER TF_VAR_alarm_protocol=http
    settle() { confirmed 1 nautilus-stream-alarms; }
    describe() {
        describe_stream nautilus-stream
        describe_topic nautilus-stream-alarms
        describe_alarms
    }
    ids() {
        echo aws_kinesis_stream.nautilus_stream nautilus-stream
        echo aws_sns_topic.stream_alarms "$SNS:nautilus-stream-alarms"
        echo aws_sns_topic_subscription.stream_alarms "$(subscription nautilus-stream-alarms "$RECEIVER")"
        echo aws_cloudwatch_metric_alarm.iterator_age nautilus-stream-high-iterator-age
        echo aws_cloudwatch_metric_alarm.write_throttle nautilus-stream-write-throttled
    }
    IN_STATE_ONLY=1
    ;;
*) fail "there is no module $1" ;;
esac
described() { settle && describe | python3 "$HERE/normalise.py"; }

say "made by Terraform"
DATA_DIR=$WORK/terraform start_server
copy_module "$from" module
tf module apply -auto-approve || fail "terraform apply"
described >"$WORK/terraform.json"
no_changes module
stop_server

say "made by --apply"
DATA_DIR=$WORK/apply start_server --apply "$from"
described >"$WORK/apply.json"
diff "$WORK/terraform.json" "$WORK/apply.json" >&2 || fail "--apply made something else"

say "imported by Terraform"
copy_module "$from" imported
ids >"$WORK/ids"
while read -r address id; do
    tf imported import "$address" "$id" || fail "terraform import of $address"
done <"$WORK/ids"
if [[ $IN_STATE_ONLY != 0 ]]; then
    tf imported apply -auto-approve || fail "what only the state has"
    says imported "what only the state has" "Resources: 0 added, $IN_STATE_ONLY changed, 0 destroyed."
    described | diff "$WORK/apply.json" - >&2 || fail "what only the state has changed something"
fi
no_changes imported
stop_server

say "a second --apply"
DATA_DIR=$WORK/apply start_server --apply "$from"
contains "the second --apply" "$(tail -n 20 "$WORK/server.log")" "  No changes"
described | diff "$WORK/apply.json" - >&2 || fail "the second --apply changed something"
stop_server

if [[ $1 == alarms ]]; then
    say "--apply changes each argument as Terraform would"
    DATA_DIR=$WORK/apply start_server --apply "$from" --var step=1
    # Another endpoint is another subscription; the old one stays, as nothing is ever deleted.
    confirmed 4 alarms-plain alarms-whole
    tf imported state rm aws_sns_topic_subscription.endpoint || fail "terraform state rm"
    tf imported import -var step=1 aws_sns_topic_subscription.endpoint "$(subscription alarms-plain "$RECEIVER/true")" ||
        fail "terraform import of the other subscription"
    tf imported apply -auto-approve -var step=1 || fail "what only the state has"
    says imported "what only the state has" "Resources: 0 added, 1 changed, 0 destroyed."
    no_changes imported -var step=1
    stop_server

    say "and takes it away"
    DATA_DIR=$WORK/apply start_server --apply "$from" --var step=2
    no_changes imported -var step=2
    stop_server
fi

[[ $1 == document ]] || return 0
say "--apply-changes divides the shard as Terraform would"
DATA_DIR=$WORK/apply start_server --apply "$from" --var shard_count=2 --apply-changes
equal "open shards after --apply-changes" "$(aws kinesis describe-stream-summary --stream-name nautilus-stream \
    --output text --query StreamDescriptionSummary.OpenShardCount)" 2
no_changes imported -var shard_count=2
stop_server
