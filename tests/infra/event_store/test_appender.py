"""Group commit: who waits for whom, what goes together, and what a lost connection does (invariants 2 and 6)."""

import asyncio
import random
from collections import Counter
from uuid import UUID, uuid4

import psycopg
import pytest

from commands.ports import ClaimTakenError, StoreOverloadedError, VersionConflictError
from infra.event_store import appender as appender_module
from infra.event_store import waiting as waiting_module
from infra.event_store.store import PostgresEventStore
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import Batches, append, call, claim, held, key, one, stream
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.servers


async def under_way(batches: Batches) -> None:
    """Wait until one call is under way: what comes now goes in another."""
    await until(lambda: len(batches) == 1)


async def in_line(store: PostgresEventStore, number: int) -> None:
    """Wait until so many appends wait for their turn."""
    await until(lambda: store._appender.waiting == number)


async def test_what_waits_goes_together(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches
) -> None:
    async with held(database, tenant):
        first = asyncio.create_task(store.append(one(tenant)))
        await under_way(batches)
        others = [asyncio.create_task(store.append(one(tenant))) for _ in range(7)]
        await in_line(store, 7)
        assert [len(batch) for batch in batches] == [1]
    positions = [answer.position for answer in await asyncio.gather(first, *others)]
    assert [len(batch) for batch in batches] == [1, 7]
    assert positions == list(range(2, 10))


async def test_of_a_tenant_with_much_to_write_a_second_call_waits_in_postgres_already(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches
) -> None:
    await store.append(one(tenant))
    batches.clear()
    async with held(database, tenant):
        first = [asyncio.create_task(store.append(one(tenant))) for _ in range(40)]
        await until(lambda: len(batches) == 2)
        more = [asyncio.create_task(store.append(one(tenant))) for _ in range(40)]
        await in_line(store, 40)
        assert [len(batch) for batch in batches] == [20, 20]
        assert (await store.append(one(uuid4()))).position == 1
    positions = [answer.position for answer in await asyncio.gather(*first, *more)]
    assert sorted(positions) == list(range(3, 83))
    assert await store.head(tenant) == 82


async def test_a_request_that_is_cancelled_before_it_is_sent_leaves_nothing(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches
) -> None:
    gone = append(tenant, stream(uuid4()), claims=[claim(tenant, "42", uuid4())], key=key("gone"))
    async with held(database, tenant):
        first = asyncio.create_task(store.append(one(tenant)))
        await under_way(batches)
        cancelled = asyncio.create_task(store.append(gone))
        await in_line(store, 1)
        last = asyncio.create_task(store.append(one(tenant)))
        await in_line(store, 2)
        cancelled.cancel()
    assert [(await first).position, (await last).position] == [2, 3]
    assert gone.command_id not in {item.command_id for item in await store.read(tenant, after=0, limit=10)}
    assert await store.holder(tenant, "contact.external_id/crm", "42") is None
    assert await store.kept_command(tenant, key("gone").digest) is None


async def test_a_request_that_is_cancelled_while_it_is_sent_is_written_whole_and_hurts_nobody(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches
) -> None:
    ada = uuid4()
    whole = append(tenant, stream(ada, count=3), claims=[claim(tenant, "42", ada)], key=key("sent"))
    async with held(database, tenant):
        cancelled = asyncio.create_task(store.append(whole))
        await under_way(batches)
        cancelled.cancel()
        next_one = asyncio.create_task(store.append(one(tenant)))
        await in_line(store, 1)
        assert cancelled.cancelled()
    assert (await next_one).position == 5
    log = await store.read(tenant, after=1, limit=10)
    assert [item.command_id for item in log[:3]] == [whole.command_id] * 3
    owner, kept = (
        await store.holder(tenant, whole.claims[0].kind, "42"),
        await store.kept_command(tenant, key("sent").digest),
    )
    assert (owner and owner.stream_id, kept and kept.position) == (ada, 4)


async def test_requests_that_are_cancelled_at_any_moment_are_written_whole_or_not_at_all(
    store: PostgresEventStore, tenant: UUID
) -> None:
    chance = random.Random(7)  # noqa: S311  not a secret
    sent = []
    for number in range(120):
        ada = uuid4()
        asked = append(tenant, stream(ada, count=2), claims=[claim(tenant, f"{number}", ada)], key=key(f"{number}"))
        sent.append((asked, asyncio.create_task(store.append(asked))))
        await asyncio.sleep(chance.random() * 0.002)
        sent[chance.randrange(len(sent))][1].cancel()
    await asyncio.gather(*(task for _, task in sent), return_exceptions=True)
    await store.append(one(tenant))  # behind what was on its way when nobody waited for it any more
    there = Counter(item.command_id for item in await store.read(tenant, after=0, limit=1000))
    for number, (asked, task) in enumerate(sent):
        owner, kept = await store.holder(tenant, asked.claims[0].kind, f"{number}"), asked.key
        kept_there = await store.kept_command(tenant, kept.digest) if kept else None
        parts = (there[asked.command_id], owner is not None, kept_there is not None)
        assert parts in {(2, True, True), (0, False, False)}
        assert parts[1] or task.cancelled()
    assert {True, False} == {task.cancelled() for _, task in sent}


async def test_more_than_can_wait_is_refused_at_once(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-R3: no memory without bound, and no wait without end."""
    monkeypatch.setattr(waiting_module, "_MOST_OF_TENANT", 5)
    async with held(database, tenant):
        first = asyncio.create_task(store.append(one(tenant)))
        await under_way(batches)
        waiting = [asyncio.create_task(store.append(one(tenant))) for _ in range(5)]
        await in_line(store, 5)
        with pytest.raises(StoreOverloadedError) as refused:
            await store.append(one(tenant))
        assert refused.value.retry_after >= 1
        assert (await store.append(one(uuid4()))).position == 1
    assert [answer.position for answer in await asyncio.gather(first, *waiting)] == [2, 3, 4, 5, 6, 7]


async def test_two_appends_of_one_stream_go_in_calls_of_their_own(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches
) -> None:
    ada = uuid4()
    async with held(database, tenant):
        first = asyncio.create_task(store.append(one(tenant)))
        await under_way(batches)
        two = [asyncio.create_task(store.append(append(tenant, stream(ada)))) for _ in range(2)]
        await in_line(store, 2)
    await first
    results = await asyncio.gather(*two, return_exceptions=True)
    assert isinstance(results[1], VersionConflictError)
    assert not isinstance(results[0], BaseException)
    assert [len(batch) for batch in batches] == [1, 1, 1]


async def test_a_busy_tenant_does_not_hold_up_a_neighbour(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R6.5: one tenant whose head another process holds, and one in the same call that is free."""
    monkeypatch.setattr(appender_module, "_CALLS", 1)
    neighbour = uuid4()
    for known in (tenant, neighbour):
        await store.append(one(known))
    batches.clear()
    async with held(database, tenant):
        slow, fast = (asyncio.create_task(store.append(one(t))) for t in (tenant, neighbour))
        async with asyncio.timeout(PATIENCE):
            assert (await fast).position == 2
            assert (await store.append(one(neighbour))).position == 3
        assert not slow.done()
    assert (await slow).position == 3
    assert [len(batch) for batch in batches] == [2, 1, 1]


async def test_calls_that_wait_for_heads_leave_the_way_to_others(
    store: PostgresEventStore, database: Database, tenant: UUID
) -> None:
    """R6.5: as many tenants as there are calls at a time, each with a head that another process holds."""
    other = uuid4()
    await call(database.appends, one(other))
    async with held(database, tenant), held(database, other):
        slow = [asyncio.create_task(store.append(one(each))) for each in (tenant, other)]
        await asyncio.sleep(0.005)
        async with asyncio.timeout(PATIENCE):
            assert (await store.append(one(uuid4()))).position == 1
        assert not any(task.done() for task in slow)
    assert [answer.position for answer in await asyncio.gather(*slow)] == [2, 2]


async def test_a_tenant_that_writes_flat_out_delays_a_neighbour_by_one_call(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R6.5: even when only one call goes at a time, and a thousand appends wait before the neighbour's."""
    monkeypatch.setattr(appender_module, "_CALLS", 1)
    monkeypatch.setattr(appender_module, "_LATE_SECONDS", 60)
    neighbour = uuid4()
    for known in (tenant, neighbour):
        await store.append(one(known))
    batches.clear()
    async with held(database, tenant):
        hot = [asyncio.create_task(store.append(one(tenant))) for _ in range(1000)]
        await until(lambda: len(store._appender._waiting) + sum(map(len, batches)) == 1000)
        calls = len(batches)
        cool = asyncio.create_task(store.append(one(neighbour)))
        await until(lambda: len(store._appender._waiting) + sum(map(len, batches)) == 1001)
    assert (await cool).position == 2
    assert neighbour in {sent.tenant_id for sent in batches[calls]}
    await asyncio.gather(*hot)


async def test_between_the_answers_of_a_batch_the_loop_sees_to_others(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches
) -> None:
    """R6.5: else a neighbour's answer waits until all who were answered have sent their next."""
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def answered() -> int:
        await store.append(one(tenant))
        return turns

    neighbour = uuid4()
    await store.append(one(neighbour))
    batches.clear()
    async with held(database, neighbour):
        waits = asyncio.create_task(store.append(one(neighbour)))
        await under_way(batches)
        async with held(database, tenant):
            first = asyncio.create_task(store.append(one(tenant)))
            await until(lambda: len(batches) == 2)
            others = [asyncio.create_task(answered()) for _ in range(12)]
            await in_line(store, 12)
            counting = asyncio.create_task(turn())
        await first
        in_turns = Counter(await asyncio.gather(*others))
        counting.cancel()
    await waits
    assert [len(batch) for batch in batches] == [1, 1, 12]
    assert max(in_turns.values()) <= appender_module._ANSWERED_AT_ONCE


async def test_a_claim_that_only_a_refused_neighbour_held_is_tried_again(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches
) -> None:
    ada, grace, taken = uuid4(), uuid4(), uuid4()
    await store.append(append(tenant, stream(taken), claims=[claim(tenant, "taken", taken)]))
    batches.clear()
    both = [claim(tenant, value, ada) for value in ("wanted", "taken")]
    async with held(database, tenant):
        first = asyncio.create_task(store.append(one(tenant)))
        await under_way(batches)
        refused = asyncio.create_task(store.append(append(tenant, stream(ada), claims=both)))
        await in_line(store, 1)
        fine = asyncio.create_task(store.append(append(tenant, stream(grace), claims=[claim(tenant, "wanted", grace)])))
        await in_line(store, 2)
    results = await asyncio.gather(first, refused, fine, return_exceptions=True)
    assert isinstance(results[1], ClaimTakenError)
    assert not isinstance(results[2], BaseException)
    owner = await store.holder(tenant, "contact.external_id/crm", "wanted")
    assert owner is not None
    assert owner.stream_id == grace
    assert 2 in {len(batch) for batch in batches}


async def test_what_postgres_cannot_store_fails_alone(
    store: PostgresEventStore, database: Database, tenant: UUID, batches: Batches
) -> None:
    """R6.5: jsonb has no NUL character; whoever sends one has the trouble, not who shares the call or waits behind."""
    ada, grace = uuid4(), uuid4()
    poison = append(tenant, stream(grace), claims=[claim(tenant, "42", grace, kind="contact.external_id/a\0b")])
    async with held(database, tenant):
        first = asyncio.create_task(store.append(one(tenant)))
        await under_way(batches)
        sent = [append(tenant, stream(ada)), poison, append(tenant, stream(ada)), one(tenant)]
        tasks = [asyncio.create_task(store.append(each)) for each in sent]
        await in_line(store, 4)
    await first
    async with asyncio.timeout(PATIENCE):
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[1], psycopg.DataError)
    kinds = [type(result).__name__ for result in results]
    assert (sorted([kinds[0], kinds[2]]), kinds[3]) == (["Appended", "VersionConflictError"], "Appended")
    assert await store.head(tenant) == 4


async def test_a_poke_that_fails_is_nobodys_trouble(database: Database, tenant: UUID, batches: Batches) -> None:
    async def poke(_: object) -> None:
        raise RuntimeError("no broker")

    store = PostgresEventStore(database.appends, database.service, SECRET, poke=poke)
    async with held(database, tenant):
        first = asyncio.create_task(store.append(one(tenant)))
        await under_way(batches)
        others = [asyncio.create_task(store.append(one(tenant))) for _ in range(10)]
        await until(lambda: len(batches) == 2)
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(first, *others)
    assert [answer.position for answer in answers] == list(range(2, 13))
