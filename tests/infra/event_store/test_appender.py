"""Group commit: who waits for whom, what goes together, and what a lost connection does (invariants 2 and 6)."""

import asyncio
from uuid import UUID, uuid4

import psycopg
import pytest

from commands.ports import ClaimTakenError, StoreUnavailableError, VersionConflictError
from infra.event_store import appender as appender_module
from infra.event_store.store import PostgresEventStore
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import Batches, append, call, claim, held, key, one, stream
from tests.waiting import until

pytestmark = pytest.mark.servers


async def test_what_waits_goes_together(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches
) -> None:
    async with held(database, tenant):
        first = asyncio.create_task(store.append(one(tenant)))
        await until(lambda: len(batches) == 1)
        others = [asyncio.create_task(store.append(one(tenant))) for _ in range(20)]
        await asyncio.sleep(0.05)
        assert [len(batch) for batch in batches] == [1]
    positions = [answer.position for answer in await asyncio.gather(first, *others)]
    assert [len(batch) for batch in batches] == [1, 20]
    assert positions == list(range(2, 23))


async def test_a_request_that_is_cancelled_before_it_is_sent_leaves_nothing(
    store: PostgresEventStore, database: Database, tenant: UUID
) -> None:
    gone = append(tenant, stream(uuid4()), claims=[claim(tenant, "42", uuid4())], key=key("gone"))
    async with held(database, tenant):
        first = asyncio.create_task(store.append(one(tenant)))
        await asyncio.sleep(0.05)
        cancelled = asyncio.create_task(store.append(gone))
        last = asyncio.create_task(store.append(one(tenant)))
        await asyncio.sleep(0.05)
        cancelled.cancel()
    assert [(await first).position, (await last).position] == [2, 3]
    assert gone.command_id not in {item.command_id for item in await store.read(tenant, after=0, limit=10)}
    assert await store.holder(tenant, "contact.external_id/crm", "42") is None
    assert await store.kept_command(tenant, key("gone").digest) is None


async def test_a_request_that_is_cancelled_while_it_is_sent_hurts_nobody(
    store: PostgresEventStore, database: Database, tenant: UUID
) -> None:
    async with held(database, tenant):
        cancelled = asyncio.create_task(store.append(one(tenant)))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        next_one = asyncio.create_task(store.append(one(tenant)))
        await asyncio.sleep(0.05)
    assert (await next_one).position == 3


async def test_more_than_can_wait_is_refused_at_once(
    store: PostgresEventStore, database: Database, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-R3: no memory without bound, and no wait without end."""
    monkeypatch.setattr(appender_module, "_MOST_WAITING", 5)
    async with held(database, tenant):
        first = asyncio.create_task(store.append(one(tenant)))
        await asyncio.sleep(0.05)
        waiting = [asyncio.create_task(store.append(one(tenant))) for _ in range(5)]
        await asyncio.sleep(0.05)
        with pytest.raises(StoreUnavailableError):
            await store.append(one(tenant))
    assert [answer.position for answer in await asyncio.gather(first, *waiting)] == [2, 3, 4, 5, 6, 7]


async def test_two_appends_of_one_stream_go_in_calls_of_their_own(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches
) -> None:
    ada = uuid4()
    async with held(database, tenant):
        first = asyncio.create_task(store.append(one(tenant)))
        await asyncio.sleep(0.05)
        two = [asyncio.create_task(store.append(append(tenant, stream(ada)))) for _ in range(2)]
        await asyncio.sleep(0.05)
    await first
    results = await asyncio.gather(*two, return_exceptions=True)
    assert isinstance(results[1], VersionConflictError)
    assert not isinstance(results[0], BaseException)
    assert [len(batch) for batch in batches] == [1, 1, 1]


async def test_a_busy_tenant_does_not_hold_up_a_neighbour(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches
) -> None:
    """R6.5: one tenant whose head another process holds, and one in the same lane that is free."""
    opener, neighbour = same_lane(tenant), same_lane(tenant)
    await call(database.appends, one(opener), one(neighbour))
    async with held(database, tenant), held(database, opener) as other:
        lane_opener = asyncio.create_task(store.append(one(opener)))
        await asyncio.sleep(0.05)
        slow, fast = (asyncio.create_task(store.append(one(t))) for t in (tenant, neighbour))
        await asyncio.sleep(0.05)
        await other.rollback()
        assert (await lane_opener).position == 2
        async with asyncio.timeout(1):
            assert (await fast).position == 2
            assert (await store.append(one(neighbour))).position == 3
        assert not slow.done()
        assert any(len(batch) == 2 for batch in batches)
    assert (await slow).position == 2


async def test_a_claim_that_only_a_refused_neighbour_held_is_tried_again(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches
) -> None:
    ada, grace, taken = uuid4(), uuid4(), uuid4()
    await store.append(append(tenant, stream(taken), claims=[claim(tenant, "taken", taken)]))
    batches.clear()
    both = [claim(tenant, value, ada) for value in ("wanted", "taken")]
    async with held(database, tenant):
        first = asyncio.create_task(store.append(one(tenant)))
        await asyncio.sleep(0.05)
        refused = asyncio.create_task(store.append(append(tenant, stream(ada), claims=both)))
        fine = asyncio.create_task(store.append(append(tenant, stream(grace), claims=[claim(tenant, "wanted", grace)])))
        await asyncio.sleep(0.05)
    results = await asyncio.gather(first, refused, fine, return_exceptions=True)
    assert isinstance(results[1], ClaimTakenError)
    assert not isinstance(results[2], BaseException)
    owner = await store.holder(tenant, "contact.external_id/crm", "wanted")
    assert owner is not None
    assert owner.stream_id == grace
    assert 2 in {len(batch) for batch in batches}


async def test_what_postgres_cannot_store_fails_alone(
    store: PostgresEventStore, database: Database, tenant: UUID
) -> None:
    """R6.5: jsonb has no NUL character; whoever sends one has the trouble, not who shares the call or waits behind."""
    ada, grace = uuid4(), uuid4()
    poison = append(tenant, stream(grace), claims=[claim(tenant, "42", grace, kind="contact.external_id/a\0b")])
    async with held(database, tenant):
        first = asyncio.create_task(store.append(one(tenant)))
        await asyncio.sleep(0.05)
        sent = [append(tenant, stream(ada)), poison, append(tenant, stream(ada)), one(tenant)]
        tasks = [asyncio.create_task(store.append(each)) for each in sent]
        await asyncio.sleep(0.05)
    await first
    async with asyncio.timeout(5):
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[1], psycopg.DataError)
    kinds = [type(result).__name__ for result in results]
    assert (sorted([kinds[0], kinds[2]]), kinds[3]) == (["Appended", "VersionConflictError"], "Appended")
    assert await store.head(tenant) == 4


async def test_a_poke_that_fails_is_nobodys_trouble(database: Database, tenant: UUID) -> None:
    async def poke(_: object) -> None:
        raise RuntimeError("no broker")

    store = PostgresEventStore(database.appends, database.service, SECRET, poke=poke)
    async with held(database, tenant):
        first = asyncio.create_task(store.append(one(tenant)))
        await asyncio.sleep(0.05)
        others = [asyncio.create_task(store.append(one(tenant))) for _ in range(10)]
        await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        answers = await asyncio.gather(first, *others)
    assert [answer.position for answer in answers] == list(range(2, 13))


def same_lane(tenant: UUID) -> UUID:
    """Another tenant whose appends wait in the same queue."""
    lanes = appender_module._LANES
    return next(made for made in iter(uuid4, None) if made.int % lanes == tenant.int % lanes)
