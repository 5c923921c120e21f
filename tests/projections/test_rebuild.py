"""B6: a read model is built anew beside the one that is read, and takes its place in one step."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from msgspec import structs

from domain.event import Event, Recorded
from projections.building import Building
from projections.contacts import contact
from projections.contacts import indexer as contact_indexer
from projections.contacts import words as contact_words
from projections.leads import score as lead_score
from projections.ports import Connection
from projections.projection import Projection
from projections.registry import POSTGRES
from projections.timeline import words as timeline_words
from tests.conftest import Database
from tests.projections.reading import checkpoints, contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

_KNOWN: LiteralString = """
SELECT a.attname FROM pg_statistic s JOIN pg_attribute a ON a.attrelid = s.starelid AND a.attnum = s.staattnum
 WHERE s.starelid = 'read.contact_v1'::regclass
"""


def rows(database: Database, query: LiteralString, *parameters: object) -> list[tuple[object, ...]]:
    with psycopg.connect(database.admin_dsn) as connection:
        return connection.execute(query, parameters).fetchall()


async def test_a_rebuild_gives_the_same_rows(workshop: Workshop) -> None:
    tenants = [(await workshop.given(contacts=n))[0] for n in (1, 3, 7)]
    before = {tenant: contents(workshop.database, tenant) for tenant in tenants}
    at = {tenant: checkpoints(workshop.database, tenant) for tenant in tenants}
    for projection in POSTGRES:
        rebuilt = await workshop.rebuild(projection)
        assert rebuilt.events >= 33
        assert all(each.is_level and each.is_equal for each in rebuilt.compared)
    assert {tenant: contents(workshop.database, tenant) for tenant in tenants} == before
    assert {tenant: checkpoints(workshop.database, tenant) for tenant in tenants} == at


async def test_queries_of_the_new_rows_are_planned_by_what_is_in_them(workshop: Workshop) -> None:
    await workshop.given(contacts=3)
    await workshop.rebuild()
    found = {column for (column,) in rows(workshop.database, _KNOWN)}
    assert found >= {"tenant_id", "id", "sort_name"}
    assert found.isdisjoint({"name", "emails", "custom"})  # nothing is looked for by them


async def test_rows_that_went_wrong_are_mended_and_told(workshop: Workshop) -> None:
    tenant, streams = await workshop.given()
    other, _ = await workshop.given()
    before = contents(workshop.database, tenant)
    async with workshop.database.projector.of(tenant) as connection:
        await connection.execute("DELETE FROM read.contact_v1 WHERE id = %s", (streams[0],))
        await connection.execute("UPDATE read.contact_v1 SET title = 'wrong' WHERE id = %s", (streams[1],))
    rebuilt = await workshop.rebuild()
    different = {each.tenant_id: each for each in rebuilt.compared if not each.is_equal}
    assert list(different) == [tenant]
    ((old, new),) = different[tenant].sums
    assert (old.rows, new.rows) == (4, 5)
    # What mirrors the rows looks at all of them again, in this tenant only.
    assert checkpoints(workshop.database, tenant)[contact_words.PROJECTION.checkpoint] == 0
    assert checkpoints(workshop.database, other)[contact_words.PROJECTION.checkpoint] == 15
    assert contact_indexer.CHECKPOINT not in checkpoints(workshop.database, tenant)
    await workshop.level(tenant)
    assert contents(workshop.database, tenant) == before


async def test_killed_right_after_the_swap_what_mirrors_the_rows_looks_at_them_again(workshop: Workshop) -> None:
    tenant, streams = await workshop.given()
    before = contents(workshop.database, tenant)
    async with workshop.database.projector.of(tenant) as connection:
        await connection.execute("UPDATE read.contact_v1 SET name = '{}' WHERE id = %s", (streams[0],))
    async with workshop.database.projector.of(tenant) as connection:
        await connection.execute("DELETE FROM read.contact_words_v1 WHERE contact_id = %s", (streams[0],))

    def killed(stage: str, done: int, _: int) -> None:
        if (stage, done) == ("swap", 1):
            raise LookupError

    with pytest.raises(LookupError):
        await workshop.rebuild(on_progress=killed)
    await workshop.level(tenant)
    assert contents(workshop.database, tenant)["contact_v1"] == before["contact_v1"]
    assert contents(workshop.database, tenant)["contact_words_v1"] == before["contact_words_v1"]


async def test_the_fence_between_tenants_and_the_indexes_are_those_of_before(workshop: Workshop) -> None:
    await workshop.given()
    described: LiteralString = """
        SELECT c.relname, c.relrowsecurity, c.reloptions::text, c.relacl::text, pg_get_userbyid(c.relowner),
               ARRAY(SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = c.oid ORDER BY 1),
               ARRAY(SELECT p.polname || pg_get_expr(p.polqual, p.polrelid) FROM pg_policy p WHERE p.polrelid = c.oid),
               ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = c.oid ORDER BY 1),
               ARRAY(SELECT concat(a.attname, a.attnotnull, a.atttypid::regtype, a.attstattarget) FROM pg_attribute a
                      WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY a.attnum)
          FROM pg_class c WHERE c.relnamespace = 'read'::regnamespace AND c.relkind = 'r' ORDER BY 1"""
    before = rows(workshop.database, described)
    for projection in POSTGRES:
        await workshop.rebuild(projection)
    after = rows(workshop.database, described)
    assert [row[1:3] + row[5:] for row in after] == [row[1:3] + row[5:] for row in before]
    rights: LiteralString = """
        SELECT role, c.relname, array_agg(right_ ORDER BY right_) FROM pg_class c
         CROSS JOIN unnest(ARRAY['rapport_service', 'rapport_projector', 'rapport_relay', 'rapport_append']) role
         CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) right_
         WHERE c.relnamespace = 'read'::regnamespace AND c.relkind = 'r' AND right(c.relname, 3) = '_v1'
           AND has_table_privilege(role, c.oid, right_) GROUP BY 1, 2 ORDER BY 1, 2"""
    for role, table, granted in rows(workshop.database, rights):
        expected = {"rapport_service": ["SELECT"], "rapport_projector": ["DELETE", "INSERT", "SELECT", "UPDATE"]}
        assert granted == expected[str(role)], (role, table)


async def test_an_interrupted_fill_goes_on_where_it_was(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    tenants = [(await workshop.given(contacts=4))[0] for _ in range(6)]
    before = [contents(workshop.database, tenant) for tenant in tenants]
    complete = Building._complete
    filled: list[UUID] = []

    async def only_two(building: Building, tenant_id: UUID, until: int) -> None:
        if len(filled) >= 2:
            raise ConnectionError("the process is gone")
        await complete(building, tenant_id, until)
        filled.append(tenant_id)

    with monkeypatch.context() as patched:
        patched.setattr(Building, "_complete", only_two)
        with pytest.raises(BaseExceptionGroup):
            await workshop.rebuild()
    read: list[UUID] = []
    streams = workshop.log.streams

    async def counted(tenant_id: UUID, *arguments: object, **options: object) -> Sequence[Recorded[Event]]:
        read.append(tenant_id)
        return await streams(tenant_id, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(workshop.log, "streams", counted)
    rebuilt = await workshop.rebuild()
    assert rebuilt.was_resumed
    assert not set(filled) & set(read)
    assert all(each.is_equal for each in rebuilt.compared)
    assert [contents(workshop.database, tenant) for tenant in tenants] == before


async def test_one_begun_anew_forgets_what_was_there(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    await workshop.given()

    async def dies(*_: object) -> None:
        raise ConnectionError("the process is gone")

    with monkeypatch.context() as patched:
        patched.setattr(Building, "_complete", dies)
        with pytest.raises(BaseExceptionGroup):
            await workshop.rebuild()
    rebuilt = await workshop.rebuild(fresh=True)
    assert not rebuilt.was_resumed
    assert all(each.is_equal for each in rebuilt.compared)


async def test_replaced_tables_go_when_nobody_can_be_reading_them(workshop: Workshop) -> None:
    await workshop.given()
    await workshop.rebuild()
    gone: LiteralString = "SELECT relname FROM pg_class WHERE relnamespace = 'gone'::regnamespace AND relkind = 'r'"
    assert ("contact_v1",) in rows(workshop.database, gone)
    assert await workshop.aside.sweep(3600) == 0
    assert await workshop.aside.sweep(0) > 0
    assert rows(workshop.database, gone) == []
    aside: LiteralString = "SELECT relname FROM pg_class WHERE relnamespace = 'aside'::regnamespace"
    assert rows(workshop.database, aside) == []


async def test_a_projection_without_a_fold_is_built_event_by_event(workshop: Workshop) -> None:
    tenant, _ = await workshop.given(contacts=3)
    plain: Projection = structs.replace(contact.PROJECTION, fold=None)
    assert all(each.is_equal for each in (await workshop.rebuild(plain)).compared)
    assert (await workshop.verify(tenant, [plain]))[0].differences == []


@pytest.mark.parametrize("projection", POSTGRES, ids=lambda projection: str(projection.name))
async def test_every_projection_writes_where_its_session_says(workshop: Workshop, projection: Projection) -> None:
    """What would name a schema would write into the rows that are read while it is rebuilt."""
    tenant, _ = await workshop.given(contacts=2)
    before = contents(workshop.database, tenant)
    await workshop.scratch.prepare(projection)
    events = await workshop.log.read(tenant, after=0, limit=100)
    wanted = [item for item in events if projection.wants(item)]
    async with workshop.scratch.of(tenant) as connection:
        if wanted:
            await projection.apply(connection, wanted)
        counts = [await _count(connection, table) for table in projection.tables]
    assert contents(workshop.database, tenant) == before
    if projection is timeline_words.PROJECTION:
        return  # of so few entries one is a sample by chance
    # Without rules there is nothing to score.
    assert any(counts) == bool(wanted and projection is not lead_score.PROJECTION)


async def _count(connection: Connection, table: str) -> int:
    return int((await (await connection.execute(f"SELECT count(*) FROM pg_temp.{table}")).fetchone())[0])
