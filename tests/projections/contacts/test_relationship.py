"""R3.3, B1: relationships from both ends, now and as of any moment, as the log says."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.ports import StreamEvents
from domain.event import Event
from domain.relationship import Relationship, RelationshipEnded, RelationshipSet, evolve, pair_id
from infra.event_store.store import PostgresEventStore
from projections.contacts.relationship import PROJECTION
from projections.contacts.relationship_queries import Related, page
from projections.position import Moment
from tests.conftest import SECRET, Database
from tests.given import CALLER, changed, deleted, registered
from tests.infra.event_store.appends import append
from tests.projections.reading import catch_up, contents

pytestmark = pytest.mark.servers

PEOPLE = ("Ada", "Grace", "Alan")
PAIRS = [(0, 1), (1, 0), (1, 2), (2, 0)]

steps = st.one_of(
    st.tuples(st.just("set"), st.sampled_from(PAIRS), st.sampled_from(["manager", "report", "spouse"])),
    st.tuples(st.just("set"), st.sampled_from(PAIRS), st.sampled_from(["manager", "report", "spouse"])),
    st.tuples(st.just("end"), st.sampled_from(PAIRS), st.none()),
)


class Circle:
    """Three people of a tenant, whose relationships are written event by event."""

    def __init__(self, database: Database) -> None:
        self.tenant, self.ids = uuid4(), [uuid4() for _ in PEOPLE]
        self.database = database
        self.store = PostgresEventStore(database.appends, database.service, SECRET)
        self.versions = dict.fromkeys(self.ids, 1)
        self.standing: set[UUID] = set()

    async def open(self) -> "Circle":
        streams = [StreamEvents(i, 0, (registered(name),)) for i, name in zip(self.ids, PEOPLE, strict=True)]
        await self.store.append(append(self.tenant, *streams))
        return self

    async def write(self, stream: UUID, event: Event) -> int:
        after = self.versions.get(stream, 0)
        self.versions[stream] = after + 1
        return (await self.store.append(append(self.tenant, StreamEvents(stream, after, (event,))))).position

    async def take(self, act: str, pair: tuple[int, int], kind: str | None) -> None:
        one, other = (self.ids[n] for n in pair)
        stream = pair_id(one, other)
        if act == "set":
            self.standing.add(stream)
            made = RelationshipSet(contact_id=one, other_id=other, kind=kind or "", reverse_kind=f"not {kind}")
            await self.write(stream, made)
        elif stream in self.standing:
            self.standing.remove(stream)
            await self.write(stream, RelationshipEnded())

    async def of(self, *ids: UUID, limit: int = 50, at: int | None = None, **options: Any) -> list[Related]:
        """All pages of those of a contact, or of several that are one."""
        found: list[Related] = []
        moment = None
        if at is not None:
            log = await self.store.read(self.tenant, after=at - 1, limit=1)
            moment = Moment(log[0].recorded_at, at)
        bound = None
        while True:
            async with self.database.service.of(self.tenant) as connection:
                rows, bound = await page(
                    connection, self.tenant, ids, after=bound, limit=limit, as_of=moment, **options
                )
            assert len(rows) <= limit
            found += rows
            if bound is None:
                return found


@given(st.lists(steps, min_size=1, max_size=8), st.data())
@settings(max_examples=12)
async def test_each_end_shows_what_the_log_says_at_any_moment(
    database: Database, sequence: Sequence[tuple[str, tuple[int, int], str | None]], data: st.DataObject
) -> None:
    circle = await Circle(database).open()
    early = data.draw(st.integers(0, len(sequence)))
    for number, step in enumerate(sequence):
        if number == early:
            await catch_up(database, circle.tenant)
        await circle.take(*step)
    await catch_up(database, circle.tenant)
    log = await circle.store.read(circle.tenant, after=0, limit=1000)
    states: dict[UUID, Relationship] = {}
    for item in log:
        if item.stream_id not in circle.ids:
            states[item.stream_id] = evolve(
                states.get(item.stream_id), item.event, stream_id=item.stream_id, at=item.recorded_at
            )
        if item.position < len(PEOPLE):
            continue
        for contact_id in circle.ids:
            seen = [
                state.seen_from(contact_id)
                for state in states.values()
                if contact_id in {state.contact_id, state.other_id} and state.deleted_at is None
            ]
            expected = {(each.id, each.version, each.other_id, each.kind, each.reverse_kind) for each in seen}
            now = await circle.of(contact_id, limit=1) if item is log[-1] else None
            for found in (await circle.of(contact_id, at=item.position), *([now] if now is not None else [])):
                assert {(r.id, r.version, r.other_id, r.kind, r.reverse_kind) for r in found} == expected
                assert [r.created_at for r in found] == sorted(r.created_at for r in found)


async def test_those_to_deleted_contacts_are_hidden_and_each_has_the_name_of_its_moment(database: Database) -> None:
    circle = await Circle(database).open()
    ada, grace, alan = circle.ids
    await circle.take("set", (0, 1), "manager")
    await circle.take("set", (0, 2), "friend")
    before = await circle.write(grace, changed(name=registered("Amazing Grace").name))
    await circle.write(grace, deleted())
    await catch_up(database, circle.tenant)
    assert [each.other_id for each in await circle.of(ada)] == [alan]
    then = await circle.of(ada, at=before - 1)
    assert [(each.other_id, each.name.display) for each in then] == [(grace, "Grace"), (alan, "Alan")]
    assert [each.name.display for each in await circle.of(ada, at=before)] == ["Amazing Grace", "Alan"]


async def test_a_contact_that_is_known_by_two_ids_has_the_relationships_of_both(database: Database) -> None:
    circle = await Circle(database).open()
    ada, grace, alan = circle.ids
    for pair in ((0, 1), (0, 2), (1, 2)):
        await circle.take("set", pair, "friend")
    await catch_up(database, circle.tenant)
    assert [each.other_id for each in await circle.of(ada, grace)] == [alan]
    assert [each.other_id for each in await circle.of(ada, grace, owners=[CALLER])] == [alan]
    assert await circle.of(ada, grace, owners=[uuid4()]) == []


async def test_a_fold_gives_the_rows_that_applying_gave(database: Database) -> None:
    """B6."""
    circle = await Circle(database).open()
    for act, pair, kind in (("set", (0, 1), "a"), ("end", (0, 1), None), ("set", (1, 0), "b"), ("set", (0, 1), "c")):
        await circle.take(act, pair, kind)
        await catch_up(database, circle.tenant)
    log = [i for i in await circle.store.read(circle.tenant, after=0, limit=99) if i.stream_id not in circle.ids]
    assert PROJECTION.fold
    folded = {(row[1], row[3], row[4], row[7]) for row in PROJECTION.fold(log)["relationship_v1"]}
    applied = contents(database, circle.tenant, [PROJECTION])["relationship_v1"]
    assert len(applied) == 6
    assert folded == {(UUID(row["contact_id"]), row["since"], row["until"], row["kind"]) for row in applied}
