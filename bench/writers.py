"""Callers that append one event each through the event store's port, as commands do, with no HTTP in front."""

import asyncio
import itertools
import random
import time
from collections import deque
from collections.abc import Sequence
from uuid import UUID

from commands.ports import Append, EventStore, StreamEvents
from domain.company import CompanyRegistered
from domain.contact import ContactChanged, ContactRegistered, Email, Name
from domain.event import Actor, Event, Metadata
from infra.clock import new_id, now

_EVENTS_PER_STREAM = 20
_USER = UUID("019b0000-0000-7000-8000-000000000002")

METADATA = Metadata(actor=Actor("user", _USER), correlation_id="019b0000-0000-7000-8000-00000000c0de")


def registered(number: int) -> Event:
    """A contact becomes known."""
    name = Name("Ada", "Lovelace", f"Ada Lovelace {number}")
    email = Email(f"ada{number}@engines.example", primary=True)
    return ContactRegistered(name=name, emails=(email,), title="Countess", tags=("mathematics", "vip"), owner_id=_USER)


def changed(number: int) -> Event:
    """A contact gets another address."""
    email = Email(f"ada{number}@engines.example", primary=True)
    return ContactChanged(emails=(email,), title=f"Countess {number}", tags=("mathematics", "vip", "engines"))


def impersonal(number: int) -> Event:
    """An event of about the same size in which there is nothing to seal."""
    return CompanyRegistered(name=f"Analytical Engines {number} Ltd, " + "maker of engines, " * 8)


class Writers:
    """Appends of some tenants: every twentieth registers a contact, the others change one that is there.

    With `personal` False they are about companies, and nothing in them is sealed.
    """

    def __init__(self, store: EventStore, tenants: Sequence[UUID], *, personal: bool = True) -> None:
        self._store = store
        self._first, self._next = (registered, changed) if personal else (impersonal, impersonal)
        self._tenants = itertools.cycle(tenants)
        self._idle: dict[UUID, deque[tuple[UUID, int]]] = {tenant: deque() for tenant in tenants}
        self._numbers = itertools.count(1)

    async def one(self) -> float:
        """One append; answers how long it took, in seconds."""
        tenant, number = next(self._tenants), next(self._numbers)
        idle = self._idle[tenant]
        fresh = not idle or number % _EVENTS_PER_STREAM == 0
        stream, version = (new_id(), 0) if fresh else idle.popleft()
        append = Append(
            tenant_id=tenant,
            command_id=new_id(),
            metadata=METADATA,
            streams=(StreamEvents(stream, version, (self._first(number) if fresh else self._next(number),)),),
            occurred_at=now(),
        )
        started = time.perf_counter()
        await self._store.append(append)
        took = time.perf_counter() - started
        idle.append((stream, version + 1))
        return took

    async def flat_out(self, callers: int, seconds: float) -> list[float]:
        """Every caller sends its next append when the last is answered; answers the seconds that each took."""
        end = time.perf_counter() + seconds
        latencies: list[float] = []

        async def call() -> None:
            while time.perf_counter() < end:
                latencies.append(await self.one())

        await asyncio.gather(*(call() for _ in range(callers)))
        return latencies

    async def paced(self, rate: float, seconds: float) -> list[float]:
        """Appends at random moments, `rate` a second on average, whether or not the last is answered."""
        moments = random.Random(1)
        end = time.perf_counter() + seconds
        sent = []
        while time.perf_counter() < end:
            await asyncio.sleep(moments.expovariate(rate))
            sent.append(asyncio.create_task(self.one()))
        return list(await asyncio.gather(*sent))
