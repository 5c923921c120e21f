"""Rows of one tenant, or of one stream, built anew; and read models compared with the log."""

import asyncio
from typing import LiteralString
from uuid import UUID, uuid4

import pytest

from projections import verify
from projections.contacts import contact
from projections.contacts import past as contact_past
from projections.contacts import words as contact_words
from projections.identity import user
from projections.mending import NotOfOneStreamError
from projections.projection import Projection
from projections.registry import POSTGRES
from tests.given import changed, registered
from tests.projections.reading import checkpoints, contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers


async def spoil(workshop: Workshop, tenant: UUID, statement: LiteralString, *parameters: object) -> None:
    """Change rows behind the projector's back."""
    async with workshop.database.projector.of(tenant) as connection:
        await connection.execute(statement, parameters)


@pytest.mark.parametrize("projection", POSTGRES, ids=lambda projection: str(projection.name))
async def test_a_tenants_rows_are_mended_and_no_other_tenants_touched(
    workshop: Workshop, projection: Projection
) -> None:
    (tenant, _), (other, _) = await workshop.given(), await workshop.given()
    before, others = contents(workshop.database, tenant), contents(workshop.database, other)
    for table in projection.tables:
        await spoil(workshop, tenant, f"DELETE FROM read.{table}")
    assert await workshop.mend(tenant, projection=projection) == 15
    await workshop.level(tenant)
    assert contents(workshop.database, tenant) == before
    assert contents(workshop.database, other) == others


async def test_events_that_come_meanwhile_are_in_the_mended_rows(workshop: Workshop) -> None:
    tenant, streams = await workshop.given()
    over = asyncio.Event()

    async def write() -> None:
        for number in range(30):
            await workshop.happened(tenant, streams[0], changed(title=f"T{number}"), after=3 + number)
            await workshop.level(tenant)
        over.set()

    async def mend() -> None:
        while not over.is_set():
            await workshop.mend(tenant)

    await asyncio.gather(write(), mend())
    await workshop.level(tenant)
    assert all(each.position == 45 and not each.differences for each in await workshop.verify(tenant))


@pytest.mark.parametrize(
    ("projection", "statement"),
    [
        (contact.PROJECTION, "UPDATE read.contact_v1 SET title = 'wrong' WHERE id = ANY(%s)"),
        (contact_past.PROJECTION, "UPDATE read.contact_past_v1 SET title = 'wrong' WHERE id = ANY(%s)"),
        (contact_words.PROJECTION, "UPDATE read.contact_words_v1 SET words = '{}' WHERE contact_id = ANY(%s)"),
    ],
    ids=["contact", "contact_past", "contact_words"],
)
async def test_a_streams_rows_are_mended_and_no_others_touched(
    workshop: Workshop, projection: Projection, statement: LiteralString
) -> None:
    tenant, streams = await workshop.given()
    table, column = projection.tables[0], projection.stream_column or ""
    before = contents(workshop.database, tenant)[table]
    await spoil(workshop, tenant, statement, streams[:2])
    assert await workshop.mend(tenant, streams[0], projection) == 3
    await workshop.level(tenant)
    after = contents(workshop.database, tenant)[table]
    assert {UUID(row[column]) for row in after if row not in before} == {streams[1]}
    assert {row[column] for row in after} == {row[column] for row in before}


async def test_rows_of_several_streams_are_not_mended_by_one(workshop: Workshop) -> None:
    tenant, streams = await workshop.given(contacts=1)
    with pytest.raises(NotOfOneStreamError):
        await workshop.mend(tenant, streams[0], user.PROJECTION)


async def test_what_mirrors_mended_rows_looks_at_them_again(workshop: Workshop) -> None:
    tenant, streams = await workshop.given()
    before = contents(workshop.database, tenant)
    name = '{"given": null, "family": null, "display": "Wrong"}'
    await spoil(workshop, tenant, "UPDATE read.contact_v1 SET name = %s", name)
    await workshop.mend(tenant, projection=contact_words.PROJECTION)  # as if they had never been right
    assert contents(workshop.database, tenant)["contact_words_v1"] != before["contact_words_v1"]
    await workshop.mend(tenant, streams[2])
    await workshop.level(tenant)
    assert (
        len([r for r in contents(workshop.database, tenant)["contact_words_v1"] if r in before["contact_words_v1"]])
        == 1
    )
    await workshop.mend(tenant)
    await workshop.level(tenant)
    assert contents(workshop.database, tenant) == before


async def test_a_comparison_names_the_rows_that_differ_and_changes_nothing(workshop: Workshop) -> None:
    """Invariant 3."""
    tenant, streams = await workshop.given()
    assert all(each.position == 15 and not each.differences for each in await workshop.verify(tenant))
    await spoil(workshop, tenant, "UPDATE read.contact_v1 SET title = 'secret' WHERE id = %s", streams[0])
    await spoil(workshop, tenant, "DELETE FROM read.contact_v1 WHERE id = %s", streams[1])
    added = uuid4()
    await spoil(
        workshop,
        tenant,
        "INSERT INTO read.contact_v1 SELECT tenant_id, %s, version, position, name, emails, phones, company_id, title,"
        " tags, owner_id, external_ids, lifecycle, custom, created_at, updated_at, deleted_at, sort_name"
        " FROM read.contact_v1 WHERE id = %s",
        added,
        streams[2],
    )
    before = contents(workshop.database, tenant), checkpoints(workshop.database, tenant)
    (found,) = await workshop.verify(tenant, [contact.PROJECTION])
    ((difference),) = found.differences
    assert (difference.table, difference.rows) == ("contact_v1", 3)
    assert set(difference.keys) == {str(streams[0]), str(streams[1]), str(added)}
    assert (contents(workshop.database, tenant), checkpoints(workshop.database, tenant)) == before


async def test_words_that_are_counted_wrong_are_found(workshop: Workshop) -> None:
    tenant, _ = await workshop.given()
    await spoil(workshop, tenant, "UPDATE read.contact_word_uses_v1 SET uses = uses + 1")
    (found,) = await workshop.verify(tenant, [contact_words.PROJECTION])
    assert [each.table for each in found.differences] == ["contact_word_uses_v1"]


async def test_rows_are_compared_while_they_change(workshop: Workshop) -> None:
    tenant, streams = await workshop.given()
    over = asyncio.Event()

    async def write() -> None:
        number = 0
        while not over.is_set():
            await workshop.happened(tenant, streams[0], changed(title=f"T{number}"), after=3 + number)
            await workshop.happened(tenant, uuid4(), registered())
            await workshop.level(tenant)
            number += 1

    writing = asyncio.ensure_future(write())
    for _ in range(5):
        assert all(not each.differences for each in await workshop.verify(tenant))
    over.set()
    await writing


async def test_what_mirrors_rows_is_not_compared_before_it_has_caught_up(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, _ = await workshop.given()
    await spoil(workshop, tenant, "UPDATE read.checkpoint SET position = 14 WHERE projection = 'contact_words_v1'")
    monkeypatch.setattr(verify, "_TRIES", 2)
    (found,) = await workshop.verify(tenant, [contact_words.PROJECTION])
    assert found.position is None
