"""N-S1, N-C1: what is personal is stored, sent and logged sealed, and read as it was written."""

import base64
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import msgspec
import pytest
import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import structs

from commands.ports import StreamEvents, UnreadableEventError, VersionConflictError
from domain.company import CompanyRegistered
from domain.interaction import InteractionLogged
from infra.event_store.store import PostgresEventStore
from infra.keys.keyring import UnknownKeyError
from infra.keys.sealing import BrokenSealError
from tests.conftest import SECRET, Database
from tests.given import changed, deleted
from tests.infra.event_store.appends import append, one
from tests.infra.event_store.catalogue import Connection
from tests.infra.event_store.people import (
    ADDRESS,
    WORDS,
    a_change,
    a_contact,
    a_user,
    events,
    forget,
    person,
    process,
    stored,
)
from tests.infra.relays import World

pytestmark = pytest.mark.servers


def keys(admin: Connection, tenant: UUID) -> list[tuple[UUID, str, int]]:
    found = admin.execute("SELECT subject, data_class, year FROM store.data_key WHERE tenant_id = %s", (tenant,))
    return sorted(found.fetchall())


async def test_nothing_personal_is_in_the_log_and_all_of_it_is_read(
    database: Database, admin: Connection, tenant: UUID
) -> None:
    store, _ = process(database)
    contact, user = uuid4(), uuid4()
    await store.append(events(tenant, contact, a_contact(), a_change(), actor=user))
    await store.append(events(tenant, user, a_user(), actor=user))
    found = stored(admin, tenant)
    assert len(found) == 6
    assert not [word for word in (*WORDS, ADDRESS) for each in found if word.encode() in each]
    assert all(isinstance(msgspec.json.decode(each), dict) for each in found)
    another, _ = process(database)
    for reader in (store, another):
        log = await reader.read(tenant, after=0, limit=10)
        assert [item.event for item in log] == [a_contact(), a_change(), a_user()]
        assert {(item.metadata.address, item.erased) for item in log} == {(ADDRESS, False)}
        assert await reader.load(tenant, contact) == log[:2]


async def test_what_is_not_personal_is_stored_as_it_is(database: Database, admin: Connection, tenant: UUID) -> None:
    store, _ = process(database)
    contact, owner = uuid4(), uuid4()
    company = CompanyRegistered(name="Golden Horde")
    await store.append(one(tenant, company))
    await store.append(append(tenant, StreamEvents(contact, 0, (a_contact(owner_id=owner), changed(company_id=owner)))))
    await store.append(append(tenant, StreamEvents(contact, 2, (deleted(),))))
    data = [msgspec.json.decode(each) for each in stored(admin, tenant)[::2]]
    assert data[0] == {"name": "Golden Horde"}
    assert data[1]["owner_id"] == str(owner)
    assert data[2:] == [{"company_id": str(owner)}, {}]
    assert [subject for subject, *_ in keys(admin, tenant)] == [contact]


async def test_nothing_personal_leaves_by_the_broker_or_into_logs(world: World, database: Database) -> None:
    store, _ = process(database)
    with structlog.testing.capture_logs() as logs:
        async with world.running():
            await store.append(events(world.tenant, uuid4(), a_contact(), a_change(), actor=uuid4()))
            await store.append(events(world.tenant, uuid4(), a_user()))
            await world.reached(3)
    sent = [message.payload for message in world.publisher.messages]
    assert len(sent) >= 3
    assert not [word for word in (*WORDS, ADDRESS) for each in sent if word.encode() in each]
    assert not [word for word in (*WORDS, ADDRESS) if word in str(logs)]


async def test_the_keys_of_all_whom_an_append_is_about_are_read_at_once(
    database: Database, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = process(database)
    people = [await person(store, tenant) for _ in range(3)]
    another, keyring = process(database)
    asked: list[set[UUID]] = []
    load = keyring.load

    async def counted(tenant_id: UUID, subjects: Collection[UUID]) -> None:
        asked.append(set(subjects))
        await load(tenant_id, subjects)

    monkeypatch.setattr(keyring, "load", counted)
    told = [StreamEvents(uuid4(), 0, (InteractionLogged(subject_id=each, body="keeps bees"),)) for each in people]
    await another.append(append(tenant, *told))
    assert asked == [set(people)]


async def test_a_person_has_one_key_for_a_class_and_a_year(database: Database, admin: Connection, tenant: UUID) -> None:
    store, _ = process(database)
    ada = await person(store, tenant)
    await store.append(events(tenant, ada, a_change(), after=2))
    another, _ = process(database)
    await another.load(tenant, ada)
    await another.append(events(tenant, ada, a_change(), after=3))
    later = structs.replace(events(tenant, ada, a_change(), after=4), occurred_at=datetime(2027, 1, 1, tzinfo=UTC))
    await another.append(later)
    mine = [(data_class, year) for subject, data_class, year in keys(admin, tenant) if subject == ada]
    assert mine == [("contact", 2026), ("contact", 2027)]
    assert [item.event for item in await store.load(tenant, ada)] == [a_contact(), *[a_change()] * 4]


async def test_keys_that_two_processes_made_at_once_both_open(
    database: Database, admin: Connection, tenant: UUID
) -> None:
    """Neither knew of the other's: a tenant's first appends, and the first of a person in a year."""
    (one_store, _), (other, theirs) = process(database), process(database)
    ada = uuid4()
    await theirs.load(tenant, [ada])
    await one_store.append(events(tenant, ada, a_contact()))
    await other.append(events(tenant, ada, a_change(), after=1))
    assert [subject for subject, *_ in keys(admin, tenant)].count(ada) == 2
    for store in (one_store, other, process(database)[0]):
        assert [item.event for item in await store.load(tenant, ada)] == [a_contact(), a_change()]


async def test_a_refused_append_leaves_no_key(database: Database, admin: Connection, tenant: UUID) -> None:
    """Invariant 6."""
    store, keyring = process(database)
    with pytest.raises(VersionConflictError):
        await store.append(events(tenant, ada := uuid4(), a_change(), after=3))
    assert keys(admin, tenant) == []
    assert keyring.to_seal(tenant, ada, "contact", 2026) is None
    await store.append(events(tenant, ada, a_contact()))
    assert len(await process(database)[0].load(tenant, ada)) == 1


async def test_a_key_that_was_never_stored_is_an_error_and_no_erasure(
    database: Database, admin: Connection, tenant: UUID
) -> None:
    store, _ = process(database)
    ada = await person(store, tenant)
    admin.execute("DELETE FROM store.data_key WHERE tenant_id = %s AND subject = %s", (tenant, ada))
    reader, _ = process(database)
    with pytest.raises(UnreadableEventError) as refused:
        await reader.load(tenant, ada)
    assert str(ada) in str(refused.value.__cause__)


@pytest.mark.parametrize(
    ("column", "value", "error"),
    [
        ("stream_id", UUID(int=7), UnknownKeyError),
        ("tenant_id", UUID(int=8), UnknownKeyError),
        ("version", 7, BrokenSealError),
        ("topic", "contact.registered.v1", BrokenSealError),
    ],
)
async def test_an_event_that_was_moved_is_refused(
    database: Database, admin: Connection, tenant: UUID, column: str, value: object, error: type[Exception]
) -> None:
    """Whoever can write to the table can't give one person's data to another, nor pass an old word off as a new one."""
    store, _ = process(database)
    ada = await person(store, tenant)
    move = f"UPDATE store.event SET {column} = %s WHERE tenant_id = %s AND position = 2".encode()
    admin.execute(move, (value, tenant))
    reader, _ = process(database)
    place = {"tenant_id": tenant, "stream_id": ada} | {column: value}
    try:
        with pytest.raises(UnreadableEventError) as refused:
            await reader.load(UUID(str(place["tenant_id"])), UUID(str(place["stream_id"])))
        assert (refused.value.position, refused.value.reason) == (2, error.__name__)
    finally:
        forget(admin, UUID(int=8))


async def test_the_bytes_are_those_of_the_documentation(database: Database, admin: Connection, tenant: UUID) -> None:
    """docs/encryption.md, followed by hand from the master key to a change and an address."""
    store, _ = process(database)
    ada, actor = uuid4(), uuid4()
    await store.append(events(tenant, ada, a_contact(), a_change(), actor=actor))

    def one(query: LiteralString, *parameters: object) -> tuple[Any, ...]:
        found = admin.execute(query, (tenant, *parameters)).fetchall()
        assert len(found) == 1
        return tuple(found[0])

    def unwrapped(key: bytes, wrapped: bytes, label: bytes) -> bytes:
        return AESGCM(key).decrypt(wrapped[:12], wrapped[12:], label)

    def opened(value: dict[str, str], subject: UUID, place: bytes, ending: bytes) -> bytes:
        key_id, nonce, ciphertext = (base64.b64decode(value[part]) for part in "knc")
        data_class, year, tenant_key_id, wrapped = one(
            """SELECT data_class, year, tenant_key, wrapped FROM store.data_key
                WHERE tenant_id = %s AND subject = %s AND id = %s""",
            subject,
            key_id,
        )
        query: LiteralString = "SELECT wrapped FROM store.tenant_key WHERE tenant_id = %s AND id = %s"
        label = b"rapport/tenant-key\0" + tenant.bytes + tenant_key_id
        tenant_key = unwrapped(SECRET.key("master-key"), one(query, tenant_key_id)[0], label)
        label = b"rapport/data-key\0" + tenant.bytes + subject.bytes + key_id + year.to_bytes(2) + data_class.encode()
        bound = tenant.bytes + place + key_id + ending
        return AESGCM(unwrapped(tenant_key, wrapped, label)).decrypt(nonce, ciphertext, bound)

    data, metadata, command_id = one(
        "SELECT data, metadata, command_id FROM store.event WHERE tenant_id = %s AND version = 2"
    )
    change, address = msgspec.json.decode(data), msgspec.json.decode(metadata)["address"]
    first, *others = change.values()
    assert others == [{}] * 5
    place = ada.bytes + b"\0\0\0\2"
    values = msgspec.json.decode(opened(first, ada, place, b"rapport/sealed/2\0contact.changed.v1"))
    assert values == msgspec.json.decode(msgspec.json.encode(a_change()))
    assert list(values) == list(change)
    assert opened(address, actor, command_id.bytes, b"rapport/sealed/1\0metadata\0address") == f'"{ADDRESS}"'.encode()


async def test_a_tenants_keys_are_of_no_use_to_another(database: Database, tenant: UUID) -> None:
    """R6.2: its rows can't be seen, and what it wrapped can't be unwrapped."""
    store, keyring = process(database)
    ada = await person(store, tenant)
    other = uuid4()
    await store.append(one(other))
    await keyring.load(other, [ada])
    with pytest.raises(UnknownKeyError):
        keyring.find(other, ada, b"k" * 9)
    async with database.service.of(other) as connection:
        for table in ("data_key", "tenant_key", "erased_subject"):
            query = f"SELECT FROM store.{table} WHERE tenant_id = %s".encode()
            assert await (await connection.execute(query, (tenant,))).fetchall() == []


async def test_the_default_store_seals_too(store: PostgresEventStore, admin: Connection, tenant: UUID) -> None:
    await store.append(events(tenant, uuid4(), a_contact()))
    assert not [word for word in WORDS for each in stored(admin, tenant) if word.encode() in each]
