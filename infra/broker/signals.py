"""Short messages that save a poll: "there is something new" to the relay, "it is applied" to those who wait.

All of it may be lost without harm: both sides also look for themselves.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from domain.errors import kind_of
from infra.broker.connection import NatsConnection
from infra.cancellation import heed_cancellation

_log = structlog.get_logger()

_POKE = "poke"
_APPLIED = "applied"
_TOGETHER_SECONDS = 0.004
_MOST_PENDING = 256 * 1024
"""Bytes that wait for the broker: beyond this it is stuck, and the client would make us wait too."""


class NatsSignals:
    """Sends and hears pokes and announcements over core NATS."""

    def __init__(self, connection: NatsConnection) -> None:
        self._connection = connection
        self._applied: list[str] = []
        self._telling: asyncio.Task[None] | None = None

    async def poke(self, grown: Mapping[UUID, int]) -> None:
        """Tell the relay that tenants' logs have grown, and to which positions."""
        await self._send(_POKE, ",".join(f"{tenant_id}:{position}" for tenant_id, position in grown.items()))

    async def applied(self, tenant_id: UUID, checkpoints: Sequence[str], position: int) -> None:
        """Implements projections.ports.Announcements.

        Told a moment later, together with what comes meanwhile: every message is a write to the socket.
        """
        self._applied.append(f"{tenant_id}:{position}:{','.join(checkpoints)}")
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    async def on_poke(self, hear: Callable[[UUID, int], None]) -> None:
        """Call `hear` for every poke, from the first connection on."""

        async def heard(message: Msg) -> None:
            for grown in message.data.decode().split(","):
                tenant_id, position = grown.split(":")
                hear(UUID(tenant_id), int(position))

        client = await self._connection.connected()
        await client.subscribe(_POKE, cb=heard)

    async def on_applied(self, hear: Callable[[UUID, Sequence[str], int], None]) -> None:
        """Call `hear` with tenant, checkpoints and position for every announcement."""

        async def heard(message: Msg) -> None:
            for line in message.data.decode().split("\n"):
                tenant_id, position, checkpoints = line.split(":")
                hear(UUID(tenant_id), checkpoints.split(","), int(position))

        client = await self._connection.connected()
        await client.subscribe(_APPLIED, cb=heard)

    async def _tell(self) -> None:
        await asyncio.sleep(_TOGETHER_SECONDS)
        lines, self._applied = self._applied, []
        await self._send(_APPLIED, "\n".join(lines))

    async def _send(self, subject: str, text: str) -> None:
        client = self._connection.client
        if client and client.pending_data_size < _MOST_PENDING:
            try:
                await client.publish(subject, text.encode())
                heed_cancellation()
            except NatsError as error:
                _log.warning("signal.lost", subject=subject, error=kind_of(error))
