"""R4.4, invariant 3, N-C1: notes and their entries are folds of the log, and say nothing once that is erased."""

from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from commands.ports import StreamEvents
from domain.event import Event
from domain.note import NoteAdded, NoteEdited, NoteRemoved
from infra.event_store.store import PostgresEventStore
from infra.keys.destruction import KeyDestroyer
from projections.interactions import note, note_queries
from projections.interactions.note_queries import NoteVersion
from projections.timeline import timeline
from projections.timeline.queries import Filters, page
from tests.conftest import SECRET, Database
from tests.given import some_id
from tests.infra.event_store.appends import append
from tests.projections.reading import catch_up, contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

ADA, GRACE = some_id(41), some_id(42)
PROJECTIONS = (note.PROJECTION, timeline.PROJECTION)
FIRST = NoteAdded(subject_id=ADA, contact_id=ADA, author_id=GRACE, html="<p>Keeps <b>bees</b></p><p>and geese</p>")


def edited(html: str) -> NoteEdited:
    return NoteEdited(subject_id=ADA, author_id=GRACE, html=html)


async def happened(database: Database, tenant: UUID, stream: UUID, *events: Event, after: int = 0) -> None:
    store = PostgresEventStore(database.appends, database.service, SECRET)
    await store.append(append(tenant, StreamEvents(stream, after, events)))


async def titles(database: Database, tenant: UUID, text: str = "") -> list[str | None]:
    async with database.service.of(tenant) as connection:
        rows, _ = await page(connection, [ADA], Filters(), text=text, limit=50)
    return [row.title for row in rows]


async def versions(database: Database, tenant: UUID, stream: UUID) -> list[NoteVersion]:
    async with database.service.of(tenant) as connection:
        found, _ = await note_queries.versions(connection, tenant, stream, before=None, limit=50)
    return list(found)


@pytest.mark.parametrize("at_once", [True, False])
async def test_edits_and_removals_are_the_same_whether_they_come_at_once_or_one_by_one(
    workshop: Workshop, at_once: bool
) -> None:
    database, tenant, kept, gone = workshop.database, uuid4(), uuid4(), uuid4()
    steps = [(FIRST, FIRST), (edited("<h1>Two</h1>"), edited("x")), (edited("<p>Three"), NoteRemoved())]
    for after, (one, other) in enumerate(steps):
        await happened(database, tenant, kept, one, after=after)
        await happened(database, tenant, gone, other, after=after)
        if not at_once:
            await catch_up(database, tenant, PROJECTIONS)
    await catch_up(database, tenant, PROJECTIONS)

    assert await titles(database, tenant) == ["Three"]
    assert await titles(database, tenant, "bees") == await titles(database, tenant, "two") == []
    told = [(each.version, each.text, each.author_id) for each in await versions(database, tenant, kept)]
    assert told == [(3, "Three", GRACE), (2, "Two", GRACE), (1, "Keeps bees\nand geese", GRACE)]
    async with database.service.of(tenant) as connection:
        removed = await note_queries.by_id(connection, tenant, gone)
    assert removed is not None
    assert (removed.version, removed.until) == (2, 6)
    assert all(not each.differences for each in await workshop.verify(tenant, PROJECTIONS))


async def test_of_who_was_erased_no_word_is_left_once_the_rows_are_made_anew(workshop: Workshop) -> None:
    database, tenant, stream = workshop.database, uuid4(), uuid4()
    await happened(database, tenant, stream, FIRST, edited("<p>Sells honey</p>"))
    await catch_up(database, tenant, PROJECTIONS)
    assert await titles(database, tenant, "hon") == ["Sells honey"]

    await KeyDestroyer(database.appends, database.keyring).destroy(tenant, ADA)
    async with Workshop.on(database) as later:
        for projection in PROJECTIONS:
            await later.mend(tenant, stream, projection)
        assert await titles(database, tenant) == [None]
        assert await titles(database, tenant, "hon") == []
        assert all(not each.differences for each in await later.verify(tenant, PROJECTIONS))
    whole = str(contents(database, tenant, PROJECTIONS))
    assert not any(word in whole for word in ("bees", "geese", "honey", "Keeps", "Sells"))
    with psycopg.connect(database.admin_dsn) as connection:
        words = sql.SQL("SELECT t.words::text FROM read.timeline_v1 t WHERE tenant_id = %s")
        assert not any("bees" in text or "honey" in text for (text,) in connection.execute(words, (tenant,)))
