"""What the suites written in Python share: a server of their own, and a client without dependencies.

The client speaks JSON, to Kinesis and to CloudWatch, over plain sockets and signs nothing (a `--dev` server looks only at the
credential's scope), so that a suite can generate load and see every byte. Suites that show that AWS's own clients
work use boto3 and the CLI instead.
"""

import base64
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
NAUTILUS_BIN = pathlib.Path(os.environ.get("NAUTILUS_BIN", TARGET / "release" / "nautilus"))
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20250101/us-east-1/kinesis/aws4_request, "
    "SignedHeaders=host;x-amz-date;x-amz-target, Signature=" + "0" * 64
)


# Who is started in the background ignores Ctrl-C, and so would all whom he starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Failed(Exception):
    """What a suite found wrong."""


class ApiError(Exception):
    """An answer of AWS's error shape."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body}")
        self.status, self.code, self.message = status, body.get("__type"), body.get("message")


def check(truth, what):
    if not truth:
        raise Failed(what)


TARGETS = {
    "kinesis": ("application/x-amz-json-1.1", "Kinesis_20131202"),
    "cloudwatch": ("application/x-amz-json-1.0", "GraniteServiceVersion20100801"),
}


def headers(operation, service="kinesis"):
    content_type, target = TARGETS[service]
    return {
        "Content-Type": content_type,
        "X-Amz-Target": f"{target}.{operation}",
        "X-Amz-Date": "20250101T000000Z",
        "Authorization": AUTHORIZATION,
    }


def raw_request(port, operation, body):
    """The bytes of one whole request, for tests that send it in pieces."""
    lines = [f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in headers(operation).items()]
    return ("".join(lines) + "\r\n").encode() + body


class Client:
    """One connection. Not for several threads at once."""

    def __init__(self, port, timeout=30):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, operation, body, service="kinesis"):
        """The parsed answer; ApiError for AWS's errors, OSError or HTTPException when no whole answer came."""
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        self.connection.request("POST", "/", body, headers(operation, service))
        response = self.connection.getresponse()
        content = response.read()
        answer = json.loads(content) if content else {}
        if response.status != 200:
            raise ApiError(response.status, answer)
        return answer

    def close(self):
        self.connection.close()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Server:
    """The built binary as a process of ours, on a free port; killed and cleared away by `with`."""

    def __init__(self, suite, *flags):
        if not os.access(NAUTILUS_BIN, os.X_OK):
            sys.exit(f"FAILED {suite}: no {NAUTILUS_BIN}: run `cargo build --release` or set NAUTILUS_BIN")
        (TARGET / "clients").mkdir(parents=True, exist_ok=True)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix=f"{suite}.", dir=TARGET / "clients"))
        self.data_dir, self.log, self.flags = self.work / "data", self.work / "server.log", flags
        self.process, self.port, self.ready_seconds = None, None, None

    def __enter__(self):
        self.ready_seconds = self.start()
        return self

    def __exit__(self, kind, error, trace):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if kind is None:
            shutil.rmtree(self.work)
        else:
            print(f"--- the server's last words (all of it: {self.log})", file=sys.stderr)
            print("\n".join(self.log.read_text(errors="replace").splitlines()[-30:]), file=sys.stderr)

    def start(self, port=None):
        """Starts it, on a free port if none is given, and answers how many seconds it took from the start of the binary
        to `/readyz`.
        """
        self.port = free_port() if port is None else port
        command = [NAUTILUS_BIN, "serve", "--dev", "--listen", f"127.0.0.1:{self.port}", "--data-dir", self.data_dir]
        with open(self.log, "ab") as log:
            began = time.monotonic()
            self.process = subprocess.Popen(
                [*command, *self.flags], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        while time.monotonic() - began < 20:
            check(self.process.poll() is None, f"the server ended with {self.process.returncode} before it was ready")
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                    probe.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    if probe.recv(64).startswith(b"HTTP/1.1 200"):
                        return time.monotonic() - began
            except OSError:
                pass
            time.sleep(0.0005)
        raise Failed("the server is not ready after 20 s")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def terminate(self):
        """SIGTERM; answers (exit code, seconds it took)."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30), time.monotonic() - began

    def client(self, timeout=30):
        return Client(self.port, timeout)

    def post(self, path, body):
        """The operator's side: `/_nautilus/...`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        check(response.status == 200, f"POST {path}: {response.status} {content!r}")
        return content


def sns(server, action, every=None, **members):
    """One call of SNS, in the Query protocol: the answer's fields, or all fields of the name `every`."""
    form = urllib.parse.urlencode({"Action": action, "Version": "2010-03-31", **members})
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    signed = {
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "X-Amz-Date": "20250101T000000Z",
        "Authorization": AUTHORIZATION.replace("/kinesis/", "/sns/"),
    }
    try:
        connection.request("POST", "/", form, signed)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    check(response.status == 200, f"{action}: {response.status} {body!r}")
    fields = [(field.tag.rpartition("}")[2], field.text) for field in xml.etree.ElementTree.fromstring(body).iter()]
    return [text for name, text in fields if name == every] if every else dict(fields)


def wait_for_status(client, stream, status="ACTIVE", seconds=10):
    """Waits for a stream's status, or for it to be gone when `status` is None."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            summary = client.call("DescribeStreamSummary", {"StreamName": stream})["StreamDescriptionSummary"]
            if summary["StreamStatus"] == status:
                return summary
        except ApiError as error:
            if error.code == "ResourceNotFoundException" and status is None:
                return None
            if error.code not in ("ResourceNotFoundException", "LimitExceededException"):
                raise
        time.sleep(0.02)
    raise Failed(f"stream {stream} is not {status or 'gone'} after {seconds} s")


def read_shard(client, stream, shard, after=None):
    """Every record that is visible now, in the order in which the shard gives them."""
    request = {"StreamName": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    if after is not None:
        request.update(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=after)
    iterator = client.call("GetShardIterator", request)["ShardIterator"]
    while iterator:
        page = client.call("GetRecords", {"ShardIterator": iterator})
        yield from page["Records"]
        if not page["Records"] and page["MillisBehindLatest"] == 0:
            return
        iterator = page.get("NextShardIterator")


def decode(data):
    return base64.b64decode(data, validate=True)


def main(suite, run):
    """Runs a suite and turns its outcome into words and an exit code."""
    began = time.monotonic()
    try:
        run()
    except (Failed, AssertionError) as error:
        sys.exit(f"FAILED {suite}: {error}")
    print(f"  {suite}: passed in {time.monotonic() - began:.0f} s")
