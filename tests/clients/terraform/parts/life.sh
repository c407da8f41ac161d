# The resources of Kinesis: created, each argument changed and changed again, imported, destroyed. Every second plan says
# that there is nothing to change, and the service has what the module says.

ARN=arn:aws:kinesis:us-east-1:000000000000:stream
summary() { aws kinesis describe-stream-summary --stream-name "life-$1" --output text --query "StreamDescriptionSummary.$2"; }
tags() { aws kinesis list-tags-for-stream --stream-name "life-$1" --output text --query 'sort_by(Tags,&Key)[].join(`=`,[Key,Value])'; }
consumers() { aws kinesis list-stream-consumers --stream-arn "$ARN/life-$1" --output text --query 'sort(Consumers[].ConsumerName)'; }
# policy ARN: how many actions it allows.
policy() {
    aws kinesis get-resource-policy --resource-arn "$1" --output text --query Policy |
        python3 -c 'import json, sys; print(" ".join(json.load(sys.stdin).get("Statement", [{}])[0].get("Action", [])))'
}
# apply STEP ADDED CHANGED DESTROYED
apply() {
    tf life apply -auto-approve -var "step=$1" || fail "terraform apply of step $1"
    says life "apply of step $1" "Resources: $2 added, $3 changed, $4 destroyed."
    no_changes life -var "step=$1"
}

# The provider asks DescribeLimits for each stream, which AWS answers once a second; so the limits are off.
start_server --limits off
copy_module "$HERE/modules/life" life

say "created"
apply 0 12 0 0
equal "shards of an on-demand stream" "$(summary on-demand OpenShardCount)" 4
equal "consumers of the stream" "$(consumers retention)" "follower	reader"
equal "tags" "$(tags tags)" "Stage=test	Suite=terraform	Team=orders"
equal "the policy" "$(policy "$ARN/life-metrics")" "kinesis:PutRecord"

say "a stream with a consumer is not deleted unless the module says so"
aws kinesis register-stream-consumer --stream-arn "$ARN/life-enforced" --consumer-name foreign >/dev/null
refused life "destroying a stream with a consumer" ResourceInUseException \
    destroy -auto-approve -target aws_kinesis_stream.enforced
equal "the stream" "$(summary enforced StreamStatus)" ACTIVE

say "each argument changed"
apply 1 2 8 2
equal "shards" "$(summary shards OpenShardCount)" 2
equal "retention" "$(summary retention RetentionPeriodHours)" 168
equal "metrics" "$(summary metrics 'sort(EnhancedMonitoring[0].ShardLevelMetrics)')" "IncomingBytes	OutgoingBytes"
equal "mode" "$(summary mode StreamModeDetails.StreamMode)" ON_DEMAND
equal "tags" "$(tags tags)" "Cost=none	Suite=terraform	Team=billing"
equal "consumers of the old stream" "$(consumers retention)" reader
equal "consumers of the new stream" "$(consumers tags)" follower
equal "the policy" "$(policy "$ARN/life-metrics")" "kinesis:PutRecord kinesis:PutRecords"
equal "the policy of the other stream" "$(policy "$ARN/life-tags")" "kinesis:PutRecord"

say "and changed again"
apply 2 2 7 2
equal "shards" "$(summary shards OpenShardCount)" 1
equal "retention" "$(summary retention RetentionPeriodHours)" 48
equal "metrics" "$(summary metrics 'sort(EnhancedMonitoring[0].ShardLevelMetrics)')" "IteratorAgeMilliseconds	OutgoingBytes"
equal "mode" "$(summary mode '[StreamModeDetails.StreamMode, OpenShardCount]')" "PROVISIONED	4"
equal "tags" "$(tags tags)" "Suite=terraform"
equal "consumers" "$(consumers retention)" another-reader
equal "the policy of the stream that has none" "$(policy "$ARN/life-tags")" ""
consumer=$(terraform -chdir="$WORK/life" state show -no-color aws_kinesis_stream_consumer.name | sed -n 's/^ *arn *= "\(.*\)"/\1/p')
equal "the policy of the consumer" "$(policy "$consumer")" "kinesis:SubscribeToShard"

say "encryption is refused with a reason, and changes nothing"
refused life "StartStreamEncryption" "KMSOptInRequired" apply -auto-approve -var step=3
refused life "StartStreamEncryption" "not encrypted at rest by this version" apply -auto-approve -var step=3
equal "encryption" "$(summary encrypted EncryptionType)" NONE
no_changes life -var step=2

say "imported into a fresh state, all at once"
copy_module "$HERE/modules/life" imported
terraform -chdir="$WORK/life" show -json | python3 "$HERE/imports.py" >"$WORK/imported/imports.tf"
tf imported apply -auto-approve -var step=2 || fail "the import"
says imported "the import" "Resources: 12 imported, 0 added, 1 changed, 0 destroyed."
no_changes imported -var step=2

say "destroyed"
tf imported destroy -auto-approve -var step=2 || fail "terraform destroy"
says imported destroy "Destroy complete! Resources: 12 destroyed."
equal "what is left" "$(aws kinesis list-streams --output text --query 'length(StreamNames)')" 0
stop_server
