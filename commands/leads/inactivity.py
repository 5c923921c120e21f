"""Flags open leads, once, with which nothing has happened for days, and takes the flag off when something has.

What is decided rests on a lead's row at a version: the append expects that version, so whoever was faster (another
worker, a user) makes it void, and the next sweep looks again.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from commands.ports import Append, Clock, EventStore, NewId, StreamEvents, VersionConflictError
from domain.event import SYSTEM, Event, Metadata
from domain.lead import LeadFlagCleared, LeadFlaggedInactive

AT_ONCE = 500
"""Leads that are looked at, and written, together."""


class Seen(Struct, frozen=True):
    """A lead at a version: when something happened with it by its own events, and by all that is known."""

    id: UUID
    version: int
    owner_id: UUID | None
    changed_at: datetime
    active_at: datetime


class Turn(Struct, frozen=True):
    """A tenant that is to be looked through; `flags`: for quiet leads too, not only for flagged ones.

    `written` is the position of the last event that a sweep has written.
    """

    tenant_id: UUID
    written: int
    flags: bool


class Swept(Struct, frozen=True, kw_only=True):
    """What a sweep of a tenant has found: up to which position, and when the next lead is due."""

    position: int
    due_at: datetime | None
    written: int
    has_flagged: bool
    flagged: int = 0
    cleared: int = 0


class QuietLeads(Protocol):
    """What is known of the leads of a tenant, in read models."""

    async def reached(self, tenant_id: UUID) -> int:
        """The position that it includes."""
        ...

    async def some(
        self, tenant_id: UUID, *, flagged: bool, cutoff: datetime, now: datetime, after: tuple[datetime, UUID]
    ) -> Sequence[Seen]:
        """At most AT_ONCE flagged leads, or such as are open and quiet by their own events, after (changed_at, id)."""
        ...

    async def are_active(self, tenant_id: UUID, leads: Sequence[Seen], cutoff: datetime) -> None:
        """Leads that `some` need not give again as quiet ones until they may be."""
        ...

    async def rest(self, tenant_id: UUID, cutoff: datetime) -> tuple[datetime | None, bool]:
        """When something happened with the one that is due next, and whether any is flagged."""
        ...


_FIRST = datetime(1, 1, 2, tzinfo=UTC), UUID(int=0)


class Sweeping:
    """Looks through a tenant's leads."""

    def __init__(self, store: EventStore, leads: QuietLeads, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._leads = leads
        self._clock = clock
        self._new_id = new_id

    async def sweep(self, turn: Turn, days: int, now: datetime) -> Swept | None:
        """Flag what is due at `now`, and clear; None while read models don't include what the last sweep wrote.

        Raises:
            StoreUnavailableError: the store can't be reached.
        """
        tenant_id, lasts = turn.tenant_id, timedelta(days=days)
        position, cutoff = await self._leads.reached(tenant_id), now - lasts
        if position < turn.written:
            return None
        cleared, flagged, written = 0, 0, 0
        for flags in (False, True) if turn.flags else (False,):
            after = _FIRST
            while seen := await self._leads.some(tenant_id, flagged=not flags, cutoff=cutoff, now=now, after=after):
                after = seen[-1].changed_at, seen[-1].id
                active = [lead for lead in seen if lead.active_at >= cutoff]
                if flags:
                    quiet = [(lead, _flag(lead)) for lead in seen if lead.active_at < cutoff]
                    count, last = await self._write(tenant_id, quiet)
                    await self._leads.are_active(tenant_id, active, cutoff)
                    flagged += count
                else:
                    count, last = await self._write(tenant_id, [(lead, _clear(lead)) for lead in active])
                    cleared += count
                written = max(written, last)
                if len(seen) < AT_ONCE:
                    break
        least, has_flagged = await self._leads.rest(tenant_id, cutoff)
        return Swept(
            position=position,
            due_at=least + lasts if least else None,
            written=written,
            has_flagged=has_flagged or flagged > 0,
            flagged=flagged,
            cleared=cleared,
        )

    async def _write(self, tenant_id: UUID, decided: Sequence[tuple[Seen, Event]]) -> tuple[int, int]:
        """How many were written, and the position of the last; those that have changed meanwhile are left out."""
        if not decided:
            return 0, 0
        command_id = self._new_id()
        append = Append(
            tenant_id=tenant_id,
            command_id=command_id,
            metadata=Metadata(actor=SYSTEM, correlation_id=f"sweep-{command_id.hex}"),
            streams=tuple(StreamEvents(lead.id, lead.version, (event,)) for lead, event in decided),
            occurred_at=self._clock(),
        )
        try:
            return len(decided), (await self._store.append(append)).position
        except VersionConflictError:
            if len(decided) == 1:
                return 0, 0
        half = len(decided) // 2
        first, second = await self._write(tenant_id, decided[:half]), await self._write(tenant_id, decided[half:])
        return first[0] + second[0], max(first[1], second[1])


def _flag(lead: Seen) -> LeadFlaggedInactive:
    return LeadFlaggedInactive(since=lead.active_at, owner_id=lead.owner_id)


def _clear(lead: Seen) -> LeadFlagCleared:
    return LeadFlagCleared(active_at=lead.active_at)
