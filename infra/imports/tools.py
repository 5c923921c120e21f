"""Puts together what imports are taken in with, and what workers go on with them with."""

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from commands.batch.batches import Batches
from commands.folded import FoldedStates
from commands.handle import Handler
from commands.imports.portion import Deciding, Imports
from infra import clock, postgres
from infra.access.authorization import PostgresAuthorization
from infra.event_store.finder import find, find_all
from infra.imports.addresses import Asking, PostgresAddresses
from infra.imports.jobs import PostgresJobs, PostgresQueue
from infra.imports.parts import PostgresParts
from infra.imports.people import PostgresLikeness
from infra.imports.seen import PostgresSeen

if TYPE_CHECKING:
    from commands.imports.at_hand import AtHand
    from commands.imports.work import Tools
    from commands.ports import EventStore
    from infra.keys.keyring import Keyring
    from infra.wiring import Wiring

_POOL = 4
_SETTLING_SECONDS = 10.0


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
    from projections.contacts.address import PROJECTION

    reads = await wired.pool(postgres.SERVICE, size=_POOL)
    appends = await wired.pool(postgres.APPEND, size=_POOL)
    connections = postgres.TenantConnections(reads)
    _, signals = await wired.nats()
    progress = Progress(partial(applied_position, connections))
    wired.spawn(signals.on_applied(progress.heard))
    keyring = wired.keyring(connections)
    store = PostgresEventStore(appends, connections, wired.secret, keyring=keyring, poke=signals.poke)
    authorization = PostgresAuthorization(appends)

    async def settled(tenant_id: UUID, position: int) -> None:
        # What lags for longer than this is trouble that an import need not wait out: it only misses who is new.
        await progress.reached(tenant_id, (PROJECTION.checkpoint,), position, _SETTLING_SECONDS)

    return Tools(
        store=store,
        parts=PostgresParts(connections, keyring, clock.now),
        seen=PostgresSeen(connections),
        jobs=PostgresJobs(appends, clock.new_id()),
        deciding=_deciding(store, authorization, connections, connections),
        authorization=authorization,
        clock=clock.now,
        new_id=clock.new_id,
        settled=settled,
        uses=PostgresUses(connections, progress),
    )


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
