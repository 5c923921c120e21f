"""Serves the application with Granian, in this process and on this loop."""

import asyncio
import resource
import signal

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar.types import ASGIApp

_DRAIN_SECONDS = 4.0
_HEAD_BYTES = 65_536
_CONNECTIONS = 16_384
_OTHER_FILES = 1024


async def serve(app: ASGIApp, *, host: str, port: int, idle_seconds: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way then get a few seconds to end.

    A connection that has not sent the whole head of a request within `idle_seconds`, whether its first or its next, is
    closed. A head with more than 100 headers, or of more than some 64 KiB, is answered by the server itself with 431.

    Raises:
        OSError: the port is in use.
    """
    server = Server(
        app,
        address=host,
        port=port,
        # Litestar's lifespan has nothing to do here: the composition root opens and closes what the app uses.
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=idle_seconds * 1000, max_buffer_size=_HEAD_BYTES),
        websockets=False,
        backlog=2048,
        backpressure=_connections(),
        log_enabled=False,
    )
    running = asyncio.create_task(server.serve())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if running.done():
        await running
        return
    server.stop()  # type: ignore[no-untyped-call]
    await asyncio.wait({running}, timeout=_DRAIN_SECONDS)


def _connections() -> int:
    """How many may be open at once, idle ones included; without it, it would be as many as may queue."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return _CONNECTIONS if most == resource.RLIM_INFINITY else max(1, min(_CONNECTIONS, most - _OTHER_FILES))
