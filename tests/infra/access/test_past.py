"""B9: access as of a position is the fold of the log up to there, read by the index that requests go by."""

from uuid import uuid4

import psycopg
import pytest

from commands.ports import StreamEvents
from domain.access import BUILT_IN_ROLES
from domain.authorization import FACTS, Access
from domain.user import UserRegistered, UserRolesChanged
from infra.access.authorization import PostgresAuthorization
from infra.access.past import PostgresPastAccess
from infra.event_store.store import PostgresEventStore
from infra.postgres import SERVICE
from tests.conftest import SECRET, Database
from tests.given import registered
from tests.infra.event_store.appends import append

pytestmark = pytest.mark.servers


async def test_each_position_has_its_own_and_the_last_is_what_requests_go_by(database: Database) -> None:
    store, past = PostgresEventStore(database.appends, database.service, SECRET), PostgresPastAccess(database.service)
    tenant, user = uuid4(), uuid4()
    joined = UserRegistered(name="Ada", email="a@x.example", password_hash="-", roles=("sales",))
    await store.append(append(tenant, StreamEvents(user, 0, (joined,))))
    await store.append(append(tenant, StreamEvents(uuid4(), 0, (registered(),))))
    await store.append(append(tenant, StreamEvents(user, 1, (UserRolesChanged(roles=("admin",)),))))

    states = [await past.at(tenant, position) for position in range(4)]

    assert states[0] == await past.at(uuid4(), 3) == Access()
    assert states[1] == states[2]
    assert states[2].granted(states[2].members[user].roles) == BUILT_IN_ROLES["sales"]
    assert states[3] == await PostgresAuthorization(database.appends).access(tenant)


def test_it_reads_the_events_that_requests_go_by(database: Database) -> None:
    with psycopg.connect(database.admin_dsn) as connection:
        query = "SELECT prosrc FROM pg_proc WHERE proname = 'access_until'"
        (body,) = connection.execute(query).fetchone() or ("",)
    assert {word for word in body.split("'") if word.endswith(".v1")} == FACTS.keys()


async def test_a_look_goes_by_that_index_under_the_tenants_wall(database: Database) -> None:
    store, tenant = PostgresEventStore(database.appends, database.service, SECRET), uuid4()
    for _ in range(20):
        await store.append(append(tenant, *(StreamEvents(uuid4(), 0, (registered(),)) for _ in range(100))))
    with psycopg.connect(database.admin_dsn, autocommit=True) as connection:
        connection.execute("ANALYZE store.event")
        query = "SELECT prosrc FROM pg_proc WHERE proname = 'access_until'"
        (body,) = connection.execute(query).fetchone() or ("",)
    with psycopg.connect(database.dsns[SERVICE]) as connection:
        connection.execute("SELECT set_config('app.tenant', %s, true)", (str(tenant),))
        rows = connection.execute(f"EXPLAIN ANALYZE {body}".replace("<= last", "<= 2000").encode()).fetchall()
    plan = "\n".join(row[0] for row in rows if "never executed" not in row[0])
    assert "_tenant_id_position_idx" in plan, plan
    assert "Seq Scan" not in plan, plan
