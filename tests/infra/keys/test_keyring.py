"""Keys are read once and for many events, made where there are none, and bounded in number."""

import asyncio
from types import NoneType
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from commands.ports import Append, StreamEvents
from domain.company import CompanyRegistered
from domain.event import Event
from infra.event_store.store import PostgresEventStore
from infra.keys import keyring as keyring_module
from infra.keys.keyring import Keyring, UnknownKeyError
from infra.keys.wrapping import WrappingError
from infra.postgres import TenantConnections
from tests.conftest import Database
from tests.infra.event_store.appends import append, one
from tests.infra.event_store.people import a_change, a_contact, events, process

pytestmark = pytest.mark.servers


def told(tenant: UUID, stream: UUID, *said: Event, after: int = 0) -> Append:
    """Events of one stream, asked for by nobody from nowhere."""
    return append(tenant, StreamEvents(stream, after, said))


async def person(store: PostgresEventStore, tenant: UUID) -> UUID:
    """A contact with five events."""
    await store.append(told(tenant, made := uuid4(), a_contact(), *[a_change()] * 4))
    return made


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What keyrings ask the database."""
    asked: list[str] = []
    original = TenantConnections.rows

    async def spy(self: Any, tenant_id: UUID, query: Any, parameters: Any) -> Any:
        if "_key" in query:
            asked.append("data" if "data_key" in query else "tenant")
        return await original(self, tenant_id, query, parameters)

    monkeypatch.setattr(TenantConnections, "rows", spy)
    return asked


async def test_many_events_cost_one_query_and_then_none(database: Database, queries: list[str]) -> None:
    writer, _ = process(database)
    tenant = uuid4()
    people = [await person(writer, tenant) for _ in range(10)]
    queries.clear()
    reader, _ = process(database)
    assert len(await reader.read(tenant, after=0, limit=100)) == 50
    assert queries == ["data", "tenant"]
    for who in people:
        assert len(await reader.load(tenant, who)) == 5
    assert queries == ["data", "tenant"]


async def test_what_many_ask_for_at_the_same_moment_is_one_query(database: Database, queries: list[str]) -> None:
    writer, _ = process(database)
    tenant = uuid4()
    people = [await person(writer, tenant) for _ in range(10)]
    _, keys = process(database)
    queries.clear()
    asking = [asyncio.create_task(keys.load(tenant, [who])) for who in people]
    await asyncio.sleep(0)
    asking[0].cancel()  # who goes away takes nothing from the others
    await asyncio.gather(*asking, return_exceptions=True)
    assert [task.cancelled() for task in asking] == [True] + [False] * 9
    assert queries == ["data", "tenant"]
    assert not any(keys.lacks(tenant, who) for who in people)


async def test_a_key_that_was_changed_is_the_trouble_of_those_who_ask_for_it(database: Database) -> None:
    writer, _ = process(database)
    tenant = uuid4()
    one, other = [await person(writer, tenant) for _ in range(2)]
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute("UPDATE store.data_key SET wrapped = reverse(wrapped) WHERE subject = %s", (one,))
    _, keys = process(database)
    found = await asyncio.gather(keys.load(tenant, [one]), keys.load(tenant, [other]), return_exceptions=True)
    assert [type(each) for each in found] == [WrappingError, NoneType]
    assert not keys.lacks(tenant, other)


async def test_who_wrote_reads_without_asking_for_keys(database: Database, queries: list[str]) -> None:
    store, _ = process(database)
    tenant = uuid4()
    ada = await person(store, tenant)
    assert queries == ["tenant"]  # whether there is one that wraps
    assert len(await store.load(tenant, ada)) == 5
    await store.append(told(tenant, ada, a_change(), after=5))
    await store.append(told(tenant, uuid4(), a_contact()))
    assert queries == ["tenant"]


async def test_events_without_personal_data_cost_nothing(database: Database, queries: list[str]) -> None:
    store, _ = process(database)
    tenant = uuid4()
    await store.append(one(tenant, CompanyRegistered(name="Engines")))
    assert len(await process(database)[0].read(tenant, after=0, limit=10)) == 1
    assert queries == []


async def test_the_first_appends_of_a_tenant_make_one_wrapping_key_in_a_process(database: Database) -> None:
    store, _ = process(database)
    tenant = uuid4()
    await asyncio.gather(*(store.append(told(tenant, uuid4(), a_contact())) for _ in range(20)))
    async with database.service.of(tenant) as connection:
        for table, count in (("tenant_key", 1), ("data_key", 20)):
            query = f"SELECT count(*) FROM store.{table} WHERE tenant_id = %s".encode()
            assert await (await connection.execute(query, (tenant,))).fetchone() == (count,), table


async def test_a_key_that_another_process_made_meanwhile_is_found(database: Database) -> None:
    """What is in hand of a person may be older than an event."""
    (one_store, _), (other, _), (reader, _) = process(database), process(database), process(database)
    tenant, ada = uuid4(), uuid4()
    await one_store.append(events(tenant, ada, a_contact()))
    assert len(await reader.load(tenant, ada)) == 1
    await other.append(events(tenant, ada, a_change(), after=1))
    assert [item.event for item in await reader.load(tenant, ada)] == [a_contact(), a_change()]


async def test_who_writes_to_somebody_elses_stream_uses_the_key_that_there_is(database: Database) -> None:
    """An address is that of the actor, whose events nobody has read: a key a minute would be too many."""
    (first, _), tenant, actor = process(database), uuid4(), uuid4()
    await first.append(told(tenant, ada := uuid4(), a_contact()))
    for number in range(5):
        store, _ = process(database)
        await store.append(events(tenant, ada, a_change(), after=1 + number, actor=actor))
    async with database.service.of(tenant) as connection:
        query = "SELECT subject, count(*) FROM store.data_key WHERE tenant_id = %s GROUP BY subject"
        found = await (await connection.execute(query, (tenant,))).fetchall()
    assert dict(found) == {ada: 1, actor: 1}


async def test_more_people_than_can_be_kept_in_hand_are_read_all_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring_module, "_SUBJECTS", 3)
    store, keyring = process(database)
    tenant = uuid4()
    for _ in range(10):
        await person(store, tenant)
    reader, keyring = process(database)
    assert [item.version for item in await reader.read(tenant, after=0, limit=100)] == [1, 2, 3, 4, 5] * 10
    assert len(keyring._subjects) == 3


async def test_keys_of_different_tenants_are_told_apart(database: Database) -> None:
    store, keyring = process(database)
    tenants, ada = (uuid4(), uuid4()), uuid4()
    for tenant in tenants:
        await store.append(events(tenant, ada, a_contact()))
    keys = [keyring.to_seal(tenant, ada, "contact", 2026) for tenant in tenants]
    assert None not in keys
    assert keys[0] != keys[1]


def test_a_key_that_is_not_in_hand_is_unknown(database: Database) -> None:
    keyring: Keyring = database.keyring
    with pytest.raises(UnknownKeyError):
        keyring.find(uuid4(), uuid4(), b"k" * 9)
    assert keyring.to_seal(uuid4(), uuid4(), "contact", 2026) is None
