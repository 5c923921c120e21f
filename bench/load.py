"""A load generator that costs little: one protocol object per keep-alive connection, no HTTP library."""

import asyncio
import random
import statistics
import time
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from msgspec import Struct


class Measured(Struct, frozen=True):
    """What a run gave: requests per second, latencies in milliseconds, and the answers that were no success."""

    rate: float
    p50: float
    p95: float
    p99: float
    failed: int


def request(method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """An HTTP/1.1 request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def length_of(head: bytes) -> int:
    """The length of an answer's body by its head; 0 where there is none."""
    return int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)


class _Connection(asyncio.Protocol):
    def __init__(self, next_request: Callable[[], bytes | None], done: asyncio.Future[None]) -> None:
        self._next = next_request
        self._done = done
        self._buffer = b""
        self._sent = 0.0
        self.latencies: list[float] = []
        self.failed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        wanted = self._next()
        if wanted is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(wanted)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = length_of(head)
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        self.latencies.append(time.perf_counter() - self._sent)
        self.failed += not head.startswith(b"HTTP/1.1 2")
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)


def _always(protocol: _Connection) -> Callable[[], _Connection]:
    return lambda: protocol


async def flat_out(url: str, make: Callable[[], bytes], *, connections: int, seconds: float) -> Measured:
    """Send requests as fast as they are answered."""
    host = urlsplit(url)
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    end = started + seconds

    def next_request() -> bytes | None:
        return make() if time.perf_counter() < end else None

    protocols, waits = [], []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        protocol = _Connection(next_request, done)
        await loop.create_connection(_always(protocol), host.hostname or "", host.port or 0)
        protocols.append(protocol)
        waits.append(done)
    await asyncio.gather(*waits)
    return summary(
        [latency for protocol in protocols for latency in protocol.latencies],
        time.perf_counter() - started,
        sum(protocol.failed for protocol in protocols),
    )


async def paced(url: str, make: Callable[[], bytes], *, rate: float, seconds: float, connections: int = 8) -> Measured:
    """Send `rate` requests a second on average at random moments, shared out to connections.

    Latencies count from the moment that was meant, so that a request which waits for the one before it counts too.
    """
    host, moments, latencies = urlsplit(url), random.Random(1), []
    failed, started = 0, time.perf_counter()

    async def ask() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(host.hostname, host.port)
        meant = started
        while (meant := meant + moments.expovariate(rate / connections)) < started + seconds:
            await asyncio.sleep(meant - time.perf_counter())
            writer.write(make())
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(length_of(head))
            latencies.append(time.perf_counter() - meant)
            failed += not head.startswith(b"HTTP/1.1 2")
        writer.close()

    await asyncio.gather(*(ask() for _ in range(connections)))
    return summary(latencies, time.perf_counter() - started, failed)


def summary(latencies: list[float], seconds: float, failed: int = 0) -> Measured:
    """Figures of a run from its latencies in seconds."""
    cuts = statistics.quantiles(latencies, n=100) if len(latencies) > 1 else [0.0] * 99
    return Measured(len(latencies) / seconds, cuts[49] * 1000, cuts[94] * 1000, cuts[98] * 1000, failed)
