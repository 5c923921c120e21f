"""More API processes on the servers of an installation."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import httpx

from infra.embedded import ports
from tests.acceptance.installation import ROOT, TESTING, Installation
from tests.waiting import PATIENCE, wait


@contextmanager
def more_apis(first: Installation, number: int, environment: Mapping[str, str]) -> Iterator[list[str]]:
    """So many of them, serving; gives their URLs."""
    free = [ports.find_free(ports.usual_range()) for _ in range(number)]
    with (first.data / "logs" / "api-more.log").open("ab") as log:
        processes = [_start(first, port, environment, log.fileno()) for port in free]
    try:
        urls = [f"http://127.0.0.1:{port}" for port in free]
        for url, process in zip(urls, processes, strict=True):
            wait(lambda url=url, process=process: _serves(url, process), 2 * PATIENCE)  # type: ignore[misc]
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
        **TESTING,
        **environment,
    }
    command = [sys.executable, "-m", "bootstrap", "role", "api", str(port)]
    return subprocess.Popen(command, cwd=ROOT, env=settings, stdout=log, stderr=log)


def _serves(url: str, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "it has ended; see logs/api-more.log"
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/health/live", verify=False).is_success  # noqa: S501 - plain HTTP
    return False
