"""An HTTP endpoint that is subscribed to a topic: confirms its subscription, and keeps what it is told."""

import http.server
import json
import threading
import time
import urllib.request


class Receiver:
    """Serves on a free port of the loopback while in `with`. `statuses` are what it answers, the last one for ever."""

    def __init__(self, statuses=(200,)):
        self.statuses, self.messages, self.changed = list(statuses), [], threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status = receiver.take(dict(self.headers), body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/alarms"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def take(self, headers, body):
        """Notes one message; a subscription's is confirmed as AWS's documentation says, by a GET of its SubscribeURL."""
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        kind = next((value for name, value in headers.items() if name.lower() == "x-amz-sns-message-type"), None)
        if kind == "SubscriptionConfirmation" and status == 200:
            url = json.loads(body)["SubscribeURL"]
            threading.Thread(target=lambda: urllib.request.urlopen(url, timeout=10).read(), daemon=True).start()
        with self.changed:
            self.messages.append((kind, headers, body, status))
            self.changed.notify_all()
        return status

    def notifications(self):
        """What was told with success: the envelopes, parsed, in the order of their coming."""
        return [json.loads(body) for kind, _, body, status in self.messages if kind == "Notification" and status == 200]

    def wait_for(self, count, seconds=30):
        """Waits until so many notifications have come."""
        until = time.monotonic() + seconds
        with self.changed:
            while len(self.notifications()) < count:
                left = until - time.monotonic()
                if left <= 0 or not self.changed.wait(left):
                    kinds = [kind for kind, *_ in self.messages]
                    raise AssertionError(f"{count} notifications wanted after {seconds} s, told: {kinds}")
        return self.notifications()
