"""R4.2, invariant 3: those who took part have an interaction on their timelines, as a fold of the log has it."""

from uuid import UUID, uuid4

import pytest

from commands.ports import StreamEvents
from domain.contact import ContactAbsorbed, ContactChanged, ContactRegistered, ContactSeparated, Name
from domain.event import Event
from domain.interaction import InteractionChanged, InteractionLogged, Participant
from infra.event_store.store import PostgresEventStore
from projections.timeline.queries import Filters, page
from projections.timeline.timeline import PROJECTION
from tests.conftest import SECRET, Database
from tests.given import some_id
from tests.infra.event_store.appends import append
from tests.projections.reading import catch_up
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

ADA, GRACE, BYRON, MEETING = some_id(21), some_id(22), some_id(23), some_id(24)


class Log:
    """A tenant's log, written event by event."""

    def __init__(self, database: Database) -> None:
        self.tenant = uuid4()
        self._store = PostgresEventStore(database.appends, database.service, SECRET)
        self._versions: dict[UUID, int] = {}

    async def happened(self, stream_id: UUID, *events: Event) -> None:
        """Append events to a stream."""
        after = self._versions.get(stream_id, 0)
        await self._store.append(append(self.tenant, StreamEvents(stream_id, after, events)))
        self._versions[stream_id] = after + len(events)


async def shown(database: Database, log: Log, record: UUID) -> list[str]:
    """What a record's timeline has, oldest first."""
    async with database.service.of(log.tenant) as connection:
        rows, _ = await page(connection, [record], Filters(), descending=False, limit=50)
    return [row.title or row.kind for row in rows]


async def test_those_who_took_part_have_it_as_long_as_they_are_said_to_have(workshop: Workshop) -> None:
    database, log = workshop.database, Log(workshop.database)
    people = (Participant(contact_id=ADA), Participant(contact_id=GRACE), Participant(name="somebody"))
    await log.happened(MEETING, InteractionLogged(subject="Mills", contact_id=ADA, participants=people))
    await log.happened(MEETING, InteractionChanged(subject="Cards"))
    await catch_up(database, log.tenant, [PROJECTION])
    assert await shown(database, log, ADA) == await shown(database, log, GRACE) == ["Cards"]
    others = (Participant(contact_id=BYRON),)
    await log.happened(MEETING, InteractionChanged(contact_id=None, participants=others))
    await log.happened(BYRON, ContactRegistered(name=Name()), ContactChanged(title="Lord"))
    await log.happened(BYRON, ContactAbsorbed(subject_id=ADA), ContactSeparated(from_id=ADA))
    await workshop.level(log.tenant)

    assert await shown(database, log, GRACE) == await shown(database, log, ADA) == []
    assert sorted(await shown(database, log, BYRON)) == ["Cards", "created", "merged", "unmerged"]
    (verified,) = await workshop.verify(log.tenant, [PROJECTION])
    assert verified.differences == []
