"""R6.2: events of one stream, out of whichever partition the tenant's are in."""

from uuid import UUID, uuid4

import pytest

from infra.event_store.store import PostgresEventStore
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import append, stream
from tests.infra.event_store.catalogue import Connection

pytestmark = pytest.mark.servers

_FOUND = "SELECT version FROM store.stream_events(%s, 0, 9000000000)"


async def test_a_stream_is_found_in_every_partition_and_by_its_own_tenant_alone(
    database: Database, admin: Connection
) -> None:
    store = PostgresEventStore(database.appends, database.service, SECRET, keyring=database.keyring)
    partitions = set[int]()
    stranger, streams = uuid4(), dict[UUID, UUID]()
    while len(partitions) < 16:
        tenant, stream_id = uuid4(), uuid4()
        (partition,) = admin.execute("SELECT store.partition_of(%s)", (tenant,)).fetchone() or (None,)
        if partition not in partitions:
            partitions.add(partition)
            streams[tenant] = stream_id
            await store.append(append(tenant, stream(stream_id, count=3)))
    for tenant, stream_id in streams.items():
        assert [item.version for item in await store.load(tenant, stream_id)] == [1, 2, 3]
        assert [item.version for item in await store.load(tenant, stream_id, after_version=1, up_to=2)] == [2]
        assert await store.load(stranger, stream_id) == []


def test_without_a_tenant_there_are_no_events(admin: Connection) -> None:
    (some,) = admin.execute("SELECT stream_id FROM store.event LIMIT 1").fetchone() or (uuid4(),)
    assert admin.execute(_FOUND, (some,)).fetchall() == []
