"""OWASP API4:2023: requests are bounded in headers, depth and time, and whoever is slow keeps nobody else out."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from tests.acceptance.installation import LIFTED, Installation, Tenant, problem
from tests.acceptance.more import more_apis
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

JSON = {"Content-Type": "application/json"}
HEAD = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
FORMER_MOST = 2048


@pytest.fixture(scope="module")
def impatient(installation: Installation) -> Iterator[str]:
    """The URL of an API process that waits one second for anything."""
    environment = {**LIFTED, "RAPPORT_IDLE_SECONDS": "1", "RAPPORT_BODY_SECONDS": "1"}
    with more_apis(installation, 1, environment) as (url,):
        yield url


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=PATIENCE)


def status(connection: socket.socket) -> bytes:
    return connection.recv(65_536).split(b" ")[1]


def seconds_until_closed(connection: socket.socket) -> float:
    started = time.monotonic()
    assert connection.recv(1) == b""
    return time.monotonic() - started


@pytest.mark.parametrize(("number", "answer"), [(99, b"200"), (200, b"431")])
def test_a_request_has_a_hundred_headers_at_most(installation: Installation, number: int, answer: bytes) -> None:
    with connect(str(installation.ready["url"])) as connection:
        connection.sendall(HEAD + b"".join(b"X-%d: x\r\n" % n for n in range(number)) + b"\r\n")
        assert status(connection) == answer


def test_a_head_that_does_not_end_is_refused_before_it_takes_much_memory(installation: Installation) -> None:
    with connect(str(installation.ready["url"])) as connection:
        connection.sendall(HEAD + b"X-Long: " + b"x" * 100_000)
        assert status(connection) == b"431"


@pytest.mark.parametrize("depth", [65, 100_000])
def test_what_is_nested_too_deeply_is_refused(tenant: Tenant, depth: int) -> None:
    body = b'{"name": ' + b"[" * depth + b"]" * depth + b"}"
    refused = problem(tenant.http.post("/v1/contacts", content=body, headers=JSON), 400, "body.malformed")
    assert "64 levels" in refused["detail"]


def test_brackets_in_a_text_nest_nothing(tenant: Tenant) -> None:
    assert tenant.add({"name": "Ada", "title": '\\"[{' * 40})["title"] == '\\"[{' * 40


def test_a_text_that_never_ends_is_refused_at_once(tenant: Tenant) -> None:
    body = b"[" * 70 + b'"' + b'\\"' * 500_000
    started = time.monotonic()
    problem(tenant.http.post("/v1/contacts", content=body, headers=JSON), 400, "body.malformed")
    assert time.monotonic() - started < PATIENCE / 2


@pytest.mark.parametrize("head", [b"", HEAD, HEAD + b"\r\n"])
def test_a_head_that_does_not_come_closes_the_connection(impatient: str, head: bytes) -> None:
    """Neither the first, nor its rest, nor the next."""
    with connect(impatient) as connection:
        connection.sendall(head)
        if head.endswith(b"\r\n\r\n"):
            assert status(connection) == b"200"
        assert 0.5 < seconds_until_closed(connection) < PATIENCE


@pytest.mark.parametrize("pause", [0.17, 0.2, 0.23])
def test_a_body_that_does_not_come_is_given_up(impatient: str, tenant: Tenant, pause: float) -> None:
    with connect(impatient) as connection:
        connection.sendall(
            b"POST /v1/contacts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
            b"Authorization: Bearer " + tenant.token.encode() + b"\r\n\r\n"
        )
        started = time.monotonic()
        for letter in b'{"name"':  # a little every now and then does not help
            time.sleep(pause)
            connection.sendall(bytes([letter]))
            if time.monotonic() - started > 1:
                break
        answer = connection.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"body.timeout"' in answer
        assert seconds_until_closed(connection) < PATIENCE
    assert httpx.get(f"{impatient}/health/live").is_success


def test_more_connections_than_may_queue_can_idle_and_others_are_served(installation: Installation) -> None:
    url = str(installation.ready["url"])
    with ExitStack() as stack:
        for _ in range(FORMER_MOST + 100):
            stack.enter_context(connect(url))
        assert httpx.get(f"{url}/health/live", timeout=PATIENCE).is_success
