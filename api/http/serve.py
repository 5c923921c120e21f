"""Serves the application with Granian, in this process and on this loop."""

import asyncio
import signal

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar.types import ASGIApp

_DRAIN_SECONDS = 4.0
_HEADER_SECONDS = 10


async def serve(app: ASGIApp, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way then get a few seconds to end.

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
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_SECONDS * 1000),
        websockets=False,
        backlog=2048,
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
