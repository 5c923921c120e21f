"""B1: a list as of any moment shows what a fold of the log up to that moment shows."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.ports import StreamEvents
from domain import company, contact
from domain.company import Company, CompanyChanged, CompanyDeleted, CompanyRegistered, CompanyRestored
from domain.contact import Contact
from domain.event import Event, Recorded
from infra.event_store.store import PostgresEventStore
from projections.contacts import past as contact_past
from projections.contacts.contact import sort_name
from projections.contacts.queries import CompanyRef, ContactView, Filters, Sort, page, view
from projections.position import Moment
from tests.conftest import SECRET, Database
from tests.given import CALLER, changed, deleted, registered
from tests.infra.event_store.appends import append
from tests.projections.reading import catch_up, contents

pytestmark = pytest.mark.servers

TICK = timedelta(microseconds=1)

names = st.sampled_from(["Ada", "ada", "Grace", "Zo\u00eb", "\u5c71\u7530", "O'Brien", ""])
tags = st.lists(st.sampled_from(["vip", "math", "x y"]), unique=True, max_size=2).map(tuple)
patches = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["Countess", "Admiral", None]),
        "tags": tags,
        "owner_id": st.sampled_from([CALLER, None]),
    },
)
steps = st.one_of(
    st.tuples(st.just("company"), names.map(lambda name: name or "Engines")),
    st.tuples(st.just("register"), st.lists(st.tuples(names, tags), min_size=1, max_size=3)),
    st.tuples(st.just("register"), st.lists(st.tuples(names, tags), min_size=1, max_size=3)),
    st.tuples(st.just("change"), st.lists(st.tuples(st.integers(0, 2), patches), min_size=1, max_size=3)),
    st.tuples(st.just("change"), st.lists(st.tuples(st.integers(0, 2), patches), min_size=1, max_size=3)),
    st.tuples(st.just("rename"), st.tuples(st.integers(0, 2), st.sampled_from(["Navy", None]))),
    st.tuples(st.just("employ"), st.integers(0, 2)),
    st.tuples(st.just("delete"), st.integers(0, 2)),
)


class Writer:
    """A tenant whose log is written event by event; several events of one append have one time of recording."""

    def __init__(self, database: Database) -> None:
        self.tenant = uuid4()
        self.database = database
        self.store = PostgresEventStore(database.appends, database.service, SECRET)
        self.companies: list[UUID] = []
        self.there: dict[UUID, int] = {}

    async def take(self, step: tuple[str, Any]) -> None:
        """Append what a step says, as far as there is something to do it to."""
        kind, what = step
        events: dict[UUID, list[Event]] = {}
        if kind == "company":
            self.companies.append(uuid4())
            events[self.companies[-1]] = [CompanyRegistered(name=what)]
        elif kind == "rename":
            await self._renamed(*what)
        elif kind == "register":
            events = {uuid4(): [registered(name, tags=tags)] for name, tags in what}
        else:
            changes = [(which, changed(**fields)) for which, fields in what] if kind == "change" else [(what, None)]
            for which, change in changes:
                if stream := self._one(which):
                    event = change or (deleted() if kind == "delete" else self._employed(which))
                    events.setdefault(stream, []).append(event)
        await self._append(events, keep=kind not in {"company", "delete"})

    async def _renamed(self, which: int, name: str | None) -> None:
        """Another name for a company, or none: gone, or there again."""
        if not self.companies:
            return
        company_id = self.companies[which % len(self.companies)]
        log = await self.store.load(self.tenant, company_id)
        gone = isinstance(log[-1].event, CompanyDeleted)
        event = CompanyRestored() if gone else CompanyChanged(name=name) if name else CompanyDeleted()
        await self.store.append(append(self.tenant, StreamEvents(company_id, len(log), (event,))))

    def _one(self, which: int) -> UUID | None:
        return list(self.there)[which % len(self.there)] if self.there else None

    def _employed(self, which: int) -> Event:
        return changed(company_id=self.companies[which % len(self.companies)] if self.companies else None)

    async def _append(self, events: dict[UUID, list[Event]], *, keep: bool) -> None:
        streams = [StreamEvents(stream, self.there.get(stream, 0), tuple(more)) for stream, more in events.items()]
        if streams:
            await self.store.append(append(self.tenant, *streams))
        for stream in streams:
            self.there.pop(stream.stream_id, None)
            if keep:
                self.there[stream.stream_id] = stream.after + len(stream.events)

    async def log(self) -> Sequence[Recorded[Event]]:
        return await self.store.read(self.tenant, after=0, limit=10_000)


def fold(log: Sequence[Recorded[Event]], moment: datetime) -> list[ContactView]:
    """The contacts that were there, by the log alone."""
    contacts: dict[UUID, Contact] = {}
    companies: dict[UUID, Company] = {}
    for item in log:
        if item.recorded_at > moment:
            continue
        if item.event.TOPIC.startswith("company."):
            known = companies.get(item.stream_id)
            companies[item.stream_id] = company.evolve(known, item.event, stream_id=item.stream_id, at=item.recorded_at)
        else:
            before = contacts.get(item.stream_id)
            contacts[item.stream_id] = contact.evolve(before, item.event, stream_id=item.stream_id, at=item.recorded_at)
    return [
        view(found, employer(companies.get(found.company_id)) if found.company_id else None)
        for found in contacts.values()
        if found.deleted_at is None
    ]


def employer(found: Company | None) -> CompanyRef | None:
    return CompanyRef(found.id, found.name) if found and found.deleted_at is None else None


def fits(found: ContactView, filters: Filters) -> bool:
    return (
        filters.owner_id in (None, found.owner_id)
        and (filters.tag is None or filters.tag in found.tags)
        and (filters.company_id is None or (found.company is not None and found.company.id == filters.company_id))
        and (filters.created_after is None or found.created_at > filters.created_after)
        and (filters.updated_after is None or found.updated_at > filters.updated_after)
    )


def in_order(contacts: list[ContactView], sort: Sort) -> list[ContactView]:
    keys = {
        "created_at": lambda found: (found.created_at, found.id),
        "updated_at": lambda found: (found.updated_at, found.id),
        "name": lambda found: (sort_name(found), found.id),
    }
    return sorted(contacts, key=keys[sort.removeprefix("-")], reverse=sort.startswith("-"))


async def listed(writer: Writer, at: datetime, filters: Filters, sort: Sort, limit: int) -> list[ContactView]:
    """Every page of the list as of a moment."""
    moment = Moment(at, await writer.store.position_at(writer.tenant, at))
    found: list[ContactView] = []
    after = None
    while True:
        async with writer.database.service.of(writer.tenant) as connection:
            rows, after = await page(connection, writer.tenant, filters, sort, after=after, limit=limit, as_of=moment)
        assert len(rows) <= limit
        found += [row.view() for row in rows]
        if after is None:
            return found


@given(st.lists(steps, min_size=1, max_size=14), st.data())
@settings(max_examples=25)
async def test_a_list_as_of_any_moment_is_a_fold_of_the_log_at_that_moment(
    database: Database, sequence: Sequence[tuple[str, Any]], data: st.DataObject
) -> None:
    writer = Writer(database)
    # Some of it is applied early on, so that versions are closed in later batches too.
    early = data.draw(st.integers(0, len(sequence)))
    for number, step in enumerate(sequence):
        if number == early:
            await catch_up(database, writer.tenant)
        await writer.take(step)
    await catch_up(database, writer.tenant)
    log = await writer.log()
    times = sorted({item.recorded_at for item in log}) or [datetime.fromisoformat("2026-01-01T00:00:00Z")]
    moments = [times[0] - TICK, *times, *(at + TICK for at in times)]
    filters = st.builds(
        Filters,
        owner_id=st.sampled_from([None, CALLER]),
        tag=st.sampled_from([None, None, "vip"]),
        company_id=st.sampled_from([None, None, *writer.companies]),
        created_after=st.sampled_from([None, None, *times]),
        updated_after=st.sampled_from([None, None, *times]),
    )
    for at in moments:
        everything = in_order(fold(log, at), Sort.NAME)
        assert await listed(writer, at, Filters(), Sort.NAME, 200) == everything
    for _ in range(6):
        at, wanted = data.draw(st.sampled_from(moments)), data.draw(filters)
        sort, limit = data.draw(st.sampled_from(Sort)), data.draw(st.integers(1, 4))
        expected = in_order([found for found in fold(log, at) if fits(found, wanted)], sort)
        assert await listed(writer, at, wanted, sort, limit) == expected


async def test_versions_of_a_record_follow_one_another_without_gap_or_overlap(database: Database) -> None:
    writer = Writer(database)
    await writer.take(("register", [("Ada", ()), ("Grace", ())]))
    for _ in range(3):
        await writer.take(("change", [(0, {"title": "Countess"}), (1, {"title": None}), (0, {"tags": ("vip",)})]))
        await catch_up(database, writer.tenant)
    await writer.take(("delete", 0))
    await catch_up(database, writer.tenant)
    rows = contents(database, writer.tenant, [contact_past.PROJECTION])["contact_past_v1"]
    for stream in {row["id"] for row in rows}:
        versions = sorted((row for row in rows if row["id"] == stream), key=lambda row: row["version"])
        assert [row["version"] for row in versions] == list(range(1, len(versions) + 1))
        assert [row["until"] for row in versions] == [row["since"] for row in versions[1:]] + [None]
