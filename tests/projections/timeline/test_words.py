"""R4.2: words of a timeline are found in whatever part of it they are in an index, and in the rest."""

from uuid import UUID, uuid4

import psycopg
import pytest

from commands.ports import StreamEvents
from domain.interaction import InteractionChanged, InteractionLogged
from infra.event_store.store import PostgresEventStore
from projections.timeline import timeline
from projections.timeline.queries import Filters, page
from projections.timeline.words import PROJECTION, SAMPLES
from tests.conftest import SECRET, Database
from tests.given import some_id
from tests.infra.event_store.appends import append
from tests.projections.reading import catch_up, contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

BUSY, QUIET = some_id(71), some_id(72)
ENTRIES = 60
"""More than a page of one walks through."""


class Talks:
    """Interactions with two contacts, in one log: with the busy one there are samples enough."""

    def __init__(self, database: Database) -> None:
        self.database, self.tenant, self.position = database, uuid4(), 0
        self.store = PostgresEventStore(database.appends, database.service, SECRET)

    async def log(self, *about: UUID, body: str, samples: int = 0) -> list[UUID]:
        """One interaction each, `samples` of which are samples."""
        streams = []
        for number, contact_id in enumerate(about):
            self.position += 1
            # A sample is one whose id and position end in the same six bits.
            tail = self.position & 63 if number < samples else ~self.position & 63
            stream_id = UUID(int=uuid4().int & ~63 | tail)
            streams.append(StreamEvents(stream_id, 0, (InteractionLogged(contact_id=contact_id, body=body),)))
        await self.store.append(append(self.tenant, *streams))
        return [each.stream_id for each in streams]

    async def found(self, record: UUID, text: str) -> set[UUID]:
        """The entries that have a word, page by page of one."""
        ids, after = set(), None
        while True:
            async with self.database.service.of(self.tenant) as connection:
                rows, after = await page(connection, [record], Filters(), text=text, after=after, limit=1)
            ids |= {row.id for row in rows}
            if after is None:
                return ids

    def listed(self, record: UUID) -> int:
        """How many of a record's rows have their words in the index."""
        with psycopg.connect(self.database.admin_dsn) as connection:
            query = "SELECT count(*) FROM read.timeline_word_v1 WHERE tenant_id = %s AND record_id = %s"
            (count,) = connection.execute(query, (self.tenant, record)).fetchone() or (0,)
        return int(count)


async def test_words_of_crowded_timelines_are_found_whether_they_have_been_listed_or_not(workshop: Workshop) -> None:
    talks = Talks(workshop.database)
    old = {each: await talks.log(each, each, body="zebra", samples=each == BUSY) for each in (BUSY, QUIET)}
    await talks.log(*[BUSY] * ENTRIES, body="wants cards", samples=SAMPLES - 2)
    await talks.log(*[QUIET] * ENTRIES, body="wants cards")
    await workshop.level(talks.tenant)
    assert (talks.listed(BUSY), talks.listed(QUIET)) == (SAMPLES - 1, 0)
    assert [await talks.found(each, "zeb") for each in old] == [set(ids) for ids in old.values()]

    (last,) = await talks.log(BUSY, body="wants cards", samples=1)
    await workshop.level(talks.tenant)
    assert (talks.listed(BUSY), talks.listed(QUIET)) == (ENTRIES + 3, 0)
    new = await talks.log(BUSY, QUIET, body="zebra")
    change = StreamEvents(last, 1, (InteractionChanged(body="zebras"),))
    await talks.store.append(append(talks.tenant, change))
    await catch_up(workshop.database, talks.tenant, [timeline.PROJECTION])
    assert talks.listed(BUSY) == ENTRIES + 3, "the index is behind"
    everything = {*old[BUSY], new[0], last}, {*old[QUIET], new[1]}
    assert (await talks.found(BUSY, "zeb"), await talks.found(QUIET, "zeb")) == everything
    await workshop.level(talks.tenant)
    assert talks.listed(BUSY) == ENTRIES + 5
    assert (await talks.found(BUSY, "zeb"), await talks.found(QUIET, "zeb")) == everything

    with psycopg.connect(workshop.database.admin_dsn) as connection:
        connection.execute("DELETE FROM read.timeline_word_v1 WHERE id = %s", (old[BUSY][1],))
    assert await talks.found(BUSY, "zeb") == everything[0] - {old[BUSY][1]}, "so the index is what was asked"


async def test_what_is_listed_is_what_a_rebuild_lists(workshop: Workshop) -> None:
    talks = Talks(workshop.database)
    await talks.log(*[BUSY] * 12, body="wants cards", samples=SAMPLES)
    await talks.log(*[QUIET] * 12, body="wants cards", samples=SAMPLES - 1)
    await workshop.level(talks.tenant)
    before = contents(workshop.database, talks.tenant, [PROJECTION])
    assert len(before["timeline_word_v1"]) == 12 + SAMPLES - 1
    (verified,) = await workshop.verify(talks.tenant, [PROJECTION])
    assert (verified.position, verified.differences) == (24, [])
    rebuilt = await workshop.rebuild(PROJECTION)
    assert [each.is_equal for each in rebuilt.compared if each.tenant_id == talks.tenant] == [True]
    await workshop.rebuild(timeline.PROJECTION)
    await workshop.level(talks.tenant)
    assert contents(workshop.database, talks.tenant, [PROJECTION]) == before
    assert len(await talks.found(BUSY, "cards")) == len(await talks.found(QUIET, "cards")) == 12
