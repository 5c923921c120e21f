"""`store.append` chains what it writes: N-S3, Invariant 1. Checked by a program that shares no code with it."""

import asyncio
import random
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Database
from tests.infra.event_store.appends import append, call, key, one, outcomes, stream
from tests.infra.integrity.conftest import Admin
from tests.infra.integrity.independent import chain

pytestmark = pytest.mark.servers


def stored(admin: Admin, tenant: UUID) -> list[tuple[int, bytes]]:
    query = "SELECT position, hash FROM store.event WHERE tenant_id = %s ORDER BY position"
    return [(position, link) for position, link in admin.execute(query, (tenant,)).fetchall()]


def head(admin: Admin, tenant: UUID) -> tuple[int, bytes]:
    query = "SELECT position, hash FROM store.tenant_head WHERE tenant_id = %s"
    (found,) = admin.execute(query, (tenant,)).fetchall()
    return found[0], found[1]


def is_chained(log: Database, admin: Admin, tenant: UUID, events: int) -> bool:
    computed = chain(log.admin_dsn, tenant)
    assert [position for position, _ in computed] == list(range(1, events + 1))
    return computed == stored(admin, tenant) and computed[-1] == head(admin, tenant)


async def test_concurrent_appends_of_several_tenants_are_chained_each_in_its_order(log: Database, admin: Admin) -> None:
    tenants, chance = [uuid4() for _ in range(4)], random.Random(4)  # noqa: S311  not a secret
    await call(log.appends, *(one(tenant) for tenant in tenants))
    calls = [
        call(
            log.appends,
            *(append(chance.choice(tenants), stream(uuid4(), count=chance.randint(1, 3))) for _ in range(5)),
        )
        for _ in range(30)
    ]
    rows = [row for answer in await asyncio.gather(*calls) for row in answer]
    assert set(outcomes(rows)) == {"ok"}
    total = 0
    for tenant in tenants:
        events = head(admin, tenant)[0]
        assert is_chained(log, admin, tenant, events)
        total += events
    assert total > 4 + 150


async def test_refused_appends_leave_no_link(log: Database, admin: Admin) -> None:
    """Also as the first of their call, and as the last."""
    tenant, other = sorted((uuid4(), uuid4()))
    ada = uuid4()
    await call(log.appends, append(tenant, stream(ada, count=2)), append(other, stream(uuid4()), key=key("k")))
    rows = await call(
        log.appends,
        append(tenant, stream(ada, after=1)),
        append(tenant, stream(uuid4(), count=2)),
        append(tenant, stream(ada, after=5)),
        one(tenant),
        append(other, stream(uuid4()), key=key("k")),
        one(other),
        append(other, stream(uuid4()), key=key("k", "another")),
    )
    assert outcomes(rows) == ["conflict", "ok", "conflict", "ok", "replay", "ok", "key_reused"]
    assert is_chained(log, admin, tenant, 5)
    assert is_chained(log, admin, other, 2)


async def test_an_append_without_events_leaves_the_chain_as_it_is(log: Database, admin: Admin) -> None:
    tenant = uuid4()
    await call(log.appends, one(tenant))
    before = head(admin, tenant)
    assert outcomes(await call(log.appends, append(tenant, key=key("k")))) == ["ok"]
    assert head(admin, tenant) == before


@pytest.mark.parametrize("seconds", ["0.123456", "59.999999", "0"])
async def test_times_are_hashed_to_the_microsecond(log: Database, admin: Admin, seconds: str) -> None:
    tenant = uuid4()
    for year in ("1969", "2041", "2262", "9999"):
        batch = Jsonb({
            "appends": [{"tenant": str(tenant), "command": str(uuid4())}],
            "events": [{
                "a": 1, "stream": str(uuid4()), "version": 1, "first": True, "topic": "straße.v1", "data": '"äöü😀"',
                "metadata": "", "occurred_at": f"{year}-12-31T23:59:{seconds}+00:00",
            }],
        })  # fmt: skip
        assert admin.execute("SELECT outcome FROM store.append(%s)", (batch,)).fetchone() == ("ok",)
    assert is_chained(log, admin, tenant, 4)
