"""Puts together what imports are taken in with, and what workers go on with them with."""

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct

from commands.batch.batches import Batches
from commands.folded import FoldedStates
from commands.handle import Handler
from commands.imports.met import Memory
from commands.imports.portion import Deciding, Imports
from infra import clock, postgres
from infra.access.authorization import PostgresAuthorization
from infra.event_store.finder import find, find_all
from infra.imports.addresses import CHECKPOINTS, Asking, PostgresAddresses
from infra.imports.jobs import PostgresJobs, PostgresQueue
from infra.imports.parts import PostgresParts
from infra.imports.people import PostgresLikeness

if TYPE_CHECKING:
    from commands.imports.at_hand import AtHand
    from commands.imports.work import Tools
    from commands.ports import EventStore
    from infra.keys.keyring import Keyring
    from infra.progress import Progress
    from infra.wiring import Wiring

_POOL = 4
_SETTLING_SECONDS = 1.5
"""As a turn: another tenant may have one, whatever keeps this one's read models."""


def receiving(
    wired: "Wiring",
    connections: postgres.TenantConnections,
    keyring: "Keyring",
    store: "EventStore",
    reads: Asking,
    authorization: PostgresAuthorization,
) -> Imports:
    """What the API takes files in with."""
    return Imports(
        parts=PostgresParts(connections, keyring, clock.now),
        queue=PostgresQueue(connections),
        deciding=_deciding(store, authorization, reads, connections),
        batches=partial(_batches, store, authorization),
        most_bytes=wired.settings.import_bytes,
    )


async def at_hand(wired: "Wiring") -> "AtHand":
    """What files on this machine are imported with."""
    from commands.imports.at_hand import AtHand
    from infra.event_store.store import PostgresEventStore

    reads, appends = await wired.pool(postgres.SERVICE, size=_POOL), await wired.pool(postgres.APPEND, size=_POOL)
    connections = postgres.TenantConnections(reads)
    keyring = wired.keyring(connections)
    _, signals = await wired.nats()
    store = PostgresEventStore(appends, connections, wired.secret, keyring=keyring, poke=signals.poke)
    authorization = PostgresAuthorization(appends)
    return AtHand(
        store=store,
        handler=Handler(store, clock.now, clock.new_id, find(store), FoldedStates(store), authorization.custom),
        imports=receiving(wired, connections, keyring, store, connections, authorization),
        authorization=authorization,
        clock=clock.now,
        new_id=clock.new_id,
    )


async def working(wired: "Wiring") -> "Tools":
    """What a worker works with."""
    from commands.imports.work import Tools
    from infra.event_store.log import applied_position
    from infra.event_store.store import PostgresEventStore
    from infra.imports.companies import PostgresUses
    from infra.progress import Progress

    reads = await wired.pool(postgres.SERVICE, size=_POOL)
    appends = await wired.pool(postgres.APPEND, size=_POOL)
    _, signals = await wired.nats()
    progress = Progress(partial(applied_position, postgres.TenantConnections(reads)))
    wired.spawn(signals.on_applied(progress.heard))
    connections = postgres.TenantConnections(reads, again=progress.again)
    keyring = wired.keyring(connections)
    store = PostgresEventStore(appends, connections, wired.secret, keyring=keyring, poke=signals.poke)
    authorization = PostgresAuthorization(appends)

    return Tools(
        store=store,
        parts=PostgresParts(connections, keyring, clock.now),
        jobs=PostgresJobs(appends, clock.new_id()),
        deciding=_deciding(store, authorization, connections, connections),
        authorization=authorization,
        clock=clock.now,
        new_id=clock.new_id,
        addressed=_Addressed(progress),
        memory=Memory(),
        uses=PostgresUses(connections, progress),
    )


class _Addressed(Struct, frozen=True):
    """Implements commands.imports.ports.Addressed."""

    progress: "Progress"

    def known(self, tenant_id: UUID) -> int:
        """See the port."""
        return self.progress.known(tenant_id, CHECKPOINTS)

    async def reached(self, tenant_id: UUID, position: int) -> bool:
        """See the port."""
        return await self.progress.reached(tenant_id, CHECKPOINTS, position, _SETTLING_SECONDS)


def _deciding(
    store: "EventStore",
    authorization: PostgresAuthorization,
    reads: Asking,
    connections: postgres.TenantConnections,
) -> Deciding:
    return Deciding(
        batches=_batches(store, authorization, FoldedStates(store)),
        store=store,
        find=find_all(store),
        addresses=PostgresAddresses(reads),
        people=PostgresLikeness(connections),
        new_id=clock.new_id,
        clock=clock.now,
    )


def _batches(store: "EventStore", authorization: PostgresAuthorization, states: FoldedStates) -> Batches:
    return Batches(store, clock.now, clock.new_id, find_all(store), states, authorization.custom)
