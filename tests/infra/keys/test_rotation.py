"""N-S1: the master key can be changed while everything runs."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from commands.ports import UnreadableEventError
from infra.event_store.store import PostgresEventStore
from infra.keys.keyring import Keyring
from infra.keys.master import LocalMaster, UnknownMasterError, local_master
from infra.keys.rotation import rewrap
from infra.secret import Secret
from tests.conftest import SECRET, Database
from tests.infra.event_store.people import a_change, a_contact, events, person, process

pytestmark = pytest.mark.servers

NEW = Secret(b"the new master secret, 32 bytes and more")


def store_under(database: Database, master: LocalMaster) -> PostgresEventStore:
    keyring = Keyring(database.service, master)
    return PostgresEventStore(database.appends, database.service, SECRET, keyring=keyring)


@pytest.fixture
def rotation(database: Database) -> Iterator[list[int]]:
    """Rotates back what the test rotates: other tests know the old master key only."""
    done: list[int] = []
    yield done
    rewrap(database.admin_dsn, local_master(SECRET, NEW), done.append)


async def test_after_a_rotation_the_new_master_key_opens_everything_and_the_old_one_nothing(
    database: Database, rotation: list[int]
) -> None:
    old, _ = process(database)
    tenant = uuid4()
    ada = await person(old, tenant)
    before = masters(database)
    assert local_master(SECRET).current in before
    total = rewrap(database.admin_dsn, local_master(NEW, SECRET), rotation.append)
    assert rotation == list(range(1, total + 1))
    assert masters(database) == {local_master(NEW).current}
    assert rewrap(database.admin_dsn, local_master(NEW, SECRET)) == 0
    new = store_under(database, local_master(NEW))
    assert [item.event for item in await new.load(tenant, ada)] == [a_contact(), a_change()]
    with pytest.raises(UnreadableEventError) as unreadable:
        await process(database)[0].load(tenant, ada)
    assert isinstance(unreadable.value.__cause__, UnknownMasterError)
    assert "RAPPORT_MASTER_KEY" in str(unreadable.value.__cause__)
    # Who has the tenant's key in hand goes on: it is still the same.
    await old.append(events(tenant, uuid4(), a_contact()))
    assert len(await new.read(tenant, after=0, limit=10)) == 3


async def test_during_a_rotation_both_master_keys_serve(database: Database, rotation: list[int]) -> None:
    (one, _), tenant = process(database), uuid4()
    ada = await person(one, tenant)
    both = store_under(database, local_master(NEW, SECRET))
    assert len(await both.load(tenant, ada)) == 2
    fresh = uuid4()
    await both.append(events(fresh, uuid4(), a_contact()))
    assert local_master(NEW).current in masters(database, fresh)
    rewrap(database.admin_dsn, local_master(NEW, SECRET), rotation.append)
    assert len(await both.load(tenant, ada)) == 2
    assert len(await store_under(database, local_master(NEW)).read(fresh, after=0, limit=10)) == 1


async def test_a_rotation_without_the_old_master_key_changes_nothing(database: Database) -> None:
    tenant = uuid4()
    ada = await person(process(database)[0], tenant)
    before = masters(database)
    with pytest.raises(UnknownMasterError):
        rewrap(database.admin_dsn, local_master(NEW))
    assert masters(database) == before
    assert len(await process(database)[0].load(tenant, ada)) == 2


def masters(database: Database, tenant: UUID | None = None) -> set[str]:
    """The names of the master keys that wrap something."""
    with psycopg.connect(database.admin_dsn) as connection:
        query = "SELECT DISTINCT master FROM store.tenant_key WHERE %s::uuid IS NULL OR tenant_id = %s"
        return {name for (name,) in connection.execute(query, (tenant, tenant)).fetchall()}
