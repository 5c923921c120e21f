"""N-S1: what is personal travels sealed, and is opened by who may read the keys; trouble with one stops no other."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, LiteralString
from uuid import UUID

import pytest
from nats.aio.client import Client

from commands.ports import StoreUnavailableError
from domain.event import Event, Recorded
from infra.broker.connection import NatsConnection
from infra.broker.deliveries import JetStreamDeliveries, Open
from infra.broker.envelope import messages
from infra.broker.jetstream import JetStreamPublisher, ensure_streams
from infra.event_store import opened
from infra.event_store.codec import COLUMNS
from tests.conftest import Database
from tests.infra.broker.streams import PARTITIONS, stored, tenant_in
from tests.infra.event_store.catalogue import Connection
from tests.infra.event_store.conftest import admin
from tests.infra.event_store.people import ADDRESS, WORDS, a_change, a_contact, events, forget, person, process
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.servers

__all__ = ["admin"]

_LOG: LiteralString = f"SELECT {COLUMNS} FROM store.event WHERE tenant_id = %s ORDER BY position"


class Wire:
    """A tenant's log on its way through JetStream."""

    def __init__(self, connection: NatsConnection, client: Client, incarnation: UUID, admin: Connection) -> None:
        self._connection, self._client, self._incarnation, self._admin = connection, client, incarnation, admin
        self.tenant = tenant_in(0)

    async def publish(self) -> list[bytes]:
        """Everything that the log has; answers what the broker has kept."""
        await ensure_streams(self._client, self._incarnation, PARTITIONS)
        rows = self._admin.execute(_LOG, (self.tenant,)).fetchall()
        made = messages(rows, incarnation=self._incarnation, partitions=PARTITIONS)
        await JetStreamPublisher(self._connection, self._incarnation, PARTITIONS).publish(made)
        return [payload for _, payload in await stored(self._client, self._incarnation, 0)]

    @asynccontextmanager
    async def deliveries(self, open_rows: Open) -> AsyncIterator[JetStreamDeliveries]:
        made = JetStreamDeliveries(self._connection, self._incarnation, PARTITIONS, "projector", open_rows)
        await made.open()
        try:
            yield made
        finally:
            await made.close()


@pytest.fixture
async def wire(connection: NatsConnection, client: Client, incarnation: UUID, admin: Connection) -> AsyncIterator[Wire]:
    made = Wire(connection, client, incarnation, admin)
    yield made
    forget(admin, made.tenant)


async def gathered(deliveries: JetStreamDeliveries, count: int) -> list[Recorded[Event]]:
    found: list[Recorded[Event]] = []
    deadline = time.monotonic() + PATIENCE
    while len(found) < count and time.monotonic() < deadline:
        found += await deliveries.fetch(most=500, wait=0.1)
    return found


async def test_the_broker_keeps_what_is_sealed_and_a_projector_opens_it(database: Database, wire: Wire) -> None:
    store, _ = process(database)
    await person(store, wire.tenant)
    kept = await wire.publish()
    assert len(kept) == 2
    assert not [word for word in (*WORDS, ADDRESS) for each in kept if word.encode() in each]
    async with wire.deliveries(partial(opened.recorded, keyring=database.keyring)) as deliveries:
        found = await gathered(deliveries, 2)
    assert [(item.event, item.metadata.address) for item in found] == [(a_contact(), ADDRESS), (a_change(), ADDRESS)]
    assert found == list(await store.read(wire.tenant, after=0, limit=10))


async def test_an_event_whose_key_nobody_knows_stops_no_other(
    database: Database, wire: Wire, admin: Connection
) -> None:
    """Fault 7: the projector meets it again in the log, where it has its place."""
    store, _ = process(database)
    people = [await person(store, wire.tenant, changes=0) for _ in range(3)]
    await wire.publish()
    admin.execute("DELETE FROM store.data_key WHERE subject = %s", (people[1],))
    async with wire.deliveries(partial(opened.recorded, keyring=database.keyring)) as deliveries:
        assert [item.position for item in await gathered(deliveries, 2)] == [1, 3]


async def test_without_the_store_there_are_no_keys_and_the_next_delivery_is_tried_again(
    database: Database, wire: Wire
) -> None:
    """Fault 5: what comes meanwhile is read from the log later."""
    store, _ = process(database)
    ada = await person(store, wire.tenant)
    is_away, asked = True, 0

    async def open_rows(rows: Sequence[Any]) -> Sequence[Recorded[Event]]:
        nonlocal asked
        asked += len(rows)
        if is_away:
            raise StoreUnavailableError
        return await opened.recorded(rows, database.keyring)

    async with wire.deliveries(open_rows) as deliveries:
        await wire.publish()
        await until(lambda: asked == 2)
        assert list(await deliveries.fetch(most=10, wait=0.2)) == []
        is_away = False
        await store.append(events(wire.tenant, ada, a_change(), after=2))
        await wire.publish()
        assert [item.position for item in await gathered(deliveries, 1)] == [3]
