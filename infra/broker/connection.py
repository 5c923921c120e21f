"""The connection to NATS: made when it can be, kept by itself, and never a reason not to start."""

import asyncio
from contextlib import suppress

import nats
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from domain.errors import kind_of
from infra.cancellation import ended

_log = structlog.get_logger()

_RETRY_SECONDS = 0.5


class NatsConnection:
    """Connects in the background and stays at it. `client` is None while there is no connection."""

    def __init__(self, url: str | None, name: str) -> None:
        self._url = url
        self._name = name
        self._client: Client | None = None
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def client(self) -> Client | None:
        """The client while it is connected."""
        return self._client if self._client and self._client.is_connected else None

    async def open(self) -> None:
        """Start connecting; returns at once."""
        if self._url:
            self._task = asyncio.create_task(self._connect(self._url))

    async def connected(self) -> Client:
        """Wait for the first connection."""
        await self._ready.wait()
        if self._client is None:
            raise RuntimeError("ready without a client")
        return self._client

    async def close(self) -> None:
        """Let go of the connection."""
        if self._task:
            await ended([self._task])
        if self._client:
            with suppress(NatsError, TimeoutError):
                await asyncio.wait_for(self._client.close(), 2)

    async def _connect(self, url: str) -> None:
        while True:
            try:
                self._client = await nats.connect(
                    url,
                    name=f"rapport-{self._name}",
                    connect_timeout=2,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=_RETRY_SECONDS,
                    allow_reconnect=True,
                    # What could not be sent is made good from Postgres; a buffer would only bring it late.
                    pending_size=1024 * 1024,
                    error_cb=self._error,
                )
            except (NatsError, OSError, TimeoutError) as error:
                _log.warning("nats.unreachable", error=kind_of(error))
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self._ready.set()
                return

    async def _error(self, error: Exception) -> None:
        _log.warning("nats.error", error=kind_of(error))
