"""When users signed in last, asked once for as long as nothing happens in their tenant."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from projections.identity import user_queries
from projections.identity.user_queries import LastLogin
from projections.ports import Connection

_MOST = 10_000
_SECONDS = 60.0


class Asks(Protocol):
    """The part of api.http.services.Reads that this needs."""

    async def ask(self, tenant_id: UUID, query: Callable[[Connection], Awaitable[LastLogin]], /) -> LastLogin:
        """What a query finds."""
        ...


class _Known(Struct, frozen=True):
    found: LastLogin
    since: float


class LastLogins:
    """What the read model says, and, while the tenant's log ends where the read model had got to, said before.

    Nothing is said again for longer than `seconds`: a stream that was parked may be applied late, and the log need not
    move for it.
    """

    def __init__(self, *, seconds: float = _SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._known: OrderedDict[tuple[int, int], _Known] = OrderedDict()  # ids: a UUID is slow to hash

    async def of(self, reads: Asks, tenant_id: UUID, user_id: UUID, head: int) -> datetime | None:
        """A user's last sign-in; the tenant's log ended at `head` when the caller last looked, 0 where it did not."""
        key, now = (tenant_id.int, user_id.int), self._clock()
        known = self._known.get(key)
        if known and head and known.found.position == head and now - known.since <= self._seconds:
            return known.found.at
        found = await reads.ask(tenant_id, partial(user_queries.last_login, tenant_id=tenant_id, user_id=user_id))
        self._known[key] = _Known(found, now)
        self._known.move_to_end(key)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return found.at
