"""R3.5: pairs that may be one person, kept up to date, and the same however they came to be."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from msgspec import structs

from commands.ports import StreamEvents
from domain.contact import ContactRegistered, Name
from domain.event import Event
from domain.imports import ImportReceived, Policy
from domain.matching import DuplicatesDismissed, MatchingRulesSet, pair_id, rules_id
from infra.event_store.store import PostgresEventStore
from infra.postgres import PROJECTOR, TenantConnections, open_pool
from projections.duplicates import duplicates, owed, queries, rescoring
from projections.duplicates import finding as match_finding
from projections.duplicates import people as match_people
from projections.duplicates.finding import Finder
from projections.duplicates.rescoring import Rescorer
from projections.duplicates.rules import DISMISSED, RULES
from projections.matching.blocking import MOST_IN_BLOCK
from projections.matching.person import person
from tests.conftest import SECRET, Database
from tests.given import changed, deleted, emails, phones, registered
from tests.infra.event_store.appends import METADATA, append
from tests.projections.matching.people import world
from tests.projections.reading import contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers


class Tenant:
    """A tenant of a workshop."""

    def __init__(self, workshop: Workshop) -> None:
        self.id, self.workshop = uuid4(), workshop
        self.database: Database = workshop.database
        self.versions: dict[UUID, int] = {}

    async def write(self, *events: tuple[UUID, Event], cause: str | None = None) -> None:
        streams = []
        for stream, event in events:
            after = self.versions.get(stream, 0)
            streams.append(StreamEvents(stream, after, (event,)))
            self.versions[stream] = after + 1
        store = PostgresEventStore(self.database.appends, self.database.service, SECRET)
        await store.append(append(self.id, *streams, metadata=structs.replace(METADATA, causation_id=cause)))
        await self.workshop.level(self.id)

    async def add(self, *events: Event, cause: str | None = None) -> list[UUID]:
        ids = [uuid4() for _ in events]
        await self.write(*zip(ids, events, strict=True), cause=cause)
        return ids

    async def add_of_file(self, rows: int, *events: Event) -> list[UUID]:
        """What came of a file with so many rows in all."""
        import_id = uuid4()
        received = ImportReceived(
            mapping={}, policy=Policy.SKIP, encoding="utf-8", delimiter=",", rows=rows, portions=2, ready=True
        )
        await self.write((import_id, received))
        return await self.add(*events, cause=f"import:{import_id}")

    def pairs(self) -> set[tuple[UUID, UUID]]:
        rows = contents(self.database, self.id, [duplicates.PROJECTION])["duplicate_v1"]
        return {(UUID(row["one_id"]), UUID(row["other_id"])) for row in rows}

    async def pauses(self) -> None:
        """Have its growth be over for a while: who is still growing is not rescored yet."""
        async with await psycopg.AsyncConnection.connect(self.database.admin_dsn, autocommit=True) as connection:
            query = "UPDATE read.match_growth_v1 SET grown_at = grown_at - interval '1 min' WHERE tenant_id = %s"
            await connection.execute(query, (self.id,))

    async def rescore(self) -> None:
        async with rescoring_sessions(self.database) as sessions, sessions.of(self.id) as connection:
            await rescoring.rescore(connection, self.id)

    async def finder(self) -> Finder:
        async with self.database.service.of(self.id) as connection:
            return await match_finding.finder(connection, self.id)

    async def complete(self) -> bool:
        async with self.database.service.of(self.id) as connection:
            return await queries.is_complete(connection, self.id, rules=0)

    async def differences(self) -> Sequence[Any]:
        (verified,) = await self.workshop.verify(self.id, [duplicates.PROJECTION])
        assert verified.position is not None
        return verified.differences


@asynccontextmanager
async def rescoring_sessions(database: Database) -> AsyncIterator[TenantConnections]:
    """Connections that are for nothing else."""
    pool = await open_pool(database.dsns[PROJECTOR], name="rescoring", size=1, statement_seconds=0)
    yield TenantConnections(pool)
    await pool.close()


@pytest.fixture
def tenant(workshop: Workshop) -> Tenant:
    return Tenant(workshop)


def pair(one: UUID, other: UUID) -> tuple[UUID, UUID]:
    return (one, other) if one < other else (other, one)


def like(each: Any) -> ContactRegistered:
    """A contact of a made-up world, as far as contacts have its values."""
    given, family = (each.values.get(field, (None,))[0] for field in ("given", "family"))
    return registered(
        name=Name(given=given, family=family, display=f"{given} {family}"),
        emails=emails(*each.values.get("email", ())),
        phones=phones(*(f"+4{number}" for number in each.values.get("phone", ()))),
    )


async def test_a_pair_comes_and_goes_with_what_its_contacts_are(tenant: Tenant) -> None:
    ada, grace = await tenant.add(
        registered("Ada Lovelace", emails=emails("ada@example.com")),
        registered("Grace Hopper", phones=phones("+12025550100")),
    )
    assert tenant.pairs() == set()
    (again,) = await tenant.add(registered("Ada Lovelase", emails=emails("ada@example.com")))
    assert tenant.pairs() == {pair(ada, again)}
    await tenant.write((again, changed(name=Name(given="Bob", family="Byron", display="Bob Byron"), emails=())))
    assert tenant.pairs() == set()
    await tenant.write((again, changed(name=Name(given="Grace", family="Hopper"), phones=phones("+12025550100"))))
    assert tenant.pairs() == {pair(grace, again)}
    await tenant.write((grace, deleted()))
    assert tenant.pairs() == set()
    assert await tenant.differences() == []


async def test_whatever_order_things_happen_in_the_pairs_follow_from_the_rows(tenant: Tenant) -> None:
    """Invariant 3."""
    there, random = world(3, people=60), Random(11)  # noqa: S311
    await tenant.write((rules_id(tenant.id), MatchingRulesSet(keys=("name", "phone"), suggest_at=0.1, merge_at=0.9)))
    ids = await tenant.add(*map(like, there.people))
    await tenant.rescore()
    for _ in range(6):
        some = random.sample([each for each in ids if tenant.versions[each] < 3], 9)
        steps = [changed(**_members(like(random.choice(there.people)))) for _ in some[:6]] + [deleted()] * 2
        await tenant.write(*zip(some, steps, strict=False))
        ids = [each for each in ids if each not in some[6:8]]
        await tenant.add(*(like(random.choice(there.people)) for _ in range(4)))
    assert len(tenant.pairs()) > 5
    assert await tenant.differences() == []


def _members(event: ContactRegistered) -> dict[str, Any]:
    return {"name": event.name, "emails": event.emails, "phones": event.phones}


async def test_a_block_that_grows_too_large_ceases_to_count_until_it_is_small_again(tenant: Tenant) -> None:
    """The switchboard of a large company makes no pairs; those of a small one are looked at."""
    names = [f"{letter}{vowel}{letter}o" for letter in "bcdfghjklmnprst" for vowel in "aeiou"]
    event = [registered(f"{name} {name[::-1]}", phones=phones("+12025550100")) for name in names]
    await tenant.write((rules_id(tenant.id), MatchingRulesSet(keys=("phone",), suggest_at=0.1, merge_at=0.9)))
    await tenant.rescore()
    ids = await tenant.add(*event[: MOST_IN_BLOCK - 1])
    assert len(tenant.pairs()) == (MOST_IN_BLOCK - 1) * (MOST_IN_BLOCK - 2) // 2
    more = await tenant.add(*event[MOST_IN_BLOCK - 1 : MOST_IN_BLOCK + 2])
    assert tenant.pairs() == set()
    assert await tenant.differences() == []
    await tenant.write((ids[0], deleted()), (more[0], deleted()))
    assert len(tenant.pairs()) == MOST_IN_BLOCK * (MOST_IN_BLOCK - 1) // 2
    assert await tenant.differences() == []


async def test_weights_are_learnt_when_a_tenant_has_grown_and_the_rules_are_others(
    tenant: Tenant, workshop: Workshop
) -> None:
    """R3.5: duplicates in existing data; scores can be told from the model that they were made with."""
    there = world(2, people=60)
    await tenant.add(*map(like, there.people))
    await tenant.pauses()
    async with rescoring_sessions(workshop.database) as sessions:
        assert await Rescorer(sessions).turn() >= 1
    async with workshop.database.projector.of(tenant.id) as connection:
        learnt = await match_people.in_force(connection, tenant.id)
    assert (learnt.version, bool(learnt.model.common["family"])) == (1, True)
    assert await tenant.differences() == []
    await tenant.write((rules_id(tenant.id), MatchingRulesSet(keys=("email",), suggest_at=0.4, merge_at=0.99)))
    async with rescoring_sessions(workshop.database) as sessions:
        for _ in range(2):
            await Rescorer(sessions).turn()
    assert (await tenant.finder()).keys == ("email",)
    async with workshop.database.projector.of(tenant.id) as connection:
        assert (await match_people.in_force(connection, tenant.id)).version == learnt.version + 1, "once is enough"
    assert await tenant.differences() == []


@pytest.mark.parametrize("many", [2000, 1])
async def test_what_changes_while_a_tenant_is_rescored_is_in_its_pairs(
    tenant: Tenant, workshop: Workshop, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    """Or, when it is much, in those of the next time."""
    monkeypatch.setattr(rescoring, "PAGE", many)
    there, over = world(5, people=60), asyncio.Event()
    ids = await tenant.add(*map(like, there.people))

    async def write() -> None:
        for one, other in zip(ids[:5], there.people[5:10], strict=True):
            await tenant.write((one, changed(**_members(like(other)))))
        over.set()

    async def rescore() -> None:
        while not over.is_set():
            await tenant.rescore()

    await asyncio.gather(write(), rescore())
    await tenant.pauses()
    async with rescoring_sessions(workshop.database) as sessions:
        await Rescorer(sessions).turn()
    assert await tenant.complete()
    assert await tenant.differences() == []


async def test_many_people_are_found_at_once_among_contacts_and_among_themselves(tenant: Tenant) -> None:
    ada, _ = await tenant.add(
        registered("Ada Lovelace", emails=emails("ada@example.com")),
        registered("Grace Hopper", emails=emails("g@example.com")),
    )
    finder = await tenant.finder()
    people = [
        person(finder.keys, given="Ada", family="Lovelase", emails=["ada@example.com"]),
        person(finder.keys, given="Alan", family="Turing", emails=["alan@example.com"]),
        person(finder.keys, given="Turing", family="Alan", emails=["alan@example.com"]),
    ]
    async with tenant.database.service.of(tenant.id) as connection:
        found = await finder.find(connection, people)
    assert [each and each.contact_id for each in found] == [ada, None, None]
    assert [each and each[0] for each in finder.among(people)] == [None, None, 1]


async def test_a_pair_that_was_dismissed_is_known_whatever_is_built_anew(tenant: Tenant) -> None:
    ada, again = await tenant.add(registered("Ada Lovelace"), registered("Ada Lovelace"))
    dismissed = DuplicatesDismissed(contact_ids=pair(ada, again))
    await tenant.write((pair_id(again, ada), dismissed))
    await tenant.write((pair_id(ada, again), dismissed))
    (row,) = contents(tenant.database, tenant.id, [DISMISSED])["duplicate_dismissed_v1"]
    assert (row["one_id"], row["other_id"]) == tuple(map(str, pair(ada, again)))
    assert all(not each.differences for each in await tenant.workshop.verify(tenant.id, [DISMISSED, RULES]))


async def test_pairs_of_many_new_contacts_are_found_with_the_next_model(tenant: Tenant, workshop: Workshop) -> None:
    """Invariant 3: what an import leaves for later is as if each contact had come by itself."""
    there = world(7, people=160)
    first = await tenant.add(*map(like, there.people[:120]))
    assert (tenant.pairs(), await tenant.complete()) == (set(), False)
    (again,) = await tenant.add(like(there.people[0]))
    assert tenant.pairs() >= {pair(first[0], again)}, "keys are there, so who comes alone is compared at once"
    await tenant.write((first[1], deleted()))
    await tenant.pauses()
    async with rescoring_sessions(workshop.database) as sessions:
        await Rescorer(sessions).turn()
    assert len(tenant.pairs()) > 1
    assert (await tenant.complete(), await tenant.differences()) == (True, [])
    # A few more than that are no reason for another model: they are compared as they come.
    await tenant.add(*map(like, there.people[100:]))
    assert (await tenant.complete(), await tenant.differences()) == (True, [])


async def test_of_very_many_not_even_keys_are_there_before_the_next_model(
    tenant: Tenant, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 3: who changes or goes before is there as they are, and once."""
    monkeypatch.setattr(owed, "KEYED", 100)
    there = world(9, people=200)
    await tenant.add(*map(like, there.people[:110]))
    ids = await tenant.add(*map(like, there.people[110:]))
    assert len(contents(tenant.database, tenant.id, [duplicates.PROJECTION])["match_contact_v1"]) == 110
    await tenant.write((ids[0], changed(**_members(like(there.people[0])))), (ids[1], deleted()))
    await tenant.pauses()
    async with rescoring_sessions(workshop.database) as sessions:
        await Rescorer(sessions).turn()
    assert len(tenant.pairs()) > 1
    assert (await tenant.complete(), await tenant.differences()) == (True, [])


async def test_of_a_file_too_large_to_be_compared_no_keys_are_there_before_the_next_model(
    tenant: Tenant, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a smaller one they are: its next rows are compared with those before."""
    monkeypatch.setattr(owed, "KEYED", 150)
    there = world(11, people=260)
    small = await tenant.add_of_file(120, *map(like, there.people[:120]))
    await tenant.add_of_file(151, *map(like, there.people[120:]))
    kept = contents(tenant.database, tenant.id, [duplicates.PROJECTION])["match_contact_v1"]
    assert {UUID(row["contact_id"]) for row in kept} == set(small)
    assert not await tenant.complete()
    await tenant.pauses()
    async with rescoring_sessions(workshop.database) as sessions:
        await Rescorer(sessions).turn()
    assert (await tenant.complete(), await tenant.differences()) == (True, [])


async def test_what_is_built_beside_the_list_leaves_nothing_for_later(tenant: Tenant) -> None:
    await tenant.add(*map(like, world(8, people=120).people))
    assert tenant.pairs() == set()
    await tenant.workshop.mend(tenant.id, projection=duplicates.PROJECTION)
    assert len(tenant.pairs()) > 1
