"""R6.3: the one question across tenants is about ids, and tells owners and nothing else."""

from uuid import uuid4

import pytest

from commands.ports import StreamEvents
from commands.violations import Owned
from domain.company import CompanyRegistered
from infra.access.owners import PostgresOwners
from infra.event_store.store import PostgresEventStore
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import append, one, stream

pytestmark = pytest.mark.servers


async def test_every_owner_of_an_id_is_named_with_what_it_is_there(database: Database) -> None:
    store, owners = PostgresEventStore(database.appends, database.service, SECRET), PostgresOwners(database.appends)
    mine, theirs, ada, firm = uuid4(), uuid4(), uuid4(), uuid4()
    for tenant in (mine, theirs):  # one is a copy of the other
        await store.append(append(tenant, stream(ada, count=3)))
    await store.append(append(theirs, StreamEvents(firm, 0, (CompanyRegistered(name="Engines"),))))
    await store.append(one(mine))

    found = await owners.of([(uuid4(), ada), (mine, firm), (mine, uuid4())])

    wanted = {Owned(ada, mine, "contact"), Owned(ada, theirs, "contact"), Owned(firm, theirs, "company")}
    assert (set(found), len(found)) == (wanted, 3)
    assert await owners.of([]) == []


async def test_what_a_tenant_has_itself_is_not_asked_for(database: Database) -> None:
    store, owners = PostgresEventStore(database.appends, database.service, SECRET), PostgresOwners(database.appends)
    mine, theirs, ada = uuid4(), uuid4(), uuid4()
    for tenant in (mine, theirs):
        await store.append(append(tenant, stream(ada)))
    assert await owners.of([(mine, ada)]) == []
    assert len(await owners.of([(mine, ada), (uuid4(), ada)])) == 2
