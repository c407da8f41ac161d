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
ARN=arn:aws:kinesis:us-east-1:000000000000:stream

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
*) fail "there is no module $1" ;;
esac
described() { describe | python3 "$HERE/normalise.py"; }

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
no_changes imported
stop_server

say "a second --apply"
DATA_DIR=$WORK/apply start_server --apply "$from"
contains "the second --apply" "$(tail -n 20 "$WORK/server.log")" "  No changes"
described | diff "$WORK/apply.json" - >&2 || fail "the second --apply changed something"
stop_server

[[ $1 == document ]] || return 0
say "--apply-changes divides the shard as Terraform would"
DATA_DIR=$WORK/apply start_server --apply "$from" --var shard_count=2 --apply-changes
equal "open shards after --apply-changes" "$(aws kinesis describe-stream-summary --stream-name nautilus-stream \
    --output text --query StreamDescriptionSummary.OpenShardCount)" 2
no_changes imported -var shard_count=2
stop_server
