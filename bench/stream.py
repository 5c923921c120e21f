"""stream.warm_10000, stream.cold_10000: how long the state of a contact with 10,000 events takes, in milliseconds.

Warm: this process has folded it before, and one event has come since. Cold: nothing of it is in this process, neither
state nor keys; a snapshot is there, with as many events after it as there ever are. References are the limits. The
note of the cold figure has what it takes without a snapshot: once for each long stream, after its code has changed.
"""

import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from uuid import UUID, uuid4

import uvloop

from bench.backbone import SECRET, Backbone, backbone
from bench.report import Figure, show
from commands.folded import EVERY, FoldedStates
from commands.ports import Append, StreamEvents
from domain import contact
from domain.contact import ContactChanged, ContactRegistered, Email, Name, Phone
from domain.event import SYSTEM, Event, Metadata
from infra.event_store.snapshots import PostgresSnapshots
from infra.event_store.store import PostgresEventStore
from infra.keys.keyring import Keyring
from infra.keys.master import local_master
from infra.postgres import APPEND, SERVICE, Pool, TenantConnections

EVENTS = 10_000
WARM_MS, COLD_MS = 2.0, 30.0
ROUNDS = 40
AT_ONCE = 500


class Process:
    """What a process has of its own: keys and states."""

    def __init__(self, reads: Pool, appends: Pool) -> None:
        connections = TenantConnections(reads)
        keyring = Keyring(connections, local_master(SECRET))
        self.store = PostgresEventStore(appends, connections, SECRET, keyring=keyring)
        self.snapshots = PostgresSnapshots(connections, appends, keyring)
        self.states = FoldedStates(self.store, self.snapshots)

    async def load(self, tenant: UUID, stream: UUID) -> contact.Contact:
        """The state."""
        return await self.states.load(tenant, "contact", contact.evolve, stream)

    async def grow(self, tenant: UUID, stream: UUID, after: int, count: int) -> None:
        """Append the next events."""
        for start in range(after, after + count, AT_ONCE):
            most = min(AT_ONCE, after + count - start)
            events = tuple(event(number) for number in range(start, start + most))
            await self.store.append(
                Append(
                    tenant_id=tenant,
                    command_id=uuid4(),
                    metadata=Metadata(actor=SYSTEM, correlation_id="bench"),
                    streams=(StreamEvents(stream, start, events),),
                    occurred_at=datetime.now(UTC),
                )
            )


def event(number: int) -> Event:
    """One of the stream: mostly changes of a field or two, as people make them."""
    if number == 0:
        ada = Email("ada@engines.example", primary=True)
        return ContactRegistered(name=Name(display="Ada Lovelace"), emails=(ada,), tags=("vip",), title="Countess")
    if number % 2:
        return ContactChanged(title=f"Countess {number}")
    return ContactChanged(phones=(Phone("+442079460018", primary=True),), tags=("mathematics", f"t{number}"))


async def milliseconds(
    rounds: int, before: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[object]]
) -> float:
    """The median of what some work takes."""
    taken = []
    for _ in range(rounds):
        await before()
        started = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


async def measure(servers: Backbone) -> list[Figure]:
    """Both figures."""
    async with AsyncExitStack() as stack:
        reads, appends = [await servers.pool(role) for role in (SERVICE, APPEND)]
        for pool in (reads, appends):
            stack.push_async_callback(pool.close)
        tenant, stream = uuid4(), uuid4()
        here, version = Process(reads, appends), EVENTS
        await here.grow(tenant, stream, 0, EVENTS)

        async def nothing() -> None:
            pass

        async def one_more() -> None:
            nonlocal version
            await here.grow(tenant, stream, version, 1)
            version += 1

        without = await milliseconds(5, nothing, lambda: Process(reads, appends).load(tenant, stream))
        await here.load(tenant, stream)
        await here.snapshots.flush()
        warm = await milliseconds(ROUNDS, one_more, lambda: here.load(tenant, stream))
        after = version - EVENTS
        await here.grow(tenant, stream, version, EVERY - 1 - after)
        cold = await milliseconds(ROUNDS, nothing, lambda: Process(reads, appends).load(tenant, stream))
    note = f"{EVERY - 1} events after the snapshot; {without:.0f} ms without one"
    return [
        Figure("stream.warm_10000", warm, WARM_MS, WARM_MS / warm, "ms", "one event since"),
        Figure("stream.cold_10000", cold, COLD_MS, COLD_MS / cold, "ms", note),
    ]


def main() -> None:
    """Measure and report."""
    with backbone() as servers:
        show(uvloop.run(measure(servers)))


if __name__ == "__main__":
    main()
