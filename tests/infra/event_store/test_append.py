"""store.append with several appends in one call: each has its own outcome (invariants 1, 2 and 6)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest

from domain.company import CompanyRegistered
from domain.tenant import PLATFORM
from infra.event_store.store import PostgresEventStore
from tests.conftest import Database
from tests.infra.event_store.appends import (
    METADATA,
    OCCURRED,
    append,
    batch,
    call,
    call_over,
    claim,
    key,
    one,
    outcomes,
    stream,
)

pytestmark = pytest.mark.servers

Admin = psycopg.AsyncConnection[tuple[Any, ...]]


@pytest.fixture
async def admin(database: Database) -> AsyncIterator[Admin]:
    """A superuser's connection: holds locks, and looks at what no role of the services may see."""
    async with await psycopg.AsyncConnection.connect(database.admin_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def tenants() -> list[UUID]:
    return sorted(uuid4() for _ in range(4))


async def test_each_append_has_its_own_place(database: Database, tenants: list[UUID]) -> None:
    first, second = tenants[:2]
    rows = await call(
        database.appends, append(second, stream(uuid4(), count=2)), one(first), append(second, stream(uuid4(), count=3))
    )
    assert [row[:3] for row in rows] == [("ok", 1, 2), ("ok", 1, 1), ("ok", 3, 5)]


async def test_a_refusal_leaves_the_others_alone(
    database: Database, store: PostgresEventStore, tenants: list[UUID]
) -> None:
    tenant, other, ada = tenants[0], tenants[1], uuid4()
    repeated = append(tenant, stream(ada, after=2))
    await call(
        database.appends,
        append(tenant, stream(ada, count=2), claims=[claim(tenant, "42", ada)]),
        append(tenant, stream(uuid4()), key=key("k")),
        append(tenant, stream(uuid4()), key=key("l")),
    )
    await call(database.appends, repeated)
    fine = [one(tenant) for _ in range(6)]
    rows = await call(
        database.appends,
        fine[0],
        append(tenant, stream(ada, after=1)),
        fine[1],
        append(tenant, stream(bad := uuid4()), claims=[claim(tenant, "42", bad)]),
        fine[2],
        append(tenant, stream(uuid4()), key=key("k")),
        fine[3],
        append(tenant, stream(uuid4()), key=key("l", "another")),
        fine[4],
        repeated,
        fine[5],
        one(other),
    )
    assert outcomes(rows) == [
        "ok", "conflict", "ok", "claimed", "ok", "replay", "ok", "key_reused", "ok", "repeated", "ok", "ok",
    ]  # fmt: skip
    assert [row[2] for row in rows if row[0] == "ok"] == [6, 7, 8, 9, 10, 11, 1]
    log = await store.read(tenant, after=0, limit=100)
    assert [item.position for item in log] == list(range(1, 12))
    assert [item.command_id for item in log[5:]] == [each.command_id for each in fine]
    assert (rows[9][1], rows[9][2]) == (5, 5)


async def test_a_claim_of_a_refused_append_is_given_back(database: Database, store: PostgresEventStore) -> None:
    tenant, ada, grace = uuid4(), uuid4(), uuid4()
    await call(database.appends, append(tenant, stream(ada), claims=[claim(tenant, "z", ada)]))
    both = [claim(tenant, "a", grace), claim(tenant, "z", grace)]
    assert outcomes(await call(database.appends, append(tenant, stream(grace), claims=both))) == ["claimed"]
    assert await store.holder(tenant, both[0].kind, "a") is None
    assert await store.holder(tenant, both[0].kind, "z") is not None


@pytest.mark.parametrize("skip_busy", [True, False])
async def test_a_tenant_whose_head_is_held_does_not_hold_up_the_others(
    database: Database, admin: Admin, tenants: list[UUID], skip_busy: bool
) -> None:
    held, free, fresh = tenants[:3]
    await call(database.appends, one(held), one(free))
    batch = (one(held), one(free), one(fresh))
    async with admin.transaction():
        await admin.execute("SELECT FROM store.tenant_head WHERE tenant_id = %s FOR UPDATE", (held,))
        sent = asyncio.create_task(call(database.appends, *batch, skip_busy=skip_busy))
        await asyncio.wait({sent}, timeout=0.5)
        assert sent.done() == skip_busy
    rows = await sent
    assert outcomes(rows) == (["busy", "ok", "ok"] if skip_busy else ["ok", "ok", "ok"])
    assert [row[2] for row in rows[1:]] == [2, 1]


async def test_claims_in_opposite_orders_do_not_deadlock(database: Database) -> None:
    tenants = [uuid4() for _ in range(2)]
    await call(database.appends, *(one(tenant) for tenant in tenants))
    for _ in range(10):
        values = [f"{uuid4()}@x.example" for _ in range(100)]

        async def claim_all(tenant: UUID, wanted: list[str]) -> str:
            user = uuid4()
            claims = [claim(PLATFORM, value, user, "user.email") for value in wanted]
            return outcomes(await call(database.appends, append(tenant, stream(user), claims=claims)))[0]

        found = await asyncio.gather(claim_all(tenants[0], values), claim_all(tenants[1], values[::-1]))
        assert sorted(found) == ["claimed", "ok"]


async def test_heads_in_opposite_orders_do_not_deadlock(database: Database, tenants: list[UUID]) -> None:
    await call(database.appends, *(one(tenant) for tenant in tenants))
    answers = await asyncio.gather(
        *(call(database.appends, *(one(tenant) for tenant in tenants[:: 1 if n % 2 else -1])) for n in range(40))
    )
    assert all(outcomes(rows) == ["ok"] * 4 for rows in answers)
    assert sorted(rows[0][2] for rows in answers[1::2]) == sorted({rows[0][2] for rows in answers[1::2]})


async def test_two_writes_to_one_stream_in_one_call_fail_it_whole(
    database: Database, store: PostgresEventStore, tenants: list[UUID]
) -> None:
    ada, value = uuid4(), claim(tenants[1], "42", uuid4())
    with pytest.raises(psycopg.errors.UniqueViolation):
        await call(
            database.appends,
            append(tenants[0], stream(ada)),
            append(tenants[0], stream(ada)),
            append(tenants[1], stream(uuid4()), claims=[value], key=key("k")),
        )
    for tenant in tenants[:2]:
        assert await store.head(tenant) == 0
        assert list(await store.read(tenant, after=0, limit=10)) == []
    assert await store.holder(value.tenant_id, value.kind, "42") is None
    assert await store.kept_command(tenants[1], key("k").digest) is None


async def test_a_batch_can_be_one_json_object(
    database: Database, store: PostgresEventStore, tenants: list[UUID]
) -> None:
    """As of those who have no arrays."""
    happened = {
        "a": 1, "stream": uuid4(), "version": 1, "first": True, "topic": "company.registered.v1",
        "data": '{"name":"Engines"}', "metadata": msgspec.json.encode(METADATA).decode(), "occurred_at": OCCURRED,
    }  # fmt: skip
    key = {"key": "00", "body": "01", "result": uuid4(), "status": 201, "ttl": "1 hour"}
    use = {"tenant": tenants[0], "command": uuid4(), **key}
    argument = msgspec.json.encode({"appends": [use], "events": [happened]}).decode()
    answers = []
    async with database.appends.connection() as connection:
        for _ in range(2):
            cursor = await connection.execute("SELECT outcome, last_position FROM store.append(%s::jsonb)", (argument,))
            answers += await cursor.fetchall()
    assert answers == [("ok", 1), ("replay", 1)]
    (item,) = await store.read(tenants[0], after=0, limit=2)
    assert item.event == CompanyRegistered(name="Engines")


async def test_an_open_append_makes_readers_skip_nothing(
    database: Database, store: PostgresEventStore, tenants: list[UUID]
) -> None:
    """Fault 3: one append is held open while others of the tenant want to commit."""
    tenant = tenants[0]
    await call(database.appends, one(tenant))
    async with database.appends.connection() as connection:
        await connection.set_autocommit(False)
        argument = await batch(database.appends, [one(tenant)])
        await call_over(connection, argument)
        others = [asyncio.create_task(store.append(one(tenant))) for _ in range(5)]
        seen = []
        for _ in range(10):
            seen.append([item.position for item in await store.read(tenant, after=0, limit=100)])
            await asyncio.sleep(0.02)
        await connection.rollback()
        await connection.set_autocommit(True)
    assert seen == [[1]] * 10
    assert sorted(answer.position for answer in await asyncio.gather(*others)) == [2, 3, 4, 5, 6]


async def test_a_clock_that_was_ahead_does_not_bring_times_back(admin: Admin, store: PostgresEventStore) -> None:
    """Fault 14: an hour back, as the head of the tenant sees it."""
    tenant = uuid4()
    first = await store.append(one(tenant))
    ahead = first.recorded_at + timedelta(hours=1)
    await admin.execute("UPDATE store.tenant_head SET recorded_at = %s WHERE tenant_id = %s", (ahead, tenant))
    assert (await store.append(one(tenant))).recorded_at == ahead
    assert [item.recorded_at for item in await store.read(tenant, after=0, limit=9)] == [first.recorded_at, ahead]


async def test_an_expired_key_can_be_used_again(admin: Admin, store: PostgresEventStore) -> None:
    tenant, used = uuid4(), key("k")
    await store.append(append(tenant, stream(uuid4()), key=used))
    await admin.execute("UPDATE store.command SET expires_at = now() - interval '1 s' WHERE tenant_id = %s", (tenant,))
    assert await store.kept_command(tenant, used.digest) is None
    again = await store.append(append(tenant, stream(uuid4()), key=key("k", "another body")))
    assert (again.position, again.replayed) == (2, False)


async def test_of_two_in_one_call_that_take_over_from_the_same_stream_one_does(database: Database) -> None:
    """Callers that are grouped into one call see what those before them in it took."""
    tenant, ada = uuid4(), uuid4()
    held = claim(tenant, "42", ada)
    await call(database.appends, append(tenant, stream(ada), claims=[held]))
    takers = [
        append(tenant, stream(each), claims=[claim(tenant, "42", each)], releases=[held]) for each in (uuid4(), uuid4())
    ]
    assert outcomes(await call(database.appends, *takers)) == ["ok", "claimed"]
