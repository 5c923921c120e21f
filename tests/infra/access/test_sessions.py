"""R1.4: rotation, whoever else refreshes at the same time."""

import asyncio
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands.identity.sessions import NewSession
from infra.access.sessions import PostgresSessions
from tests.conftest import Database

pytestmark = pytest.mark.servers

LIVES = 3600


@pytest.fixture
def rows(database: Database) -> PostgresSessions:
    return PostgresSessions(database.service, LIVES)


async def started(rows: PostgresSessions, tenant: UUID) -> NewSession:
    session = NewSession(id=uuid4(), user_id=uuid4(), epoch=3, client="x", address=None)
    await rows.start(tenant, session)
    return session


def aged(database: Database, session_id: UUID, seconds: int) -> None:
    with psycopg.connect(database.admin_dsn) as connection:
        connection.execute(
            """UPDATE store.session SET rotated_at = rotated_at - make_interval(secs => %s),
                      expires_at = expires_at - make_interval(secs => %s) WHERE id = %s""",
            (seconds, seconds, session_id),
        )


async def test_of_many_at_once_one_rotates_and_the_others_get_the_same(rows: PostgresSessions) -> None:
    tenant = uuid4()
    session = await started(rows, tenant)
    for generation in range(1, 6):
        found = await asyncio.gather(*(rows.refresh(tenant, session.id, generation) for _ in range(8)))
        assert sorted(one.outcome for one in found) == ["repeated"] * 7 + ["rotated"]
        assert {(one.generation, one.user_id, one.epoch) for one in found} == {(generation + 1, session.user_id, 3)}


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 7), st.sampled_from([0, 4, 12])), max_size=12))
async def test_it_does_what_a_model_of_it_does(
    database: Database, rows: PostgresSessions, steps: list[tuple[int, int]]
) -> None:
    """Any order of any generations, with any pauses: an old token never gets anybody anything but the end."""
    tenant = uuid4()
    session = await started(rows, tenant)
    last, since, ended = 1, 0, False
    for generation, pause in steps:
        if pause:
            aged(database, session.id, pause)
            since += pause
        found = await rows.refresh(tenant, session.id, generation)
        match generation:
            case _ if generation < 1 or generation > last:
                expected = "unknown"
            case _ if not ended and generation == last:
                expected, last, since = "rotated", last + 1, 0
            case _ if not ended and generation == last - 1 and since < 10:
                expected = "repeated"
            case _ if generation < last:
                expected = "reused"
                assert found.fresh is not ended
                ended = True
            case _:
                expected = "ended"
        assert found.outcome == expected


async def test_a_session_that_nobody_refreshes_is_over(database: Database, rows: PostgresSessions) -> None:
    tenant = uuid4()
    session = await started(rows, tenant)
    assert len(await rows.of_user(tenant, session.user_id, 3)) == 1
    aged(database, session.id, LIVES + 1)
    assert (await rows.refresh(tenant, session.id, 1)).outcome == "ended"
    assert await rows.of_user(tenant, session.user_id, 3) == []


async def test_a_session_is_ended_once_and_by_its_user_only(rows: PostgresSessions) -> None:
    tenant = uuid4()
    session = await started(rows, tenant)
    assert await rows.end(tenant, session.id, uuid4()) == "unknown"
    assert await rows.end(uuid4(), session.id, session.user_id) == "unknown"
    assert await rows.end(tenant, session.id, session.user_id) == "ended"
    assert await rows.end(tenant, session.id, session.user_id) == "over"
    assert (await rows.refresh(tenant, session.id, 1)).outcome == "ended"


async def test_another_tenants_session_is_unknown(rows: PostgresSessions) -> None:
    tenant = uuid4()
    session = await started(rows, tenant)
    assert (await rows.refresh(uuid4(), session.id, 1)).outcome == "unknown"
    assert (await rows.refresh(tenant, session.id, 1)).outcome == "rotated"


async def test_what_has_expired_goes_when_its_user_signs_in_again(database: Database, rows: PostgresSessions) -> None:
    tenant = uuid4()
    old = await started(rows, tenant)
    aged(database, old.id, LIVES + 1)
    await rows.start(tenant, NewSession(id=uuid4(), user_id=old.user_id, epoch=3, client=None, address=None))
    assert (await rows.refresh(tenant, old.id, 1)).outcome == "unknown"
