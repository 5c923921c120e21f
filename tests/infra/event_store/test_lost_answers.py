"""Fault 2, invariant 2: the connection is lost while an append is under way, before the commit or after it."""

import asyncio
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest

from infra.event_store.store import PostgresEventStore
from infra.postgres import APPEND, open_pool
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import Batches, append, claim, held, key, one, stream
from tests.infra.event_store.proxy import Proxy
from tests.waiting import until

pytestmark = pytest.mark.servers


async def test_a_connection_that_dies_during_the_call_appends_once(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches
) -> None:
    asked = append(tenant, stream(uuid4()), stream(uuid4()))
    async with held(database, tenant) as connection:
        sent = asyncio.create_task(store.append(asked))
        await until(lambda: bool(batches))
        killed = 0
        while not killed:
            cursor = await connection.execute(
                """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE usename = %s AND wait_event_type = 'Lock'""",
                (APPEND,),
            )
            killed = (await cursor.fetchone() or (0,))[0]
    assert killed == 1
    assert (await sent).position == 3
    assert [item.position for item in await store.read(tenant, after=0, limit=10)] == [1, 2, 3]


@pytest.mark.parametrize("with_key", [False, True])
async def test_a_lost_answer_of_the_commit_appends_once(
    database: Database, store: PostgresEventStore, tenant: UUID, with_key: bool
) -> None:
    """Fault 2: the server has committed, the client doesn't know."""
    parts = urlsplit(database.dsns[APPEND])
    async with Proxy(parts.hostname or "", parts.port or 0) as proxy:
        through = parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy.port}")).geturl()
        pool = await open_pool(through, name="proxied", size=2)
        try:
            cut = PostgresEventStore(pool, database.service, SECRET)
            await cut.append(one(tenant))  # the statement is prepared now: the next answer is that of the append
            used = key("k") if with_key else None
            asked = append(tenant, stream(uuid4(), count=2), claims=[claim(tenant, "42", uuid4())], key=used)
            proxy.swallow()
            answer = await cut.append(asked)
            assert proxy.swallowed == 1
        finally:
            await pool.close()
    assert answer.position == 4
    log = await store.read(tenant, after=0, limit=10)
    assert [item.position for item in log] == [1, 2, 3, 4]
    assert [item.command_id for item in log[2:]] == [asked.command_id] * 2
    if used:
        assert answer.result_id == used.result_id
