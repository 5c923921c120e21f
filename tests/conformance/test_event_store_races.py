"""Many writers at once, through two processes' doors to one log (invariants 1 and 2)."""

import asyncio
from uuid import UUID, uuid4

from commands.ports import ClaimTakenError, Expected, Owner, VersionConflictError
from tests.conformance.conftest import Doors, positions
from tests.infra.event_store.appends import append, claim, key, one, stream


async def test_two_streams_that_race_for_a_claim_have_one_winner(doors: Doors, tenant: UUID) -> None:
    await doors[0].append(one(tenant))
    racers = [uuid4() for _ in range(20)]
    results = await asyncio.gather(
        *(
            doors[n % 2].append(append(tenant, stream(racer), claims=[claim(tenant, "42", racer)]))
            for n, racer in enumerate(racers)
        ),
        return_exceptions=True,
    )
    losers = [result for result in results if isinstance(result, BaseException)]
    assert len(losers) == 19
    assert all(isinstance(loser, ClaimTakenError) for loser in losers)
    winner = next(racer for racer, result in zip(racers, results, strict=True) if result not in losers)
    assert await doors[0].holder(tenant, "contact.external_id/crm", "42") == Owner(tenant, winner)
    assert await positions(doors[0], tenant) == [1, 2]


async def test_the_same_key_at_the_same_time_is_carried_out_once(doors: Doors, tenant: UUID) -> None:
    await doors[0].append(one(tenant))
    results = await asyncio.gather(
        *(doors[n % 2].append(append(tenant, stream(uuid4()), key=key("k"))) for n in range(20))
    )
    assert sorted(result.replayed for result in results) == [False] + [True] * 19
    assert {result.position for result in results} == {2}
    assert len({result.result_id for result in results if result.replayed}) == 1
    assert await positions(doors[0], tenant) == [1, 2]


async def test_fifty_writers_to_one_tenant_leave_no_gap(doors: Doors, tenant: UUID) -> None:
    await doors[0].append(one(tenant))

    async def write(number: int) -> list[int]:
        return [
            (await doors[number % 2].append(append(tenant, stream(uuid4(), count=1 + number % 3)))).position
            for _ in range(4)
        ]

    answers = await asyncio.gather(*(write(number) for number in range(50)))
    total = 1 + sum(4 * (1 + number % 3) for number in range(50))
    assert await positions(doors[0], tenant) == list(range(1, total + 1))
    assert all(mine == sorted(mine) for mine in answers)
    assert len({position for mine in answers for position in mine}) == 200


async def test_fifty_writers_to_many_tenants_leave_no_gap(doors: Doors) -> None:
    tenants = [uuid4() for _ in range(10)]
    for tenant in tenants:
        await doors[0].append(one(tenant))
    await asyncio.gather(*(doors[n % 2].append(one(tenants[n // 2 % 10])) for n in range(200)))
    for tenant in tenants:
        assert await positions(doors[0], tenant) == list(range(1, 22))


async def test_of_twenty_that_race_on_one_stream_one_wins_each_version(doors: Doors, tenant: UUID) -> None:
    ada = uuid4()
    await doors[0].append(append(tenant, stream(ada)))
    for version in range(1, 6):
        results = await asyncio.gather(
            *(doors[n % 2].append(append(tenant, stream(ada, after=version))) for n in range(20)),
            return_exceptions=True,
        )
        losers = [result for result in results if isinstance(result, BaseException)]
        assert len(losers) == 19
        assert all(isinstance(loser, VersionConflictError) for loser in losers)
    assert [item.version for item in await doors[0].load(tenant, ada)] == [1, 2, 3, 4, 5, 6]
    assert await positions(doors[0], tenant) == [1, 2, 3, 4, 5, 6]


async def test_nothing_is_stored_that_was_decided_by_what_has_changed_meanwhile(doors: Doors, tenant: UUID) -> None:
    rule = uuid4()
    await doors[0].append(append(tenant, stream(rule)))
    writers = [append(tenant, stream(uuid4()), expects=[Expected(rule, 1)]) for _ in range(20)]
    change = append(tenant, stream(rule, after=1))
    results = await asyncio.gather(
        *(doors[n % 2].append(each) for n, each in enumerate([*writers[:10], change, *writers[10:]])),
        return_exceptions=True,
    )
    changed = results.pop(10)
    assert not isinstance(changed, BaseException)
    for result in results:
        assert isinstance(result, VersionConflictError) or (
            not isinstance(result, BaseException) and result.position < changed.position
        )
