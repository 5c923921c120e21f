"""Items that go by a key: what has it is changed, and made where nothing has it (R3, N-R2)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest

from commands.batch.items import Asked, ByKey, Matching
from commands.contacts import contact as contacts
from commands.decision import Lookup
from domain.contact import Contact, evolve
from domain.errors import DomainError
from tests.commands.batch.batched import Batched, changing, new, told
from tests.given import register


@pytest.fixture
def world() -> Batched:
    return Batched()


def emails(contact: Contact) -> Iterable[Lookup]:
    return [("email", email.value) for email in contact.emails]


def by_email(value: str, **members: Any) -> ByKey:
    """A contact to be changed where one has the e-mail, else registered with it."""

    def asks(states: Sequence[Contact]) -> Asked:
        if len(states) > 1:
            raise DomainError("contact.ambiguous", "several have it")
        return changing(states[0].id, **members) if states else new(email=value, **members)

    return ByKey(keys=(("email", value),), asks=asks, lookups=contacts.lookups(register(email=value, **members)))


def matching(**ids: UUID) -> Matching:
    """Finds these by the local parts of their e-mails."""

    async def find(_: UUID, keys: Collection[Lookup]) -> Mapping[Lookup, Sequence[UUID]]:
        found = {key: ids.get(key[1].partition("@")[0]) for key in keys}
        return {key: [contact_id] for key, contact_id in found.items() if contact_id}

    return Matching(kind="contact", evolve=evolve, find=find, seen=emails)


async def test_items_by_key_change_what_has_it_and_make_what_has_not(world: Batched) -> None:
    ada = (await world.register(register(email="ada@x.example"))).stream_id
    gone = (await world.register(register(email="gone@x.example"))).stream_id
    await world.delete(gone)

    made = await world.all(
        by_email("ada@x.example", title="Miss"), by_email("grace@x.example", title="Dr", company="Navy"),
        by_email("grace@x.example", tags=["vip"]), by_email("gone@x.example"),
        matching=matching(ada=ada, gone=gone),
    )  # fmt: skip

    assert told(made) == [200, 201, 200, 201]
    assert made.results[0].stream_id == ada
    assert made.results[1].stream_id == made.results[2].stream_id
    assert (made.results[2].state.title, made.results[2].state.tags) == ("Dr", ("vip",))


async def test_a_record_that_has_lost_the_key_is_not_found_by_it(world: Batched) -> None:
    ada = (await world.register(register(name="Ada", email="ada@x.example"))).stream_id

    made = await world.all(
        changing(ada, email="countess@x.example"), by_email("ada@x.example"), by_email("countess@x.example"),
        matching=matching(ada=ada),
    )  # fmt: skip

    assert told(made) == [200, 201, 200]
    assert made.results[2].stream_id == ada


async def test_a_key_that_several_have_is_told_to_the_item(world: Batched) -> None:
    made = await world.all(
        new(email="a@x.example"), new(email="a@x.example"), by_email("a@x.example"), matching=matching()
    )

    assert told(made) == [201, 201, "contact.ambiguous"]
