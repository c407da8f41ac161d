"""Endpoints that make it hard to tell them anything."""

import json
import random
import time

from harness import check, sns
from receiver import Receiver


class Endpoint(Receiver):
    """Confirms its subscription, and answers a notification as `answer` says."""

    def attempts(self):
        """Each attempt's envelope, with the status that it was answered with."""
        return [(json.loads(body), status) for kind, _, body, status in list(self.messages) if kind == "Notification"]

    def take(self, headers, body):
        self.statuses = [200]
        if json.loads(body)["Type"] == "Notification":
            status = self.answer()
            with self.changed:
                self.messages.append(("Notification", headers, body, status))
                self.changed.notify_all()
            return status
        return super().take(headers, body)


class Moody(Endpoint):
    """Takes most at once, some late, and some not now."""

    def __init__(self, seed):
        super().__init__()
        self.chance = random.Random(seed)
        self.is_calm = False

    def answer(self):
        if self.is_calm:
            return 200
        time.sleep(self.chance.choice((0, 0, 0, 0, 0, 0.02, 0.1, 1)))
        return self.chance.choice((200, 200, 200, 503))


class Refusing(Endpoint):
    """Never takes anything, and says so: nothing is tried again."""

    tries = 1

    def answer(self):
        return 400


class Sick(Endpoint):
    """Cannot take anything, ever: it is tried again twice, and given up."""

    tries = 3

    def answer(self):
        return 503


def subscribe(server, topic, endpoint, retries):
    arn = sns(server, "Subscribe", TopicArn=topic, Protocol="http", Endpoint=endpoint.url, ReturnSubscriptionArn="true")
    arn, until = arn["SubscriptionArn"], time.monotonic() + 20
    policy = json.dumps({"healthyRetryPolicy": retries})
    attributes = {"SubscriptionArn": arn, "AttributeName": "DeliveryPolicy", "AttributeValue": policy}
    while time.monotonic() < until:
        if any(kind == "SubscriptionConfirmation" for kind, *_ in endpoint.messages):
            found = sns(server, "ListSubscriptionsByTopic", TopicArn=topic, every="SubscriptionArn")
            if arn in found:
                sns(server, "SetSubscriptionAttributes", **attributes)
                return
        time.sleep(0.02)
    check(False, f"{endpoint.url} is not subscribed")
