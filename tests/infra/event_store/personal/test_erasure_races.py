"""B3, fault 10: a destruction that is interrupted, repeated, or meets an append that is under way."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from commands.ports import SubjectErasedError
from infra.postgres import APPEND
from tests.conftest import Database
from tests.infra.event_store.appends import append, batch, call_over, stream
from tests.infra.event_store.catalogue import Connection
from tests.infra.event_store.people import (
    a_change,
    a_contact,
    blank,
    destroy,
    events,
    living_keys,
    person,
    process,
)
from tests.waiting import until

pytestmark = pytest.mark.servers

DESTROY = "SELECT store.destroy_keys(%s, %s)"


async def test_it_can_be_repeated(database: Database, admin: Connection, tenant: UUID) -> None:
    """Fault 10: whoever does not know whether it was done does it again."""
    store, keyring = process(database)
    ada = await person(store, tenant)
    assert [await destroy(database, keyring, tenant, ada) for _ in range(3)] == [1, 0, 0]
    tombstones = "SELECT count(*), count(wrapped), count(destroyed_at) FROM store.data_key WHERE subject = %s"
    assert admin.execute(tombstones, (ada,)).fetchone() == (1, 0, 1)


async def test_what_is_interrupted_before_its_end_has_done_nothing(
    database: Database, admin: Connection, tenant: UUID
) -> None:
    """Fault 10: the connection is lost in the middle of it."""
    store, keyring = process(database)
    ada = await person(store, tenant)
    with psycopg.connect(database.dsns[APPEND]) as connection:
        assert connection.execute(DESTROY, (tenant, ada)).fetchone() == (1,)
        admin.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert living_keys(admin, tenant, ada) == 1
    await store.append(events(tenant, ada, a_change(), after=2))
    assert [item.erased for item in await process(database)[0].load(tenant, ada)] == [False] * 3
    assert await destroy(database, keyring, tenant, ada) == 1


async def test_an_append_that_is_under_way_loses_its_key_too(
    database: Database, admin: Connection, tenant: UUID
) -> None:
    """Fault 10: it has made a key that nobody sees yet when the destruction begins."""
    store, keyring = process(database)
    ada = await person(store, tenant)
    argument = await batch(database.appends, [append(tenant, stream(ada, after=2))])
    async with await psycopg.AsyncConnection.connect(database.admin_dsn) as connection:
        await call_over(connection, argument)
        destruction = asyncio.create_task(destroy(database, keyring, tenant, ada))
        await asyncio.wait({destruction}, timeout=0.3)
        assert not destruction.done()
        await connection.commit()
    assert await destruction == 2
    assert living_keys(admin, tenant, ada) == 0
    assert [item.erased for item in await store.load(tenant, ada)] == [True] * 3


async def test_an_append_that_waits_for_the_destruction_makes_no_key(
    database: Database, admin: Connection, tenant: UUID
) -> None:
    store, _ = process(database)
    await person(store, tenant)
    ada = uuid4()
    async with await psycopg.AsyncConnection.connect(database.admin_dsn) as connection:
        await connection.execute(DESTROY, (tenant, ada))
        waiting = asyncio.create_task(store.append(events(tenant, ada, a_contact())))
        await asyncio.wait({waiting}, timeout=0.3)
        assert not waiting.done()
        await connection.commit()
    with pytest.raises(SubjectErasedError):
        await waiting
    assert living_keys(admin, tenant, ada) == 0


async def test_whatever_comes_first_no_key_outlives_the_destruction(
    database: Database, admin: Connection, tenant: UUID
) -> None:
    """Fault 10: processes that know no key write to new people's streams while these are erased."""
    store, keyring = process(database)
    await person(store, tenant)
    people = [uuid4() for _ in range(12)]

    async def write(subject: UUID) -> bool:
        try:
            await process(database)[0].append(events(tenant, subject, a_contact()))
        except SubjectErasedError:
            return False
        return True

    results = await asyncio.gather(
        *(each for who in people for each in (write(who), destroy(database, keyring, tenant, who)))
    )
    written = [bool(done) for done in results[::2]]
    assert sum(living_keys(admin, tenant, who) for who in people) == 0
    log = await process(database)[0].read(tenant, after=2, limit=100)
    assert len(log) == sum(written)
    assert all(blank(item) for item in log)


async def test_what_was_read_before_it_was_told_to_forget_is_not_kept(
    database: Database, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer with the key is still on its way when the key is destroyed."""
    store, _ = process(database)
    ada = await person(store, tenant)
    _, keyring = process(database)
    original, arrived, go_on = keyring._reads.rows, asyncio.Event(), asyncio.Event()

    async def slowly(*arguments: Any) -> Any:
        rows = await original(*arguments)
        arrived.set()
        await go_on.wait()
        return rows

    monkeypatch.setattr(keyring._reads, "rows", slowly)
    loading = asyncio.create_task(keyring.load(tenant, [ada]))
    await until(arrived.is_set)
    await destroy(database, keyring, tenant, ada)
    go_on.set()
    await loading
    assert keyring.to_seal(tenant, ada, "contact", 2026) is None
