"""B1, R3.5, invariant 3: families of merged contacts, now and as of any position, equal what the log says."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from commands.ports import StreamEvents
from domain.contact import ContactMerged, ContactUnmerged
from domain.event import Event
from infra.event_store.store import PostgresEventStore
from projections.contacts import family as contact_family
from projections.contacts.family import family, survivors
from tests.conftest import SECRET, Database
from tests.given import registered
from tests.infra.event_store.appends import append
from tests.projections.reading import catch_up, contents

pytestmark = pytest.mark.servers

# Who goes into whom ("ab": a into b), or comes out again ("-ab").
STORY = (
    *("ab", "cd", "bd", "ed", "-bd", "-ed", "be", "-cd"),
    *("-be", "ca", "bd", "-ab", "ad", "-ca", "-ad", "-bd"),
)


def played(links: tuple[str, ...]) -> dict[str, str]:
    """Who is in whom after these."""
    into: dict[str, str] = {}
    for link in links:
        if link.startswith("-"):
            del into[link[1]]
        else:
            into[link[0]] = link[1]
    return into


def end(into: dict[str, str], who: str) -> str:
    while who in into:
        who = into[who]
    return who


async def test_it_is_what_the_log_says_at_every_position(database: Database) -> None:
    store, tenant = PostgresEventStore(database.appends, database.service, SECRET), uuid4()
    ids = {who: uuid4() for who in "abcde"}
    versions = dict.fromkeys(ids, 0)

    async def happened(who: str, event: Event) -> int:
        versions[who] += 1
        made = append(tenant, StreamEvents(ids[who], versions[who] - 1, (event,)))
        return (await store.append(made)).position

    for who in ids:
        await happened(who, registered(who))
    positions = []
    for number, link in enumerate(STORY):
        kind = ContactUnmerged if link.startswith("-") else ContactMerged
        positions.append(await happened(link[-2], kind(into=ids[link[-1]])))
        if number % 4 == 0:  # so that links begin and end within a batch, and across several
            await catch_up(database, tenant, [contact_family.PROJECTION])
    await catch_up(database, tenant, [contact_family.PROJECTION])

    async with database.service.of(tenant) as connection:
        for count, at in [*enumerate(positions, start=1), (len(STORY), None)]:
            into = played(STORY[:count])
            wanted = {who: end(into, who) for who in ids}
            found = await survivors(connection, tenant, list(ids.values()), at=at)
            assert found == {ids[who]: ids[wanted[who]] for who in ids}, STORY[:count]
            for who, contact_id in ids.items():
                members = await family(connection, tenant, contact_id, at=at)
                below = {each for each in ids if who in _way(into, each)}
                assert (members[0], set(members)) == (contact_id, {ids[each] for each in below})
                assert len(members) == len(below)
    async with database.service.of(uuid4()) as connection:
        assert await family(connection, tenant, ids["b"], at=positions[0]) == [ids["b"]], "another tenant's"

    rows = contents(database, tenant, [contact_family.PROJECTION])["contact_family_v1"]
    fold = contact_family.PROJECTION.fold
    assert fold is not None
    folded: list[Sequence[Any]] = []
    for stream_id in ids.values():
        if events := [item for item in await store.load(tenant, stream_id) if contact_family.PROJECTION.wants(item)]:
            folded.extend(fold(events)["contact_family_v1"])
    assert sorted((UUID(row["id"]), row["since"], row["until"], UUID(row["into_id"])) for row in rows) == sorted(
        tuple(row[1:]) for row in folded
    )


def _way(into: dict[str, str], who: str) -> list[str]:
    way = [who]
    while way[-1] in into:
        way.append(into[way[-1]])
    return way
