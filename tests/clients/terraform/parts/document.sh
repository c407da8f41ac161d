# The document's steps, from `init` to `destroy`, on the module of `terraform/`, with records that stay readable.

summary() { aws kinesis describe-stream-summary --stream-name nautilus-stream --output text --query "StreamDescriptionSummary.$1"; }
# put DATA [HASH_KEY]: one record, to the shard that has this hash key.
put() {
    aws kinesis put-record --stream-name nautilus-stream --partition-key k --explicit-hash-key "${2:-0}" \
        --data fileb://<(printf %s "$1") --output text --query ShardId
}
# read_all: every record of the first shard and of those that follow it, parents before children, as
# `<last digit of the shard>:<data> `.
read_all() {
    local -A seen=()
    local queue=(shardId-000000000000) shard iterator behind count children data datum
    while [[ ${#queue[@]} != 0 ]]; do
        shard=${queue[0]} queue=("${queue[@]:1}")
        [[ -z ${seen[$shard]-} ]] || continue # a merge's child follows both of its parents
        seen[$shard]=1
        iterator=$(aws kinesis get-shard-iterator --stream-name nautilus-stream --shard-id "$shard" \
            --shard-iterator-type TRIM_HORIZON --output text --query ShardIterator)
        while [[ $iterator != None ]]; do
            read -r iterator behind count children data <<<"$(aws kinesis get-records --shard-iterator "$iterator" --output text \
                --query '[NextShardIterator,MillisBehindLatest,length(Records),join(`,`,ChildShards[].ShardId||`["-"]`),join(`,`,Records[].Data)]')"
            for datum in ${data//,/ }; do printf '%s:%s ' "${shard: -1}" "$(base64 -d <<<"$datum")"; done
            [[ $children == - ]] || queue+=(${children//,/ })
            [[ $count != 0 || $behind != 0 ]] || break
        done
    done
}

HIGH=170141183460469231731687303715884105728 # first hash key of the upper half
start_server
copy_module "$ROOT/terraform" document

say "init, validate, plan, apply"
tf document validate || fail "terraform validate"
says document validate "Success! The configuration is valid"
code=0
tf document plan -detailed-exitcode || code=$?
equal "exit code of the first plan" "$code" 2
says document "first plan" "Plan: 1 to add, 0 to change, 0 to destroy."
tf document apply -auto-approve || fail "terraform apply"
says document apply "Apply complete! Resources: 1 added, 0 changed, 0 destroyed."

say "output, describe-stream, show"
arn=arn:aws:kinesis:us-east-1:000000000000:stream/nautilus-stream
equal stream_name "$(terraform -chdir="$WORK/document" output -raw stream_name)" nautilus-stream
equal stream_arn "$(terraform -chdir="$WORK/document" output -raw stream_arn)" "$arn"
equal stream_id "$(terraform -chdir="$WORK/document" output -raw stream_id)" "$arn"
described=$(aws kinesis describe-stream --stream-name nautilus-stream --output text \
    --query 'StreamDescription.[StreamARN,StreamStatus,RetentionPeriodHours,length(Shards),EncryptionType]')
equal describe-stream "$described" "$arn	ACTIVE	24	1	NONE"
equal "shard-level metrics" \
    "$(aws kinesis describe-stream --stream-name nautilus-stream --output text \
        --query 'sort(StreamDescription.EnhancedMonitoring[0].ShardLevelMetrics)')" \
    "IncomingBytes	IncomingRecords	OutgoingBytes	OutgoingRecords"
contains show "$(terraform -chdir="$WORK/document" show -no-color)" 'resource "aws_kinesis_stream" "nautilus_stream"'
no_changes document

say "records go in and come out"
put one >/dev/null
put two "$HIGH" >/dev/null
equal "the records" "$(read_all)" "0:one 0:two "

say "the scaling step: two shards, and every record stays in its place"
sed -i 's/shard_count      = var.shard_count/shard_count      = 2/' "$WORK/document/main.tf"
tf document apply -auto-approve || fail "apply of two shards"
says document "apply of two shards" "Resources: 0 added, 1 changed, 0 destroyed."
equal "open shards" "$(summary OpenShardCount)" 2
equal "shards with the closed one" "$(aws kinesis list-shards --stream-name nautilus-stream --output text --query 'length(Shards)')" 3
no_changes document
equal "shard of the lower half" "$(put three)" shardId-000000000001
equal "shard of the upper half" "$(put four "$HIGH")" shardId-000000000002
equal "records over the split" "$(read_all)" "0:one 0:two 1:three 2:four "

say "tags, metrics, retention and the number of shards change together, back to one"
sed -i -e 's/ManagedBy = "Terraform"/Owner = "ops"/' -e '/"OutgoingRecords",/s//"IteratorAgeMilliseconds",/' \
    -e 's/shard_count      = 2/shard_count      = var.shard_count/' "$WORK/document/main.tf"
tf document apply -auto-approve -var retention_period=168 || fail "apply of the changes"
says document "apply of the changes" "Resources: 0 added, 1 changed, 0 destroyed."
equal retention "$(summary RetentionPeriodHours)" 168
equal "open shards after the merge" "$(summary OpenShardCount)" 1
equal "shard after the merge" "$(put five "$HIGH")" shardId-000000000003
equal "records over split and merge" "$(read_all)" "0:one 0:two 1:three 2:four 3:five "
equal "metrics after the change" "$(summary 'sort(EnhancedMonitoring[0].ShardLevelMetrics)')" \
    "IncomingBytes	IncomingRecords	IteratorAgeMilliseconds	OutgoingBytes"
equal "tags after the change" \
    "$(aws kinesis list-tags-for-stream --stream-name nautilus-stream --output text --query 'sort_by(Tags,&Key)[].Value')" \
    "nautilus-stream	ops	Nautilus"
sed -i 's/default     = 24/default     = 168/' "$WORK/document/variables.tf"
no_changes document

say "import into a fresh state"
copy_module "$WORK/document" imported
tf imported import aws_kinesis_stream.nautilus_stream nautilus-stream || fail "terraform import"
no_changes imported

say "destroy"
tf document destroy -auto-approve || fail "terraform destroy"
says document destroy "Destroy complete! Resources: 1 destroyed."
gone=$(aws kinesis describe-stream --stream-name nautilus-stream 2>&1) && fail "the stream is still there"
contains "the stream after destroy" "$gone" ResourceNotFoundException
stop_server
