"""R2.6: whose contacts a search looks at, and by which fields, and that the others leave no trace in what it finds."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from projections.contacts.search import DEEPEST, EVERYTHING, Hit, Sought, Within
from tests.conformance.contact_worlds import World, person

ADA, BOB, CARL = sorted(uuid4() for _ in range(3))


async def hits(
    world: World, tenant: UUID, text: str, within: Within = EVERYTHING, *, offset: int = 0, limit: int = 10
) -> Sequence[Hit]:
    return await world.search.search(tenant, Sought(text, offset, limit, within))


async def names(world: World, tenant: UUID, text: str, *owners: UUID) -> list[str]:
    return [world.name_of(hit.id) for hit in await hits(world, tenant, text, Within(owners))]


async def test_a_search_finds_what_belongs_to_the_owners_named(world: World) -> None:
    tenant = uuid4()
    people = (("Marta Nowak", ADA), ("Marta Novak", BOB), ("Marta Kowal", None))
    await world.given(tenant, *(person(name, owner=owner) for name, owner in people))
    assert await names(world, tenant, "marta", ADA) == ["Marta Nowak"]
    assert set(await names(world, tenant, "marta", ADA, BOB, CARL)) == {"Marta Nowak", "Marta Novak"}
    assert await names(world, tenant, "marta", CARL) == []
    assert await names(world, tenant, "marta") == []
    assert len(await hits(world, tenant, "marta")) == 3


async def test_a_contact_goes_to_its_new_owner(world: World) -> None:
    tenant = uuid4()
    (one,) = await world.given(tenant, person("Marta Nowak", owner=ADA))
    await world.given_to(tenant, one, BOB)
    assert (await names(world, tenant, "nowak", ADA), await names(world, tenant, "nowak", BOB)) == ([], ["Marta Nowak"])
    await world.given_to(tenant, one, None)
    assert await names(world, tenant, "nowak", ADA, BOB) == []


async def test_pages_are_full_however_many_others_there_are(world: World) -> None:
    tenant = uuid4()
    others = (person(f"Anna {n}", email=f"a{n}@x.example", owner=BOB) for n in range(DEEPEST + 50))
    mine = await world.given(tenant, *(person(f"Anna {n} Mine", owner=ADA) for n in range(7)))
    await world.given(tenant, *others)
    pages = [await hits(world, tenant, "anna", Within((ADA,)), offset=offset, limit=3) for offset in (0, 3, 6)]
    seen = [hit.id for page in pages for hit in page]
    assert sorted(seen) == sorted(mine)
    assert [len(page) for page in pages] == [3, 3, 1]


async def test_words_of_other_peoples_contacts_change_neither_hits_nor_scores(world: World) -> None:
    asked = ["marta nowak", "marta nowak geheimrat", "marta geheimrat", "geheimrat", "nowak mart"]
    found = []
    for others in ((), (person("Geheimrat Weber", owner=BOB), person("Geheimrat Nowak", owner=None))):
        tenant = uuid4()
        await world.given(tenant, person("Marta Nowak", owner=ADA), *others)
        each = [await hits(world, tenant, text, Within((ADA,))) for text in asked]
        found.append([[(world.name_of(hit.id), hit.score, hit.matched) for hit in answer] for answer in each])
    assert found[0] == found[1]
    assert [len(answer) for answer in found[0]] == [1, 1, 0, 0, 1]


SEARCHED = {
    "name": person("Geheimrat Weber", email="a@x.example"),
    "email": person("Anna Weber", email="geheimrat@x.example"),
    "company": person("Anna Weber", company="Geheimrat GmbH"),
    "title": person("Anna Weber", title="Geheimrat"),
    "phone": person("Anna Weber", phone="+493012345678"),
}
"""Somebody to be found by one field only."""


@pytest.mark.parametrize("field", SEARCHED)
async def test_what_stands_in_a_hidden_field_only_is_not_found(world: World, field: str) -> None:
    tenant, text = uuid4(), "+493012345678" if field == "phone" else "geheimrat"
    (one,) = await world.given(tenant, SEARCHED[field])
    for asked in (text, text[:-2], f"weber {text}") if field != "phone" else (text, f"weber {text}"):
        assert [hit.id for hit in await hits(world, tenant, asked)] == [one]
        assert await hits(world, tenant, asked, Within(hidden=frozenset({field}))) == []
    for others in ({"name", "email", "company", "title", "phone"} - {field}, {"company"} - {field}):
        (hit,) = await hits(world, tenant, text, Within(hidden=frozenset(others)))
        assert hit.matched == (field,)


async def test_a_word_that_is_also_in_a_hidden_field_is_found_by_the_one_that_shows(world: World) -> None:
    tenant, hidden = uuid4(), frozenset({"email"})
    (one,) = await world.given(tenant, person("Anna Weber", email="anna.weber@x.example", title="Weber"))
    (hit,) = await hits(world, tenant, "anna weber", Within(hidden=hidden))
    assert (hit.id, hit.matched) == (one, ("name", "title"))
    (hit,) = await hits(world, tenant, "weber", Within(hidden=hidden | {"name"}))
    assert (hit.id, hit.matched) == (one, ("title",))
    assert await hits(world, tenant, "anna weber", Within(hidden=hidden | {"name"})) == []


async def test_hidden_fields_change_neither_hits_nor_order_nor_scores(world: World) -> None:
    # Each has more to fit with, and more words, in what is hidden; what shows is the same.
    rich = (
        person("Marta Nowak", email="marta.nowak@x.example", title="Marta Nowak Geheimrat", phone="+493012345678"),
        person("Marta Nowakowska", email="marta.nowak@marta.example"),
        person("Nowak Marta Anna", title="marta"),
    )
    plain = tuple(person(one.name) for one in rich)
    within = Within(hidden=frozenset({"email", "title", "phone"}))
    texts = ("marta nowak", "marta", "nowak", "geheimrat", "marta nowak geheimrat", "nowak mart", "+493012345678")
    found = []
    for people in (rich, plain):
        tenant = uuid4()
        await world.given(tenant, *people)
        answers = [await hits(world, tenant, text, within) for text in texts]
        found.append([[(world.name_of(hit.id), hit.score, hit.matched) for hit in answer] for answer in answers])
    for one, other in zip(*found, strict=True):
        assert sorted(one) == sorted(other)
        assert [score for _, score, _ in one] == [score for _, score, _ in other]
    assert [len(answer) for answer in found[0]] == [3, 3, 3, 0, 3, 3, 0]


async def test_whoever_may_search_nothing_finds_nobody(world: World) -> None:
    tenant = uuid4()
    await world.given(tenant, *SEARCHED.values())
    assert await hits(world, tenant, "weber", Within(hidden=frozenset(SEARCHED))) in ([], ())


async def test_pages_are_full_however_many_fit_by_what_is_hidden(world: World) -> None:
    tenant = uuid4()
    await world.given(tenant, *(person(f"Anna {n}", title="Weber") for n in range(DEEPEST + 50)))
    seen = await world.given(tenant, person("Karl Weber"), person("Emma Weber", title="Weber"))
    found = await hits(world, tenant, "weber", Within(hidden=frozenset({"title"})))
    assert {hit.id for hit in found} == set(seen)
