"""Keeps the search index level with the contact rows of Postgres: at least once, and whatever happens to the index.

An index is written with whole documents made from rows, each under the position of its row, so that repeats and
disorder do no harm. A tenant's checkpoint moves after the index has shown what was written; it never passes the rows'
own checkpoint, which is noted before the rows are read.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

import structlog

from domain.errors import kind_of
from projections.companies import company
from projections.contacts import contact
from projections.contacts import rows as contact_rows
from projections.contacts.index import SCHEMA, ContactIndex, IndexUnavailableError, State, Writer
from projections.pauses import Pauses
from projections.ports import Announcements, Log, Sessions

CHECKPOINT = f"contact_search_v{SCHEMA}"

_ROWS = contact.PROJECTION.checkpoint
_FOLLOWED = (company.PROJECTION.checkpoint, _ROWS)
_BATCH = 500
_BATCHES = 4
"""Of a tenant before the index is refreshed, which costs it as much as a batch."""
_POLL_SECONDS = 1.0
_LOOK_SECONDS = 10.0
_LONGEST_PAUSE = 30.0
_LONGEST_ABSENCE = 4.0
_HOPELESS = 5
_FIRST = UUID(int=0)

TOMBSTONE_SECONDS = 86_400.0
"""So long a deleted contact's document is kept empty: older than any write of it that may still be under way."""
_PURGE_SECONDS = 3600.0

_START = "INSERT INTO read.checkpoint VALUES (%s, %s, 0) ON CONFLICT DO NOTHING"
_POSITIONS = "SELECT projection, position FROM read.checkpoint WHERE tenant_id = %s AND projection = ANY(%s)"
_ADVANCE = "UPDATE read.checkpoint SET position = %s WHERE tenant_id = %s AND projection = %s AND position = %s"
# Lower than it was in any case: then what was written before, to an index that is gone, does not move it on.
_BACK = "UPDATE read.checkpoint SET position = least(position, %s) - 1 WHERE tenant_id = %s AND projection = %s"

_log = structlog.get_logger()


class ContactIndexer:
    """Drives the index from Postgres, tenant by tenant; `run` until cancelled."""

    def __init__(
        self,
        index: ContactIndex,
        *,
        log: Log,
        sessions: Sessions,
        announcements: Announcements,
        checkpoint: str = CHECKPOINT,
    ) -> None:
        self._index = index
        self._checkpoint = checkpoint
        self._log = log
        self._sessions = sessions
        self._announcements = announcements
        self._woken: set[UUID] = set()
        self._wake = asyncio.Event()
        self._looked_at = -_LOOK_SECONDS
        self._state: State = "new"
        self._unfilled: set[UUID] = set()
        self._pauses = Pauses[UUID](first=0.5, longest=_LONGEST_PAUSE)
        self._purged_at = -_PURGE_SECONDS

    def wake(self, tenant_id: UUID) -> None:
        """A tenant's rows have moved on."""
        self._woken.add(tenant_id)
        self._wake.set()

    async def run(self) -> None:
        """Go on for ever: by what wakes it, by a look at the checkpoints every second, by itself after trouble."""
        failures = 0
        polled = 0.0
        while True:
            try:
                due = time.monotonic() - polled >= _POLL_SECONDS
                polled = time.monotonic() if due else polled
                await self.turn(poll=due)
                await self._purge()
                failures = 0
            except Exception as error:  # noqa: BLE001  whatever is away, the next turn sees
                failures += 1
                pause = min(_LONGEST_ABSENCE, 0.25 * 2 ** min(failures, 10))
                _log.warning("search.index_unavailable", error=kind_of(error), retry_in=pause)
                self._looked_at, self._state = -_LOOK_SECONDS, "new"
                await asyncio.sleep(pause)
            await self._pause(polled)

    async def turn(self, *, poll: bool = True) -> None:
        """Bring the tenants that were woken, and with `poll` all that are behind, up to their rows.

        Raises:
            IndexUnavailableError: the index is away; nothing is lost by it.
        """
        await self._look()
        woken, self._woken = self._woken, set()
        behind = {item.tenant_id for item in await self._log.behind([self._checkpoint])} if poll else set()
        await self._bring(filter(self._pauses.is_over, woken | behind | self._unfilled))
        if self._state == "filling" and all(self._given_up(tenant_id) for tenant_id in self._unfilled):
            await self._index.mark("level")
            self._state = "level"

    async def _purge(self) -> None:
        if time.monotonic() - self._purged_at >= _PURGE_SECONDS:
            await self._index.purge(TOMBSTONE_SECONDS)
            self._purged_at = time.monotonic()

    async def rebuild(self, on_progress: Callable[[str, int, int], None] | None = None) -> int:
        """Fill a new index beside the live one from all tenants' rows and put it in its place; returns the contacts.

        `on_progress` is told the stage, and how many of how many tenants are done.

        What changes meanwhile goes to the old one; it is written again after the swap, because the checkpoints go back
        to where they were at the start.
        """
        tenants = await self._tenants()
        started = {tenant_id: (await self._positions(tenant_id))[0] for tenant_id in tenants}
        count = 0
        async with self._index.recreated() as fresh:
            for number, tenant_id in enumerate(tenants, start=1):
                count += await self._copy(tenant_id, fresh)
                if on_progress:
                    on_progress("fill", number, len(tenants))
        for tenant_id in await self._tenants():
            await self._set_back(tenant_id, started.get(tenant_id, 0))
            self.wake(tenant_id)
        return count

    async def _pause(self, polled: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, polled + _POLL_SECONDS - time.monotonic())):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _look(self) -> None:
        """See that the index is there, and begin again from the log's start when it is another than it was.

        At the start, and after it was away, it counts as filling if it is behind, until it no longer is.
        """
        if time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return
        state = await self._index.ensure()
        if state == "new" or state != self._state:
            await self._found(state)
        self._looked_at = time.monotonic()

    async def _found(self, state: State) -> None:
        if state == "level" and not await self._log.behind([self._checkpoint]):
            self._state = state
            return
        tenants = await self._tenants()
        if state == "new":
            for tenant_id in tenants:
                await self._set_back(tenant_id, 0)
        # Only now: a crash before this repeats it, and sets back what is at the start anyway.
        await self._index.mark("filling")
        self._unfilled, self._state = set(tenants), "filling"

    async def _bring(self, tenants: Iterable[UUID]) -> None:
        """Rounds of one batch a tenant, so that none waits for another's backlog; one refresh a round."""
        todo = list(tenants)
        while todo:
            moves: dict[UUID, tuple[int, int]] = {}
            unfinished: list[UUID] = []
            for tenant_id in todo:
                try:
                    before, after, target = await self._write(tenant_id)
                except IndexUnavailableError:
                    self._woken.update(todo)
                    raise
                except Exception as error:  # noqa: BLE001  one tenant's trouble is its own
                    self._failed(tenant_id, error)
                    continue
                if after > before:
                    moves[tenant_id] = (before, after)
                if after < target:
                    unfinished.append(tenant_id)
                else:
                    self._unfilled.discard(tenant_id)
            if moves:
                await self._index.refresh()
            for tenant_id, (before, after) in moves.items():
                await self._advance(tenant_id, before, after)
            todo = unfinished

    async def _write(self, tenant_id: UUID) -> tuple[int, int, int]:
        """Write a tenant's next batches; returns its position before and after, and how far the rows are."""
        before, target = await self._positions(tenant_id)
        if before >= target:
            return before, before, target
        after = before
        for _ in range(_BATCHES):
            after = await self._write_batch(tenant_id, after, target)
            if after >= target:
                break
        return before, after, target

    async def _write_batch(self, tenant_id: UUID, after: int, target: int) -> int:
        """Write what a batch of events is about; returns the last one's position."""
        events = [e for e in await self._log.read(tenant_id, after=after, limit=_BATCH) if e.position <= target]
        if ids := contact_rows.of_contacts(events):
            async with self._sessions.of(tenant_id) as connection:
                contacts = await contact_rows.by_id(connection, tenant_id, list(ids))
            await self._index.write(tenant_id, contacts)
        if renamed := contact_rows.renamed(events):
            async with self._sessions.of(tenant_id) as connection:
                async for page in contact_rows.pages_of(connection, tenant_id, renamed):
                    await self._index.write(tenant_id, page)
        return events[-1].position

    async def _tenants(self) -> list[UUID]:
        return [item.tenant_id for item in await self._log.tenants()]

    async def _positions(self, tenant_id: UUID) -> tuple[int, int]:
        """Where the index is and where the rows are."""
        async with self._sessions.of(tenant_id) as connection:
            found = dict(
                await (await connection.execute(_POSITIONS, (tenant_id, [self._checkpoint, *_FOLLOWED]))).fetchall()
            )
            if self._checkpoint not in found:
                await connection.execute(_START, (tenant_id, self._checkpoint))
        return found.get(self._checkpoint, 0), min(found.get(name, 0) for name in _FOLLOWED)

    async def _advance(self, tenant_id: UUID, before: int, after: int) -> None:
        """Another indexer may have been faster; then its word stands."""
        async with self._sessions.of(tenant_id) as connection:
            await connection.execute(_ADVANCE, (after, tenant_id, self._checkpoint, before))
        self._pauses.worked(tenant_id)
        await self._announcements.applied(tenant_id, [self._checkpoint], after)

    async def _set_back(self, tenant_id: UUID, position: int) -> None:
        async with self._sessions.of(tenant_id) as connection:
            await connection.execute(_BACK, (position, tenant_id, self._checkpoint))

    async def _copy(self, tenant_id: UUID, writer: Writer) -> int:
        """All rows of a tenant, page by page."""
        after, count = _FIRST, 0
        while True:
            async with self._sessions.of(tenant_id) as connection:
                contacts = await contact_rows.page(connection, tenant_id, after=after, limit=_BATCH)
            if not contacts:
                return count
            await writer.write(tenant_id, contacts)
            after, count = contacts[-1].id, count + len(contacts)

    def _given_up(self, tenant_id: UUID) -> bool:
        """A tenant that keeps failing does not keep the others from their index."""
        return self._pauses.failures(tenant_id) >= _HOPELESS

    def _failed(self, tenant_id: UUID, error: Exception) -> None:
        pause = self._pauses.failed(tenant_id)
        _log.error("search.tenant_failed", tenant_id=str(tenant_id), error=kind_of(error), retry_in=pause)


class WakingAnnouncements:
    """Implements projections.ports.Announcements: passes on, and wakes an indexer when contact rows have moved."""

    def __init__(self, announcements: Announcements, wake: Callable[[UUID], None]) -> None:
        self._announcements = announcements
        self._wake = wake

    async def applied(self, tenant_id: UUID, checkpoints: Sequence[str], position: int) -> None:
        """See the port."""
        if _ROWS in checkpoints:
            self._wake(tenant_id)
        await self._announcements.applied(tenant_id, checkpoints, position)
