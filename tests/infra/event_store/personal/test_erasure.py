"""B3, N-C1, fault 10: destroying a person's keys erases the person, everywhere and for good, and nothing else."""

import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
from msgspec import structs

from commands.ports import SubjectErasedError
from domain import contact as domain
from domain.contact import ContactRegistered
from infra.integrity.exports import MemoryExports
from infra.keys.keyring import TTL_SECONDS
from projections.history import entries
from tests.conftest import Database
from tests.given import changed, deleted
from tests.infra.event_store.appends import append, call, outcomes, stream
from tests.infra.event_store.catalogue import Connection
from tests.infra.event_store.people import (
    WORDS,
    a_change,
    a_contact,
    blank,
    destroy,
    events,
    living_keys,
    person,
    process,
    stored,
)
from tests.infra.integrity.audited import Audited
from tests.projections.reading import catch_up, contents

pytestmark = pytest.mark.servers


async def test_an_erased_person_is_blank_and_neighbours_are_as_they_were(
    database: Database, admin: Connection, tenant: UUID
) -> None:
    store, keyring = process(database)
    ada, grace = await person(store, tenant), await person(store, tenant)
    before = stored(admin, tenant)
    assert await destroy(database, keyring, tenant, ada) == 1
    for reader in (store, process(database)[0]):
        log = await reader.read(tenant, after=0, limit=10)
        assert [(item.stream_id, item.erased) for item in log] == [(ada, True)] * 2 + [(grace, False)] * 2
        assert all(blank(item) for item in log[:2])
        assert [item.event for item in log[2:]] == [a_contact(), a_change()]
        assert isinstance(log[0].event, ContactRegistered)
        assert log[0].event.owner_id is not None
    assert stored(admin, tenant) == before


async def test_the_chain_verifies_after_an_erasure(database: Database, tenant: UUID) -> None:
    """Invariant 5: it covers what is stored, which an erasure leaves alone."""
    store, keyring = process(database)
    ada = await person(store, tenant)
    audited = Audited(database, MemoryExports())
    audited.tenant = tenant
    await audited.sign()
    assert await destroy(database, keyring, tenant, ada) == 1
    await store.append(append(tenant, stream(uuid4())))
    await audited.sign()
    assert audited.found() == []


async def test_every_key_of_the_person_is_destroyed(database: Database, admin: Connection, tenant: UUID) -> None:
    """Of whatever class and year, and by whichever process it was made."""
    (store, _), (other, keyring) = process(database), process(database)
    ada = uuid4()
    await keyring.load(tenant, [ada])  # before there is one: the other process makes its own
    await store.append(events(tenant, ada, a_contact(), actor=ada))
    await other.append(events(tenant, ada, a_change(), after=1))
    later = structs.replace(events(tenant, ada, a_change(), after=2), occurred_at=datetime(2027, 1, 1, tzinfo=UTC))
    await other.append(later)
    assert living_keys(admin, tenant, ada) == 4
    assert await destroy(database, keyring, tenant, ada) == 4
    assert living_keys(admin, tenant, ada) == 0
    log = await process(database)[0].load(tenant, ada)
    assert [blank(item) for item in log] == [True] * 3
    assert [item.metadata.address is None for item in log] == [True, False, False]


async def test_no_key_is_made_for_an_erased_person_again(database: Database, admin: Connection, tenant: UUID) -> None:
    store, keyring = process(database)
    ada, nobody = await person(store, tenant), uuid4()
    for subject in (ada, nobody):  # of the second there was never a key
        await destroy(database, keyring, tenant, subject)
        for each, _ in (process(database), process(database)):
            version = len(await each.load(tenant, subject))
            with pytest.raises(SubjectErasedError) as refusal:
                await each.append(events(tenant, subject, a_change(), after=version))
            assert refusal.value.subject == subject
        assert living_keys(admin, tenant, subject) == 0
    assert await store.head(tenant) == 2
    # What says nothing about the person can still happen, to the person and to others.
    await store.append(
        append(tenant, structs.replace(stream(ada, after=2), events=(changed(owner_id=None), deleted())))
    )
    assert await store.head(tenant) == 4


async def test_an_erased_person_refuses_only_the_append_that_is_about_the_person(
    database: Database, tenant: UUID
) -> None:
    store, keyring = process(database)
    ada = await person(store, tenant)
    await destroy(database, keyring, tenant, ada)
    rows = await call(
        database.appends,
        append(tenant, stream(uuid4())),
        append(tenant, stream(ada, after=2)),
        append(tenant, stream(uuid4())),
    )
    assert outcomes(rows) == ["ok", "erased", "ok"]
    assert [row[2] for row in rows[::2]] == [3, 4]


async def test_a_lost_answer_is_found_again_after_the_erasure(database: Database, tenant: UUID) -> None:
    """Invariant 2: it was appended, whatever has become of the person since."""
    store, keyring = process(database)
    asked = events(tenant, ada := uuid4(), a_contact())
    first = await store.append(asked)
    await destroy(database, keyring, tenant, ada)
    assert (await process(database)[0].append(asked)).position == first.position


async def test_read_models_go_on_with_blanks(database: Database, tenant: UUID) -> None:
    store, keyring = process(database)
    ada, grace = await person(store, tenant), await person(store, tenant)
    await destroy(database, keyring, tenant, ada)
    await catch_up(database, tenant)
    rows = {row["id"]: row for row in contents(database, tenant)["contact_v1"]}
    assert [rows[str(who)]["version"] for who in (ada, grace)] == [2, 2]
    assert not [word for word in WORDS if word in str(rows[str(ada)])]
    assert rows[str(grace)]["title"] == "Emir"
    every = contents(database, tenant)
    assert not [row for table in every.values() for row in table if str(ada) in str(row) and "amerlan" in str(row)]


async def test_a_history_shows_what_was_done_and_by_whom(database: Database, tenant: UUID) -> None:
    store, keyring = process(database)
    ada = await person(store, tenant)
    await destroy(database, keyring, tenant, ada)
    told = entries("contact", await store.load(tenant, ada), domain.evolve, {})
    assert [entry.action for entry in told] == ["contact.registered", "contact.changed"]
    assert not [word for word in WORDS if word in str(told)]


async def test_who_has_the_keys_in_hand_reads_on_until_they_expire(
    database: Database, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is the keyring's TTL: docs/encryption.md."""
    store, _ = process(database)
    ada = await person(store, tenant)
    (elsewhere, keys), (forgetful, theirs), (_, ours) = (process(database) for _ in range(3))
    for reader in (elsewhere, forgetful):
        assert [item.erased for item in await reader.load(tenant, ada)] == [False, False]
    await destroy(database, ours, tenant, ada)
    assert [item.erased for item in await elsewhere.load(tenant, ada)] == [False, False]
    theirs.forget(tenant, ada)
    assert [blank(item) for item in await forgetful.load(tenant, ada)] == [True, True]
    monkeypatch.setattr(keys._subjects, "_clock", lambda: time.monotonic() + TTL_SECONDS)
    assert [blank(item) for item in await elsewhere.load(tenant, ada)] == [True, True]


async def test_a_tenant_that_is_not_there_has_nothing_to_destroy(database: Database) -> None:
    with pytest.raises(psycopg.errors.NoDataFound):
        await destroy(database, database.keyring, uuid4(), uuid4())


async def test_another_tenants_person_of_the_same_id_is_not_touched(
    database: Database, admin: Connection, tenant: UUID
) -> None:
    store, keyring = process(database)
    other, ada = uuid4(), uuid4()
    for each in (tenant, other):
        await store.append(events(each, ada, a_contact()))
    assert await destroy(database, keyring, tenant, ada) == 1
    assert [item.event for item in await process(database)[0].load(other, ada)] == [a_contact()]
    assert [blank(item) for item in await process(database)[0].load(tenant, ada)] == [True]
    assert living_keys(admin, other, ada) == 1
