"""What was sent and answered, and whether the server knows it after a kill."""

import collections
import json
import threading

from harness import check
from load import COMPOSITE, MANUAL, MINUTE, NAMESPACE, STREAM, WATCHING, WRITERS

COUNTED = ("IncomingRecords", "IncomingBytes", "PutRecord.Success", "PutRecords.Success", "PutRecords.SuccessfulRecords")
ALARMS = (*MANUAL, WATCHING, COMPOSITE)
# So near to a minute's end it is not known in which minute something was counted.
NEAR_SECONDS = 0.2
# All that a suite puts lies between, and the datapoints are as many as one answer may have.
HOURS_BACK, HOURS_AHEAD = 14, 9


class Counts:
    """What was counted while some writers ran."""

    def __init__(self, minute):
        self.first, self.lock = minute, threading.Lock()
        self.sent, self.answered = collections.Counter(), collections.Counter()

    def send(self, counted):
        with self.lock:
            self.sent.update(counted)

    def answer(self, counted):
        with self.lock:
            self.answered.update(counted)


class Minute:
    """What a minute must have, and what it may have: `stored` is known to be, `answered` will be when it is over."""

    def __init__(self):
        self.stored, self.answered, self.sent = (collections.Counter() for _ in range(3))


class Manual:
    """An alarm that only we change."""

    def __init__(self):
        self.state, self.reason, self.waiting, self.reasons = "INSUFFICIENT_DATA", None, None, []

    def sent(self, state, reason):
        self.waiting = (state, reason)

    def answered(self):
        (self.state, self.reason), self.waiting = self.waiting, None
        self.reasons.append(self.reason)


class Books:
    def __init__(self):
        self.minutes, self.same = collections.defaultdict(Minute), {}
        self.custom = [collections.defaultdict(list) for _ in range(WRITERS)]
        self.waiting, self.custom_puts = [None] * WRITERS, 0
        self.alarms = {name: Manual() for name in MANUAL}
        self.observed = set()  # (alarm, state, reason) that DescribeAlarms showed
        self.histories = {}

    # Metrics of the stream.

    def open(self, now):
        return Counts(int(now - NEAR_SECONDS) // MINUTE)

    def close(self, counts, now):
        last = int(now + NEAR_SECONDS) // MINUTE
        for minute in range(counts.first + 1, last + 1):
            # They cannot be told apart: from here on they are looked at together.
            self.join(counts.first, minute)
        minute = self.minutes[self.root(counts.first)]
        minute.sent += counts.sent
        minute.answered += counts.answered

    def root(self, minute):
        while minute in self.same:
            minute = self.same[minute]
        return minute

    def join(self, one, other):
        one, other = self.root(one), self.root(other)
        if one != other:
            self.same[other] = one
            into, old = self.minutes[one], self.minutes.pop(other, Minute())
            into.stored += old.stored
            into.answered += old.answered
            into.sent += old.sent

    def settle(self, before=None):
        """Minutes, or those before one, are stored: what was answered in them must be there."""
        for number, minute in self.minutes.items():
            latest = max([number, *(one for one in self.same if self.root(one) == number)])
            if before is None or latest < before:
                minute.stored += minute.answered
                minute.sent -= minute.answered
                minute.answered = collections.Counter()

    def records(self):
        return sum(minute.stored["IncomingRecords"] for minute in self.minutes.values())

    def verify_minutes(self, client):
        found = collections.defaultdict(collections.Counter)
        for metric in COUNTED:
            for point in statistics(client, "AWS/Kinesis", metric, "StreamName", STREAM, ["Sum"]):
                found[self.root(int(point["Timestamp"]) // MINUTE)][metric] += round(point["Sum"])
        unknown = found.keys() - self.minutes.keys()
        check(not unknown, f"minutes {unknown} have counts though nothing was sent in them")
        for number, minute in self.minutes.items():
            there = found[number]
            for metric in COUNTED:
                least, most = minute.stored[metric], minute.stored[metric] + minute.sent[metric]
                check(
                    least <= there[metric] <= most,
                    f"{metric} of minute {number} is {there[metric]}, it was {least} stored and {most} sent",
                )
            minute.stored, minute.answered, minute.sent = there, collections.Counter(), collections.Counter()

    # A client's own metrics.

    def sent_custom(self, writer, samples):
        self.waiting[writer] = samples

    def answered_custom(self, writer):
        for name, minute, values in self.waiting[writer]:
            self.custom[writer][name, minute] += values
        self.waiting[writer], self.custom_puts = None, self.custom_puts + 1

    def verify_custom(self, client, writer):
        found = {}
        for name in ("Value", "Values", "Set"):
            asked = ["SampleCount", "Sum", "Minimum", "Maximum"]
            for point in statistics(client, NAMESPACE, name, "Writer", str(writer), asked):
                found[name, int(point["Timestamp"]) // MINUTE] = tuple(point[statistic] for statistic in asked)
        if found != summed(self.custom[writer]) and self.waiting[writer]:
            # The call without an answer was done, then, and all of it.
            self.answered_custom(writer)
        wanted = summed(self.custom[writer])
        different = [(key, found.get(key), wanted.get(key)) for key in found.keys() | wanted if found.get(key) != wanted.get(key)]
        check(not different, f"writer {writer}: (metric, minute), found, put: {sorted(different)[:3]}")
        self.waiting[writer] = None

    # Alarms.

    def observe(self, client):
        alarm = describe(client)[WATCHING]
        if alarm["StateValue"] != "INSUFFICIENT_DATA":
            self.observed.add((WATCHING, alarm["StateValue"], alarm["StateReason"]))

    def verify_alarms(self, client):
        found = describe(client)
        check(found.keys() == set(ALARMS), f"alarms: {sorted(found)}")
        for name, book in self.alarms.items():
            there = (found[name]["StateValue"], found[name]["StateReason"])
            if book.waiting and there == book.waiting:
                book.answered()
            book.waiting = None
            if book.reason:
                check(there == (book.state, book.reason), f"{name} is {there}, it was {(book.state, book.reason)}")
        is_alarm = any(found[name]["StateValue"] == "ALARM" for name in MANUAL[:2])
        state = found[COMPOSITE]["StateValue"]
        check(state == ("ALARM" if is_alarm else "OK"), f"{COMPOSITE} is {state}, its children are not")
        self.histories = {name: history(client, name) for name in ALARMS}
        for name, items in self.histories.items():
            self.verify_history(name, items, found[name])

    def verify_history(self, name, items, alarm):
        updates = [json.loads(item["HistoryData"]) for item in items if item["HistoryItemType"] == "StateUpdate"]
        news = [(update["newState"]["stateValue"], update["newState"]["stateReason"]) for update in updates]
        # Each change leads from a state to another one: as often as one was entered, it was left, but for where it is.
        entered = collections.Counter(state for state, _ in news)
        left = collections.Counter(update["oldState"]["stateValue"] for update in updates)
        entered["INSUFFICIENT_DATA"] += 1
        left[alarm["StateValue"]] += 1
        check(+entered == +left, f"{name}: a change is missing in its history: entered {entered}, left {left}")
        if name in self.alarms:
            reasons = sorted(reason for _, reason in news)
            check(reasons == sorted(self.alarms[name].reasons), f"{name}: the history has {reasons}")
        for of, state, reason in self.observed:
            check(of != name or (state, reason) in news, f"{name} was {state}, {reason}: its history does not say so")

    def verify(self, client, load):
        self.verify_minutes(client)
        for writer in range(WRITERS):
            self.verify_custom(client, writer)
        self.verify_alarms(client)


def summed(samples):
    return {key: (len(values), sum(values), min(values), max(values)) for key, values in samples.items()}


def statistics(client, namespace, metric, dimension, value, asked):
    now = clock(client)
    return client.call("GetMetricStatistics", {
        "Namespace": namespace, "MetricName": metric, "Dimensions": [{"Name": dimension, "Value": value}] if dimension else [],
        "StartTime": now - HOURS_BACK * 3600, "EndTime": now + HOURS_AHEAD * 3600, "Period": MINUTE, "Statistics": asked,
    }, "cloudwatch")["Datapoints"]


def clock(client):
    client.connection.request("GET", "/_nautilus/clock")
    return json.loads(client.connection.getresponse().read())["now_ms"] // 60_000 * 60


def describe(client):
    answer = client.call("DescribeAlarms", {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 100}, "cloudwatch")
    return {alarm["AlarmName"]: alarm for alarm in answer["MetricAlarms"] + answer["CompositeAlarms"]}


def history(client, name):
    items, request = [], {"AlarmName": name, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 100}
    while True:
        page = client.call("DescribeAlarmHistory", request, "cloudwatch")
        items += page["AlarmHistoryItems"]
        if not page.get("NextToken"):
            return items
        request["NextToken"] = page["NextToken"]
