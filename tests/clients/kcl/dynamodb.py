"""The DynamoDB in which the KCL keeps its leases: moto's, from PyPI, as a process on a free port."""

import os
import pathlib
import socket
import subprocess
import sys
import time

from harness import TARGET, check

BUILD = TARGET / "clients" / "moto-build"
VERSION = "5.2.5"


class DynamoDb:
    def __init__(self, log):
        self.log, self.process, self.port = log, None, None

    def __enter__(self):
        install()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        environment = {**os.environ, "PYTHONPATH": str(BUILD), "AWS_EC2_METADATA_DISABLED": "true"}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
            )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            check(self.process.poll() is None, f"moto ended with {self.process.returncode}: {self.log}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        check(False, "moto is not ready after 60 s")

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def install():
    """Into the target directory, once for each version: the machine's own packages stay as they are."""
    if pathlib.Path(BUILD, f"moto-{VERSION}.dist-info", "RECORD").exists():
        return
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-conflicts"]
    command += ["--root-user-action=ignore", "--upgrade", "--target", BUILD, f"moto[server,dynamodb]=={VERSION}"]
    subprocess.run(command, check=True, timeout=300)
