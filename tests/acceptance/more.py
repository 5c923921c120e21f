"""More API processes on the servers of an installation."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import httpx

from infra.embedded import ports
from tests.acceptance.installation import ROOT, Installation
from tests.waiting import PATIENCE


@contextmanager
def more_apis(first: Installation, number: int, environment: Mapping[str, str]) -> Iterator[list[str]]:
    """So many of them, serving; gives their URLs."""
    free = [port for port in ports.usual_range()[:: 1 + os.getpid() % 7] if ports.is_free(port)][:number]
    with (first.data / "logs" / "api-more.log").open("ab") as log:
        processes = [_start(first, port, environment, log.fileno()) for port in free]
    try:
        urls = [f"http://127.0.0.1:{port}" for port in free]
        for url in urls:
            _wait(url)
        yield urls
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(PATIENCE)


def _start(first: Installation, port: int, environment: Mapping[str, str], log: int) -> "subprocess.Popen[bytes]":
    settings = {
        **os.environ,
        "RAPPORT_DATA": str(first.data),
        "RAPPORT_POSTGRES_DSN": str(first.ready["postgres"]),
        "RAPPORT_NATS_URL": str(first.ready["nats"]),
        "RAPPORT_VALKEY_URL": str(first.ready["valkey"]),
        "RAPPORT_SEARCH": "postgres",
        "RAPPORT_PARENT": str(os.getpid()),
        **environment,
    }
    command = [sys.executable, "-m", "bootstrap", "role", "api", str(port)]
    return subprocess.Popen(command, cwd=ROOT, env=settings, stdout=log, stderr=log)


def _wait(url: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/health/live").is_success:
                return
        time.sleep(0.05)
    raise TimeoutError(url)
