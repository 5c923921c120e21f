"""users.p95, users.p99: ten thousand signed-in users, a thousand requests a second, on the machine that sends them.

Each user has a keep-alive connection of its own. Requests come at random moments, whether or not those before are
answered: a latency counts from the moment that a request was due. References are the limits of N-P1 (500 ms, 2 s) and
N-P2 (512 MB for the largest process).
"""

import asyncio
import json
import random
import resource
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

import psutil
import uvloop
from msgspec import Struct

from bench.installation import call, installation, sign_up
from bench.load import length_of, request, summary
from bench.report import Figure, show

CONNECTIONS = 10_000
RATE = 1_000
SECONDS = 20.0
WARM_UP_SECONDS = 3.0
TENANTS = 50
USERS = 10
CONTACTS = 40
P95_MS, P99_MS, RSS_MB = 500.0, 2_000.0, 512.0
_SETTLE_SECONDS = 30.0
_AT_ONCE = 200
_WORDS = ("ada", "lovelase", "grace", "hoper", "babage", "engines")


class Account(Struct, frozen=True):
    """A user who has signed in, and contacts of the tenant."""

    token: str
    contacts: Sequence[str]


def accounts(url: str) -> list[Account]:
    """Users of all tenants, and what they look at."""
    return [account for number in range(TENANTS) for account in tenant(url, number)]


def tenant(url: str, number: int) -> list[Account]:
    """A tenant with contacts, and its users."""
    admin = {"Authorization": f"Bearer {sign_up(url)}"}
    contacts = [
        call(url, "POST", "/v1/contacts", {"name": f"Ada Hopper {n}", "email": f"ada{n}@engines.example"}, admin)["id"]
        for n in range(CONTACTS)
    ]
    found = []
    for n in range(USERS):
        user = {"email": f"user{n}@tenant{number}.example", "password": "a long enough password"}
        call(url, "POST", "/v1/users", user | {"name": f"User {n}", "roles": ["manager"]}, admin)
        found.append(Account(call(url, "POST", "/v1/auth/login", user)["access_token"], contacts))
    return found


def some_request(account: Account, chance: random.Random) -> bytes:
    """What a user does next: mostly looks, sometimes searches, seldom writes."""
    headers = {"Authorization": f"Bearer {account.token}"}
    contact = f"/v1/contacts/{chance.choice(account.contacts)}"
    kind = chance.random()
    if kind < 0.35:
        return request("GET", contact, headers=headers)
    if kind < 0.60:
        return request("GET", "/v1/contacts?limit=20&sort=-updated_at", headers=headers)
    if kind < 0.75:
        return request("GET", f"/v1/contacts/search?q={chance.choice(_WORDS)}&limit=10", headers=headers)
    if kind < 0.90:
        return request("GET", "/v1/me", headers=headers)
    headers["Content-Type"] = "application/json"
    if kind < 0.95:
        body = {"name": f"Grace Babbage {chance.random()}", "tags": ["bench"]}
        return request("POST", "/v1/contacts", json.dumps(body).encode(), headers)
    return request("PATCH", contact, json.dumps({"title": f"Title {chance.random()}"}).encode(), headers)


class _Client(asyncio.Protocol):
    """One user's connection: one request at a time, those that fall due meanwhile wait their turn."""

    def __init__(self, account: Account, latencies: list[float], statuses: Counter[str]) -> None:
        self.account = account
        self._latencies = latencies
        self._statuses = statuses
        self._waiting: list[tuple[float, bytes]] = []
        self._buffer = b""
        self._at_rest = asyncio.Event()
        self._at_rest.set()

    async def rest(self) -> None:
        """Wait until everything is answered."""
        await self._at_rest.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def send(self, due: float, wanted: bytes) -> None:
        self._waiting.append((due, wanted))
        if len(self._waiting) == 1:
            self._at_rest.clear()
            self.transport.write(wanted)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator or len(rest) < length_of(head):
            return
        self._buffer = b""
        due, _ = self._waiting.pop(0)
        self._latencies.append(time.perf_counter() - due)
        self._statuses[head[9:12].decode()] += 1
        if self._waiting:
            self.transport.write(self._waiting[0][1])
        else:
            self._at_rest.set()

    def connection_lost(self, _: Exception | None) -> None:
        if self._waiting:
            self._statuses["connection lost"] += len(self._waiting)
        self._at_rest.set()


def _itself(client: _Client) -> _Client:
    return client


async def connected(
    url: str, users: Sequence[Account], latencies: list[float], statuses: Counter[str]
) -> list[_Client]:
    """All connections, opened some at a time."""
    host, loop, clients = urlsplit(url), asyncio.get_running_loop(), list[_Client]()
    for start in range(0, CONNECTIONS, _AT_ONCE):
        some = [_Client(users[n % len(users)], latencies, statuses) for n in range(start, start + _AT_ONCE)]
        await asyncio.gather(
            *(loop.create_connection(partial(_itself, one), host.hostname or "", host.port or 0) for one in some)
        )
        clients += some
    return clients


async def drive(url: str, users: Sequence[Account]) -> tuple[list[float], Counter[str]]:
    """Latencies in seconds, and the answers by status."""
    latencies, statuses, chance = list[float](), Counter[str](), random.Random(7)
    clients = await connected(url, users, latencies, statuses)
    due = time.perf_counter()
    warm, end = due + WARM_UP_SECONDS, due + WARM_UP_SECONDS + SECONDS
    while due < end:
        due += chance.expovariate(RATE)
        if (ahead := due - time.perf_counter()) > 0.001:
            await asyncio.sleep(ahead)
        if warm and due > warm:
            warm = 0.0
            latencies.clear()
        client = chance.choice(clients)
        client.send(due, some_request(client.account, chance))
    async with asyncio.timeout(_SETTLE_SECONDS):
        await asyncio.gather(*(client.rest() for client in clients))
    for client in clients:
        client.transport.close()
    return latencies, statuses


def memory(pid: int) -> dict[str, float]:
    """Resident megabytes by process; of servers with many processes the largest."""
    found = dict[str, float]()
    for child in psutil.Process(pid).children(recursive=True):
        words = child.cmdline()
        name = words[words.index("role") + 1] if "role" in words else child.name()
        found[name] = max(found.get(name, 0.0), child.memory_info().rss / 1e6)
    return found


def figures(ready: dict[str, Any]) -> list[Figure]:
    """Everything of one run."""
    users = accounts(ready["url"])
    latencies, statuses = uvloop.run(drive(ready["url"], users))
    if failed := {status: number for status, number in statuses.items() if not status.startswith("2")}:
        raise SystemExit(f"users: requests failed: {failed}")
    measured, sizes = summary(latencies, SECONDS), memory(ready["pid"])
    note = f"{CONNECTIONS} connections, {measured.rate:.0f} requests/s, p50 {measured.p50:.1f} ms"
    largest = max(sizes.values())
    told = ", ".join(f"{name} {size:.0f}" for name, size in sorted(sizes.items()))
    return [
        Figure("users.p95", measured.p95, P95_MS, P95_MS / measured.p95, "ms", note),
        Figure("users.p99", measured.p99, P99_MS, P99_MS / measured.p99, "ms", note),
        Figure("users.rss", largest, RSS_MB, RSS_MB / largest, "MB", told),
    ]


def main() -> None:
    """Measure and report."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with installation("--search", "postgres") as ready:
        show(figures(ready))


if __name__ == "__main__":
    main()
