"""What a round does until the kill, and the calls it does it with."""

import base64
import http.client
import json
import random
import threading
import time

from harness import ApiError, Failed, check, sns

STREAM = "counted"
MANUAL, WATCHING, COMPOSITE = ("by-hand-0", "by-hand-1", "by-hand-2"), "watching", "both"
STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")
NAMESPACE, WRITERS = "Shop", 2
MINUTE = 60


def advance(server, seconds):
    """Moves the service's clock; `server.now()` then is what it says."""
    server.post("/_nautilus/clock", {"advance": f"{round(seconds * 1000)}ms"})
    client, looks = server.client(), []
    for _ in range(3):
        began = time.time()
        client.connection.request("GET", "/_nautilus/clock")
        now = json.loads(client.connection.getresponse().read())["now_ms"] / 1000
        ended = time.time()
        looks.append((ended - began, now - (began + ended) / 2))
    client.close()
    server.offset = min(looks)[1]
    server.now = lambda: time.time() + server.offset


def put_alarms(client, many, few):
    """Three that are set by hand, one that watches a metric, and one above two of the former."""
    common = {
        "Namespace": NAMESPACE, "Statistic": "Sum", "Period": MINUTE, "EvaluationPeriods": 1, "Threshold": 50.0,
        "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "ignore",
    }
    for name in (*MANUAL, WATCHING):
        actions = {f"{state}Actions": [many] for state in ("OK", "Alarm", "InsufficientData")}
        client.call("PutMetricAlarm", {"AlarmName": name, "MetricName": name, **common, **actions}, "cloudwatch")
    rule = f'ALARM("{MANUAL[0]}") OR ALARM("{MANUAL[1]}")'
    actions = {f"{state}Actions": [few] for state in ("OK", "Alarm", "InsufficientData")}
    client.call("PutCompositeAlarm", {"AlarmName": COMPOSITE, "AlarmRule": rule, **actions}, "cloudwatch")


class Load:
    """One round's calls. What they were answered goes to the books."""

    def __init__(self, server, books, number, topic, chance):
        self.server, self.books, self.number, self.topic = server, books, number, topic
        self.published, self.errors, self.turn = set(), [], 0
        self.is_ending = self.is_killed = False
        self.seed, self.killer = chance.random(), None

    def run(self, seconds, kill=False, until=lambda: False):
        """All writers at once for a while, within one minute if possible; ended by the kill, or by themselves. Answers
        whether what it waited for came.
        """
        jobs = [self.put_record, self.put_records, self.change_alarms, self.publish]
        jobs += [lambda chance, writer=writer: self.put_metric_data(chance, writer) for writer in range(WRITERS)]
        self.is_ending, self.counts = False, self.books.open(self.server.now())
        threads = [threading.Thread(target=self.guard, args=(job, f"{self.seed} {n}")) for n, job in enumerate(jobs)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + seconds
        while not (has_come := until()) and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.002))
        if kill:
            self.kill()
        self.is_ending = True
        for thread in threads:
            thread.join()
        self.books.close(self.counts, self.server.now())
        return has_come

    def guard(self, job, seed):
        chance = random.Random(seed)
        try:
            job(chance)
        except (OSError, http.client.HTTPException) as error:
            if not self.is_killed:
                self.errors.append(f"a connection broke before the kill: {error!r}")
        except (ApiError, Failed) as error:
            self.errors.append(f"{job}: {error}")

    def kill(self):
        self.is_killed = True  # first: the threads notice the kill before it returns
        self.server.kill()

    def kill_after(self, seconds):
        def later():
            time.sleep(seconds)
            self.kill()

        self.killer = threading.Thread(target=later)
        self.killer.start()

    def join_killer(self):
        self.killer.join()

    def put_record(self, chance):
        client = self.server.client()
        while not self.is_ending:
            size, key = chance.randrange(1, 3000), f"k{chance.randrange(100)}"
            counted = {"IncomingRecords": 1, "IncomingBytes": size + len(key), "PutRecord.Success": 1}
            self.counts.send(counted)
            data = base64.b64encode(b"x" * size).decode()
            client.call("PutRecord", {"StreamName": STREAM, "PartitionKey": key, "Data": data})
            self.counts.answer(counted)

    def put_records(self, chance):
        client = self.server.client()
        while not self.is_ending:
            sizes = [chance.randrange(1, 500) for _ in range(chance.randrange(1, 30))]
            records = [{"PartitionKey": f"{n:03}", "Data": base64.b64encode(b"y" * size).decode()} for n, size in enumerate(sizes)]
            counted = {
                "IncomingRecords": len(sizes), "IncomingBytes": sum(sizes) + 3 * len(sizes),
                "PutRecords.Success": 1, "PutRecords.SuccessfulRecords": len(sizes),
            }
            self.counts.send(counted)
            answer = client.call("PutRecords", {"StreamName": STREAM, "Records": records})
            check(answer["FailedRecordCount"] == 0, f"PutRecords refused some: {answer}")
            self.counts.answer(counted)

    def put_metric_data(self, chance, writer):
        """Each writer has metrics of its own; a put is of several minutes and of all ways to give values."""
        client = self.server.client()
        while not self.is_ending:
            minute = int(self.server.now()) // MINUTE - chance.randrange(3)
            samples = [chance.randrange(1000) for _ in range(chance.randrange(1, 5))]
            value, other = chance.randrange(1000), chance.randrange(1000)
            data = [
                ("Value", minute, {"Value": value}, [value]),
                ("Values", minute, {"Values": samples, "Counts": [2] * len(samples)}, samples * 2),
                ("Set", minute - 1, {"StatisticValues": {
                    "SampleCount": 2, "Sum": value + other, "Minimum": min(value, other), "Maximum": max(value, other),
                }}, [value, other]),
            ]
            time.sleep(chance.uniform(0, 0.004))
            self.put_data(client, writer, data)

    def put_data(self, client, writer, data):
        metric_data = [
            {"MetricName": name, "Dimensions": [{"Name": "Writer", "Value": str(writer)}], "Timestamp": minute * MINUTE, **given}
            for name, minute, given, _ in data
        ]
        self.books.sent_custom(writer, [(name, minute, values) for name, minute, _, values in data])
        client.call("PutMetricData", {"Namespace": NAMESPACE, "MetricData": metric_data}, "cloudwatch")
        self.books.answered_custom(writer)

    def watched(self, value):
        """One sample in the open minute of what the watching alarm watches."""
        datum = {"MetricName": WATCHING, "Timestamp": int(self.server.now()), "Value": value}
        self.server.client().call("PutMetricData", {"Namespace": NAMESPACE, "MetricData": [datum]}, "cloudwatch")

    def change_alarms(self, chance):
        client = self.server.client()
        while not self.is_ending:
            self.change(client)
            time.sleep(chance.uniform(0.01, 0.08))

    def change_one(self):
        client = self.server.client()
        self.change(client)

    def change(self, client):
        name, self.turn = MANUAL[(self.number + self.turn) % len(MANUAL)], self.turn + 1
        old = self.books.alarms[name].state
        state = STATES[(STATES.index(old) + 1 + self.turn % 2) % 3]
        reason = f"round {self.number}, change {self.turn}"
        self.books.alarms[name].sent(state, reason)
        client.call("SetAlarmState", {"AlarmName": name, "StateValue": state, "StateReason": reason}, "cloudwatch")
        self.books.alarms[name].answered()

    def publish(self, chance):
        while not self.is_ending:
            answer = sns(self.server, "Publish", TopicArn=self.topic, Message=f"round {self.number}")
            self.published.add(answer["MessageId"])
            time.sleep(chance.uniform(0.02, 0.1))
