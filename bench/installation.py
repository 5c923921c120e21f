"""A throwaway installation for a benchmark, and the bare server that it is compared with."""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

ENVIRONMENT = {
    "RAPPORT_TESTING": "1",
    "RAPPORT_BCRYPT_COST": "4",
    # Every request is counted, and none is refused.
    **{f"RAPPORT_RATE_LIMIT_{name}": "100000000/60" for name in ("AUTH", "ADDRESS", "USER", "KEY", "TENANT")},
}


@contextmanager
def installation(*options: str, **settings: str) -> Iterator[dict[str, Any]]:
    """`rapport up` in a temporary folder, with these options and variables; gives its ready line."""
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
        command = [
            sys.executable,
            "-m",
            "bootstrap",
            "up",
            "--data",
            f"{folder}/data",
            "--port",
            "0",
            "--json",
            "--no-demo",
        ]
        environment = {**os.environ, **ENVIRONMENT, "RAPPORT_LOG_LEVEL": "warning", **settings}
        process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, env=environment)
        try:
            assert process.stdout is not None  # noqa: S101
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(15)


@contextmanager
def echo_server() -> Iterator[str]:
    """A POST that answers its body, on the same server and framework; gives its URL."""
    process = subprocess.Popen([sys.executable, "-m", "bench.echo"], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None  # noqa: S101
        url = process.stdout.readline().decode().strip()
        while True:
            try:
                call(url, "POST", "/echo", {"name": "x"})
                break
            except OSError:
                time.sleep(0.02)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def call(url: str, method: str, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
    """One request by the standard library; returns the JSON of the answer."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request(method, path, json.dumps(body), {"Content-Type": "application/json", **(headers or {})})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def sign_up(url: str) -> str:
    """A new tenant; gives its admin's access token."""
    email = f"{uuid.uuid4().hex}@bench.example"
    body = {"tenant_name": "Bench", "name": "Bench", "email": email, "password": "a long enough password"}
    return str(call(url, "POST", "/v1/auth/register", body)["access_token"])
