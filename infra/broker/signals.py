"""Short messages that save a poll: "there is something new" to the relay, "it is applied" to those who wait.

All of it may be lost without harm: both sides also look for themselves.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from infra.broker.connection import NatsConnection

_log = structlog.get_logger()

_POKE = "poke"
_APPLIED = "applied"
_REMEMBERED = 10_000


class NatsSignals:
    """Sends and hears pokes and announcements over core NATS."""

    def __init__(self, connection: NatsConnection) -> None:
        self._connection = connection

    async def poke(self, tenant_id: UUID, position: int) -> None:
        """Tell the relay that a tenant's log has grown."""
        await self._send(_POKE, f"{tenant_id}:{position}")

    async def applied(self, tenant_id: UUID, group: str, position: int) -> None:
        """Implements projections.ports.Announcements."""
        await self._send(f"{_APPLIED}.{group}", f"{tenant_id}:{position}")

    async def on_poke(self, hear: Callable[[UUID, int], None]) -> None:
        """Call `hear` for every poke, from the first connection on."""

        async def heard(message: Msg) -> None:
            hear(*_parse(message.data))

        client = await self._connection.connected()
        await client.subscribe(_POKE, cb=heard)

    async def on_applied(self, hear: Callable[[str, UUID, int], None]) -> None:
        """Call `hear` with group, tenant and position for every announcement."""

        async def heard(message: Msg) -> None:
            hear(message.subject.partition(".")[2], *_parse(message.data))

        client = await self._connection.connected()
        await client.subscribe(f"{_APPLIED}.*", cb=heard)

    async def _send(self, subject: str, text: str) -> None:
        if client := self._connection.client:
            try:
                await client.publish(subject, text.encode())
            except NatsError as error:
                _log.warning("signal.lost", subject=subject, error=repr(error))


def _parse(data: bytes) -> tuple[UUID, int]:
    tenant_id, _, position = data.decode().partition(":")
    return UUID(tenant_id), int(position)


class Progress:
    """How far read models are, as announced; and a wait until one has reached a position.

    `look` asks Postgres for a group's position of a tenant: while NATS is away, and to begin with.
    """

    def __init__(self, look: Callable[[UUID, str], Awaitable[int]]) -> None:
        self._look = look
        self._known: OrderedDict[tuple[str, UUID], int] = OrderedDict()
        self._waiting: dict[tuple[str, UUID], set[asyncio.Event]] = {}

    def heard(self, group: str, tenant_id: UUID, position: int) -> None:
        """Take an announcement."""
        key = (group, tenant_id)
        self._known[key] = max(position, self._known.pop(key, 0))
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        for event in self._waiting.get(key, ()):
            event.set()

    def known(self, tenant_id: UUID, group: str) -> int:
        """The position that was last heard or seen; 0 when nothing was."""
        return self._known.get((group, tenant_id), 0)

    async def reached(self, tenant_id: UUID, group: str, position: int, timeout: float) -> bool:  # noqa: ASYNC109
        """Wait until the group's read models include a position; False when `timeout` seconds were not enough."""
        key = (group, tenant_id)
        if self._known.get(key, 0) >= position:
            return True
        event = asyncio.Event()
        self._waiting.setdefault(key, set()).add(event)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    pause = 0.01
                    while self._known.get(key, 0) < position:
                        self.heard(group, tenant_id, await self._look(tenant_id, group))
                        if self._known[key] >= position:
                            break
                        event.clear()
                        with suppress(TimeoutError):
                            async with asyncio.timeout(pause):
                                await event.wait()
                        pause = min(0.1, pause * 2)
            return self._known.get(key, 0) >= position
        finally:
            self._waiting[key].discard(event)
            if not self._waiting[key]:
                del self._waiting[key]
