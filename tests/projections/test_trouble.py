"""R6.5, N-R3: a projection that fails, and a log that is away, are nobody else's trouble."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from msgspec import structs

from domain.event import Event, Recorded
from projections.contacts import contact
from projections.ports import Connection
from tests.conftest import Database
from tests.given import changed, registered
from tests.projections.reading import checkpoints, contents
from tests.projections.running import CONTACT, Faulty, Projector, expect_whole, story

pytestmark = pytest.mark.servers


async def test_one_that_fails_stops_neither_its_neighbours_nor_other_tenants(database: Database, tenant: UUID) -> None:
    """R6.5, and stuck projections of others in the field."""
    faulty, other = Faulty(ConnectionError("away")), uuid4()
    projector = Projector(database, faulty.projection)
    async with projector.running():
        projector.deliveries.bring(*story(projector.log, tenant))
        projector.deliveries.bring(*story(projector.log, other))
        await projector.reached(tenant, 12)
        await projector.reached(other, 12)
        projector.deliveries.bring(*projector.log.add(tenant, uuid4(), registered(), changed(title="Three")))
        await projector.reached(tenant, 14, name=CONTACT)
        assert checkpoints(database, tenant).get("faulty_v1", 0) == 0
        assert faulty.applied == []
        faulty.error = None
        await projector.reached(tenant, 14, name="faulty_v1")
        await projector.reached(other, 12, name="faulty_v1")
    assert sorted(faulty.applied) == sorted([*range(1, 15), *range(1, 13)])
    expect_whole(database, projector, tenant)


async def test_what_follows_it_waits_and_what_follows_others_goes_on(database: Database, tenant: UUID) -> None:
    """Also where both have their turns in one transaction."""
    faulty = Faulty(ConnectionError("away"))
    mirror, mirrored = faulty.projection, faulty.projection.checkpoint
    waits = structs.replace(mirror, name="waits", apply=_nothing, follows=(mirrored,))
    goes_on = structs.replace(mirror, name="goes_on", apply=_nothing, follows=(CONTACT,))
    projector = Projector(database, mirror, waits, goes_on)
    events = story(projector.log, tenant)
    async with projector.running():
        projector.deliveries.bring(*events)
        await projector.reached(tenant, 12, name=goes_on.checkpoint)
        assert checkpoints(database, tenant).get(waits.checkpoint, 0) == 0
        projector.deliveries.bring(*projector.log.add(tenant, uuid4(), registered()))
        await projector.reached(tenant, 13, name=goes_on.checkpoint)
        assert checkpoints(database, tenant).get(waits.checkpoint, 0) == 0
        faulty.error = None
        await projector.reached(tenant, 13, name=waits.checkpoint)


async def _nothing(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    del connection, events


async def test_what_a_projection_wrote_before_it_raised_is_gone(database: Database, tenant: UUID) -> None:
    async def half(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
        await contact.PROJECTION.apply(connection, events)
        await connection.execute("DELETE FROM read.contact_v1")
        raise TimeoutError("half done")

    projector = Projector(database, structs.replace(contact.PROJECTION, name="half", apply=half))
    events = story(projector.log, tenant)
    await projector.runner.catch_up(tenant, events[:3])
    await projector.runner.catch_up(tenant, events[3:])
    rows = contents(database, tenant, [contact.PROJECTION])["contact_v1"]
    assert {row["version"] for row in rows} == {4}
    assert checkpoints(database, tenant).get("half_v1", 0) == 0


@pytest.mark.parametrize("away", ["behind", "read"])
async def test_a_log_that_is_away_for_a_while_is_asked_again(
    database: Database, projector: Projector, tenant: UUID, monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    """Fault 5: Postgres restarts under it."""
    story(projector.log, tenant)

    async def gone(*_: object, **__: object) -> Sequence[Recorded[Event]]:
        raise ConnectionError("the server closed the connection")

    with monkeypatch.context() as patched:
        patched.setattr(projector.log, away, gone)
        async with projector.running():
            await asyncio.sleep(0.3)
            patched.undo()
            await projector.reached(tenant, 12)
    expect_whole(database, projector, tenant)
