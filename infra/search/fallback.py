"""Search that goes on when its store does not: OpenSearch while that is there and filled, else Postgres."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from infra.search.breaker import Breaker
from projections.contacts.index import BACK_IN_TOUCH_SECONDS
from projections.contacts.search import (
    Answer,
    Backend,
    ContactSearch,
    Hit,
    SearchUnavailableError,
    Sought,
)
from projections.position import Level

_LOOK_SECONDS = 1.0


class FallbackSearch:
    """Implements projections.contacts.search.AnyContactSearch.

    `is_ready` tells whether the primary's index is there and has caught up. It is asked every second by `run`, never in
    the course of a search; until it has said yes for `settle` seconds without a break, the fallback answers. (A store
    that comes back calls itself ready before its indexer has seen how far behind it is.)
    """

    def __init__(
        self,
        primary: ContactSearch,
        fallback: ContactSearch,
        is_ready: Callable[[], Awaitable[bool]],
        *,
        settle: float = BACK_IN_TOUCH_SECONDS,
        breaker: Breaker | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._primary = primary
        self._fallback = fallback
        self._is_ready = is_ready
        self._breaker = breaker or Breaker("contact_search")
        self._settle = settle
        self._clock = clock
        self._ready_since: float | None = None

    @property
    def backend(self) -> Backend:
        """See the port."""
        return self._primary.backend if self._is_settled() and not self._breaker.is_open else self._fallback.backend

    async def run(self) -> None:
        """Watch the primary until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """See once whether the primary is ready."""
        if not await self._is_ready():
            self._ready_since = None
        elif self._ready_since is None:
            self._ready_since = self._clock()

    async def search(
        self, tenant_id: UUID, sought: Sought, *, at_least: Level | None = None, spare: bool = False
    ) -> Answer:
        """See the port."""

        def ask(search: ContactSearch) -> Awaitable[Sequence[Hit]]:
            return search.search(tenant_id, sought, at_least=at_least)

        if not spare and self._is_settled() and self._breaker.may_pass():
            try:
                hits = await ask(self._primary)
            except SearchUnavailableError:
                self._breaker.failed()
            else:
                self._breaker.succeeded()
                return Answer(self._primary.backend, hits)
        return Answer(self._fallback.backend, await ask(self._fallback))

    def _is_settled(self) -> bool:
        return self._ready_since is not None and self._clock() >= self._ready_since + self._settle


class OnlySearch:
    """Implements projections.contacts.search.AnyContactSearch with one backend, where no other is set up."""

    def __init__(self, search: ContactSearch) -> None:
        self._search = search

    @property
    def backend(self) -> Backend:
        """See the port."""
        return self._search.backend

    async def search(
        self, tenant_id: UUID, sought: Sought, *, at_least: Level | None = None, spare: bool = False
    ) -> Answer:
        """See the port. Nothing is spare."""
        del spare
        hits = await self._search.search(tenant_id, sought, at_least=at_least)
        return Answer(self.backend, hits)
