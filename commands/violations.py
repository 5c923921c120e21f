"""Ids that somebody named and that belong to another tenant: who, what and from where, for the platform operator alone.

The answer to whoever asked is that of a record that is not there, and takes as long: which of the two it was is found
out afterwards, beside the requests.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from commands.ports import Append, Clock, NewId, StreamEvents
from domain.event import SYSTEM, Actor, Event, Metadata
from domain.security import CrossTenantAttempted, CrossTenantAttemptsCounted, NamedIdsUnseen
from domain.tenant import PLATFORM

WINDOW = timedelta(minutes=1)
OF_ACTOR = 10
"""So many attempts of one actor are recorded one by one in a window. What comes beyond is counted."""
OF_TENANT = 100
"""The same of all actors of a tenant together, which can make itself as many as it likes."""


class Tried(Struct, frozen=True, kw_only=True):
    """An id that a request named and that was told to be of nothing; whether it is, is not known yet.

    `metadata` says who and from where. `kind` is what carried the id where that was no record of its own (a cursor).
    """

    tenant_id: UUID
    metadata: Metadata
    named: UUID
    operation: str
    at: datetime
    kind: str | None = None


class Owned(Struct, frozen=True):
    """The tenant that has a stream of this id, and of what kind it is there."""

    named: UUID
    tenant_id: UUID
    kind: str


class Owners(Protocol):
    """Who has records of some ids, in all tenants."""

    async def of(self, named: Collection[tuple[UUID, UUID]]) -> Sequence[Owned]:
        """All owners of what is named, each time by a tenant that has it not itself. Raises StoreUnavailableError."""
        ...


class Budget:
    """How much of what is attempted is recorded one by one: nobody fills the platform's log."""

    def __init__(self) -> None:
        self._windows: dict[UUID, _Window] = {}

    def takes(self, tenant_id: UUID, actor: Actor, now: datetime) -> bool:
        """Whether an attempt is recorded by itself; else it is counted."""
        window = self._windows.setdefault(tenant_id, _Window(now))
        recorded = window.recorded.get(actor, 0)
        if recorded < OF_ACTOR and sum(window.recorded.values()) < OF_TENANT:
            window.recorded[actor] = recorded + 1
            return True
        # Whoever came when all of the tenant's share was used up is counted with the others: a name for each would
        # be as long a list as the tenant cares to make it.
        whom = actor if recorded else SYSTEM
        window.held[whom] = window.held.get(whom, 0) + 1
        return False

    def over(self, now: datetime) -> Iterator[tuple[Actor, CrossTenantAttemptsCounted]]:
        """What was counted in windows that have passed by now; they begin anew."""
        for tenant_id, window in [*self._windows.items()]:
            if now >= window.since + WINDOW:
                del self._windows[tenant_id]
                for actor, count in window.held.items():
                    yield actor, CrossTenantAttemptsCounted(actor_tenant=tenant_id, count=count, since=window.since)


class _Window:
    def __init__(self, since: datetime) -> None:
        self.since = since
        self.recorded: dict[Actor, int] = {}
        self.held: dict[Actor, int] = {}


class Violations:
    """Tells what belongs to others from what is not there, and makes events of the platform's log of it."""

    def __init__(self, owners: Owners, clock: Clock, new_id: NewId) -> None:
        self._owners = owners
        self.clock = clock
        self._new_id = new_id
        self._budget = Budget()

    async def among(self, tried: Sequence[Tried]) -> list[Append]:
        """What is to be written of these attempts. Raises StoreUnavailableError."""
        owned: dict[UUID, list[Owned]] = {}
        for found in await self._owners.of({(each.tenant_id, each.named) for each in tried}) if tried else ():
            owned.setdefault(found.named, []).append(found)
        return [
            self._append(each.metadata, _attempted(each, owners[0]), each.at)
            for each in tried
            if (owners := owned.get(each.named)) and each.tenant_id not in {owner.tenant_id for owner in owners}
            if self._budget.takes(each.tenant_id, each.metadata.actor, each.at)
        ]

    def counted(self, *, at_once: bool = False) -> list[Append]:
        """What is to be written of attempts that were only counted: those of windows that have passed, or of all."""
        now = self.clock()
        over = self._budget.over(now + WINDOW if at_once else now)
        return [self._append(Metadata(actor=actor, correlation_id=""), event, now) for actor, event in over]

    def unseen(self, tenant_id: UUID, count: int, since: datetime) -> Append:
        """What is to be written of ids that nobody looked at: who names too many does not hide among them."""
        event = NamedIdsUnseen(actor_tenant=tenant_id, count=count, since=since)
        return self._append(Metadata(actor=SYSTEM, correlation_id=""), event, self.clock())

    def _append(self, metadata: Metadata, event: Event, at: datetime) -> Append:
        return Append(
            tenant_id=PLATFORM,
            command_id=self._new_id(),
            metadata=metadata,
            streams=(StreamEvents(self._new_id(), 0, (event,)),),
            occurred_at=at,
        )


def _attempted(tried: Tried, owner: Owned) -> CrossTenantAttempted:
    return CrossTenantAttempted(
        actor_tenant=tried.tenant_id,
        target_kind=tried.kind or owner.kind,
        target_id=tried.named,
        owner_tenant=owner.tenant_id,
        operation=tried.operation,
    )
