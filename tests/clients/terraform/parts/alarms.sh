# Topics, subscriptions and alarms: created, each argument changed and taken away, imported, destroyed. Every second plan
# says that there is nothing to change, and the service has what the module says.

SNS=arn:aws:sns:us-east-1:000000000000
topic() { aws sns get-topic-attributes --topic-arn "$SNS:alarms-$1" --output text --query "Attributes.$2"; }
tags() { aws "$1" list-tags-for-resource --resource-arn "$2" --output text --query 'sort_by(Tags,&Key)[].join(`=`,[Key,Value])'; }
# subscription ENDPOINT QUERY: of the subscription with this endpoint.
subscription() {
    local arn
    arn=$(aws sns list-subscriptions --output text --query "Subscriptions[?Endpoint=='$1'].SubscriptionArn")
    aws sns get-subscription-attributes --subscription-arn "$arn" --output text --query "Attributes.$2"
}
metric_alarm() { aws cloudwatch describe-alarms --alarm-names "alarms-$1" --output text --query "MetricAlarms[0].$2"; }
composite_alarm() {
    aws cloudwatch describe-alarms --alarm-types CompositeAlarm --alarm-names "alarms-$1" --output text \
        --query "CompositeAlarms[0].$2"
}
# apply STEP ADDED CHANGED DESTROYED
apply() {
    tf alarms apply -auto-approve -var "step=$1" || fail "terraform apply of step $1"
    says alarms "apply of step $1" "Resources: $2 added, $3 changed, $4 destroyed."
    no_changes alarms -var "step=$1"
}

start_server --limits off
start_receiver
export TF_VAR_endpoint=$RECEIVER
copy_module "$HERE/modules/alarms" alarms
ALARM=arn:aws:cloudwatch:us-east-1:000000000000:alarm:alarms

say "created"
apply 0 14 0 0
equal "the topic" "$(topic whole '[DisplayName,KmsMasterKeyId,SignatureVersion,TracingConfig,HTTPSuccessFeedbackSampleRate]')" \
    "Alarms	alias/aws/sns	1	PassThrough	50"
contains "the topic's policy" "$(topic whole Policy)" 'alarms \u003cpublish\u003e here'
contains "the topic's default policy" "$(topic plain Policy)" "__default_policy_ID"
contains "the topic's delivery policy" "$(topic whole EffectiveDeliveryPolicy)" '"numRetries":3'
equal "tags of the topic" "$(tags sns "$SNS:alarms-whole")" "Stage=test	Suite=terraform	Team=orders"
equal "the confirmed subscription" "$(subscription "$RECEIVER/confirmed" '[PendingConfirmation,RawMessageDelivery,FilterPolicyScope]')" \
    "false	true	MessageBody"
equal "the alarm" "$(metric_alarm plain '[MetricName,Statistic,Period,EvaluationPeriods,Threshold,Dimensions[0].Value]')" \
    "GetRecords.IteratorAgeMilliseconds	Maximum	60	1	60000.0	alarms-orders"
equal "the whole alarm" "$(metric_alarm whole '[ActionsEnabled,ExtendedStatistic,DatapointsToAlarm,Unit,TreatMissingData,EvaluateLowSampleCountPercentile,length(AlarmActions)]')" \
    "False	p99.9	3	Milliseconds	notBreaching	ignore	2"
equal "tags of the alarm" "$(tags cloudwatch "$ALARM-whole")" "Stage=test	Suite=terraform	Team=orders"
equal "the math" "$(metric_alarm math 'Metrics[?ReturnData].[Id,Expression,Label] | [0]')" "share	100 * taken / (taken + refused)	Share"
equal "the rule" "$(composite_alarm composite-whole '[AlarmRule,ActionsSuppressor,ActionsSuppressorWaitPeriod]')" \
    "ALARM(\"alarms-plain\") AND ALARM($ALARM-whole)	alarms-math	20"

say "each argument changed"
apply 1 2 8 2
equal "the topic" "$(topic whole '[DisplayName,KmsMasterKeyId,SignatureVersion,TracingConfig,HTTPSuccessFeedbackSampleRate]')" \
    "Orders' alarms	alias/orders	2	Active	100"
contains "the topic's policy" "$(topic whole Policy)" SNS:GetTopicAttributes
equal "tags of the topic" "$(tags sns "$SNS:alarms-whole")" "Cost=none	Suite=terraform	Team=billing"
equal "the confirmed subscription" "$(subscription "$RECEIVER/confirmed" '[RawMessageDelivery,FilterPolicyScope,FilterPolicy]')" \
    'false	MessageAttributes	{"severity":["high","low"]}'
equal "the subscription of another endpoint" "$(subscription "$RECEIVER/true" PendingConfirmation)" false
equal "the queue's subscription" "$(subscription arn:aws:sqs:us-east-1:000000000000:alarms RawMessageDelivery)" true
equal "the alarm" "$(metric_alarm plain '[MetricName,Statistic,Period,EvaluationPeriods,Threshold,ComparisonOperator]')" \
    "IncomingRecords	Sum	300	5	0.5	LessThanThreshold"
equal "the whole alarm" "$(metric_alarm whole '[ActionsEnabled,ExtendedStatistic,DatapointsToAlarm,Unit,TreatMissingData,EvaluateLowSampleCountPercentile,length(AlarmActions),length(Dimensions)]')" \
    "True	TM(10%:90%)	2	Count/Second	breaching	evaluate	1	2"
equal "the statistic" "$(metric_alarm statistic '[Statistic,ExtendedStatistic]')" "Average	None"
equal "tags of the alarm" "$(tags cloudwatch "$ALARM-whole")" "Cost=none	Suite=terraform	Team=billing"
equal "the rule" "$(composite_alarm composite-whole '[AlarmRule,ActionsSuppressor,ActionsSuppressorWaitPeriod]')" \
    "ALARM(alarms-plain) OR NOT OK(alarms-composite)	alarms-statistic	30"
equal "the flag" "$(composite_alarm composite-enabled ActionsEnabled)" True

say "and taken away"
apply 2 1 8 1
equal "the topic" "$(topic whole '[DisplayName,KmsMasterKeyId,DeliveryPolicy,HTTPSuccessFeedbackRoleArn,HTTPSuccessFeedbackSampleRate]')" \
    "	None	None	None	0"
equal "tags of the topic" "$(tags sns "$SNS:alarms-whole")" "Suite=terraform"
equal "the confirmed subscription" "$(subscription "$RECEIVER/confirmed" '[RawMessageDelivery,FilterPolicy,RedrivePolicy,DeliveryPolicy]')" \
    "false	None	None	None"
equal "the alarm" "$(metric_alarm plain '[Statistic,Period,Threshold]')" "SampleCount	10	-0.00125"
equal "the whole alarm" "$(metric_alarm whole '[AlarmDescription,ActionsEnabled,ExtendedStatistic,DatapointsToAlarm,Unit,TreatMissingData,length(AlarmActions),length(Dimensions)]')" \
    "None	True	IQM	None	None	missing	0	0"
equal "tags of the alarm" "$(tags cloudwatch "$ALARM-whole")" "Suite=terraform"

say "imported into a fresh state, all at once"
copy_module "$HERE/modules/alarms" imported
terraform -chdir="$WORK/alarms" show -json | python3 "$HERE/imports.py" >"$WORK/imported/imports.tf"
# What only the state keeps of subscriptions, whether they confirm by themselves, is set; no call is made for it.
tf imported apply -auto-approve -var step=2 || fail "the import"
says imported "the import" "Resources: 14 imported, 0 added, 4 changed, 0 destroyed."
no_changes imported -var step=2

say "destroyed"
tf imported destroy -auto-approve -var step=2 || fail "terraform destroy"
says imported destroy "Destroy complete! Resources: 14 destroyed."
equal "topics that are left" "$(aws sns list-topics --output text --query 'length(Topics)')" 0
equal "subscriptions that are left" "$(aws sns list-subscriptions --output text --query 'length(Subscriptions)')" 0
equal "alarms that are left" "$(aws cloudwatch describe-alarms --alarm-types MetricAlarm CompositeAlarm --output text \
    --query '[length(MetricAlarms),length(CompositeAlarms)]')" "0	0"
stop_server
