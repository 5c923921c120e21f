"""R3.2: phone numbers are found by how they begin, in any local or international form, by every contact search."""

from uuid import UUID, uuid4

import pytest

from projections.contacts.search import EVERYTHING, Sought, Within
from tests.conformance.contact_worlds import World, person

PEOPLE = {
    "Berlin": "+49301234567",
    "Vienna": "+43301234567",
    "Mobile": "+4915198765432",
    "Boston": "+12025550143",
    "Moscow": "+74951234567",
    "Rome": "+390612345678",
    "Budapest": "+3611234567",
    "Dublin": "+35312345678",
}


@pytest.fixture(scope="module")
def tenant() -> UUID:
    return uuid4()


@pytest.fixture(scope="module")
async def searched(world: World, tenant: UUID) -> World:
    await world.given(tenant, *(person(name, phone=phone) for name, phone in PEOPLE.items()))
    return world


async def found(world: World, tenant: UUID, text: str, within: Within = EVERYTHING) -> set[str]:
    return {world.name_of(hit.id) for hit in await world.search.search(tenant, Sought(text, 0, 10, within))}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("030 1234", {"Berlin", "Vienna"}), ("030 12345", {"Berlin", "Vienna"}), ("0301", set()),
        ("030 12", {"Berlin", "Vienna"}), ("30 1234", {"Berlin", "Vienna"}), ("030 123456", {"Berlin", "Vienna"}),
        ("+49 30 1234", {"Berlin"}), ("+49 (0)30 123-45", {"Berlin"}), ("0049 30 12345", {"Berlin"}),
        ("4930123", {"Berlin"}), ("+43 30 12345", {"Vienna"}), ("00 43 30 1234", {"Vienna"}),
        ("0151 9876", {"Mobile"}), ("+49 151 9876 543", {"Mobile"}), ("0151 9875", set()),
        ("202 555", {"Boston"}), ("(202) 555-01", {"Boston"}), ("1 202 555 0", {"Boston"}), ("+1 202 55", {"Boston"}),
        ("011 49 30 1234", {"Berlin"}),
        ("8 495 123", {"Moscow"}), ("+7 495 1234", {"Moscow"}), ("495 123", {"Moscow"}),
        ("06 1234", {"Rome"}), ("+39 06 1234", {"Rome"}), ("06 1 1234", {"Budapest"}), ("+353 1 234", {"Dublin"}),
        ("+48 30 1234", set()), ("+49 31 12345", set()),
    ],
)  # fmt: skip
async def test_a_number_is_found_by_its_beginning(searched: World, tenant: UUID, text: str, names: set[str]) -> None:
    assert await found(searched, tenant, text) == names


async def test_its_whole_comes_before_others_that_begin_alike(world: World) -> None:
    tenant = uuid4()
    phones = ("+49301234567", "+49301234568", "+493012345671")
    await world.given(tenant, *(person(phone, phone=phone) for phone in phones))
    hits = await world.search.search(tenant, Sought("030 1234567", 0, 10))
    assert [world.name_of(hit.id) for hit in hits] == ["+49301234567", "+493012345671"]
    assert {hit.matched for hit in hits} == {("phone",)}


async def test_it_goes_with_other_words(searched: World, tenant: UUID) -> None:
    assert await found(searched, tenant, "berlin 030 1234") == {"Berlin"}
    assert await found(searched, tenant, "Berlin +49 30 1234") == {"Berlin"}


@pytest.mark.parametrize("text", ["030 1234", "+49 30 1234"])
async def test_to_whom_phones_are_hidden_they_find_nobody(searched: World, tenant: UUID, text: str) -> None:
    assert await found(searched, tenant, text, Within(hidden=frozenset({"phone"}))) == set()
    seen = await found(searched, tenant, text, Within(hidden=frozenset({"title"})))
    assert "Berlin" in seen
