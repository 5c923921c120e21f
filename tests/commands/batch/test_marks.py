"""R3.1: of batches that find nobody for an e-mail at the same moment, one alone adds a contact; others change it."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import pytest
from msgspec import structs

from commands.batch import upsert
from commands.batch.items import Asked, ByKey, Matching
from commands.decision import Lookup
from commands.registry import CHANGE_CONTACT, DELETE_CONTACT, REGISTER_CONTACT
from domain.contact import Contact, evolve
from tests.commands.batch.batched import Batched, told
from tests.given import TENANT, change, delete, register


class Upserting(Batched):
    """Contacts are found by e-mail, as of the end of the log."""

    async def contacts(self) -> list[Contact]:
        states: dict[UUID, Contact] = {}
        for item in await self.log():
            before = states.get(item.stream_id)
            states[item.stream_id] = evolve(before, item.event, stream_id=item.stream_id, at=item.recorded_at)
        return [state for state in states.values() if state.deleted_at is None]

    async def find(self, _: UUID, keys: Collection[Lookup]) -> Mapping[Lookup, Sequence[UUID]]:
        contacts = await self.contacts()
        found = {key: [each.id for each in contacts if key in upsert.seen_contact(each)] for key in keys}
        return {key: ids for key, ids in found.items() if ids}

    async def find_none(self, *_: object) -> Mapping[Lookup, Sequence[UUID]]:
        """A read model that is far behind."""
        return {}

    async def upsert(self, *people: tuple[str, str], sparing: bool = False, behind: bool = False) -> list[int | str]:
        """Titles of people, by e-mail."""
        matching = Matching(
            kind="contact",
            evolve=evolve,
            find=self.find_none if behind else self.find,
            seen=upsert.seen_contact,
            mark=structs.replace(upsert.EMAIL_MARK, sparing=sparing),
        )
        return told(await self.all(*(item(email, title) for email, title in people), matching=matching))

    def before_append_once(self, *people: tuple[str, str], sparing: bool = False) -> None:
        """Somebody else is faster, once."""
        self.store.before_append = lambda: self.upsert(*people, sparing=sparing)
        self.store.times = 1

    async def marks(self, *emails: str) -> dict[str, UUID]:
        """Who has the marks of e-mails."""
        kind = upsert.EMAIL_MARK.kind
        held = await self.store.holders(TENANT, {(kind, email) for email in emails})
        return {email: holder for (_, email), holder in held.items()}

    async def titles(self) -> dict[str, str | None]:
        return {each.emails[0].value: each.title for each in await self.contacts()}


def item(email: str, title: str) -> ByKey:
    def asks(states: Sequence[Contact]) -> Asked:
        if states:
            return Asked(case=CHANGE_CONTACT, command=change(title=title), stream_id=states[0].id)
        return Asked(case=REGISTER_CONTACT, command=register(email=email, title=title))

    return ByKey(keys=((upsert.EMAIL, email),), asks=asks)


@pytest.fixture
def world() -> Upserting:
    return Upserting()


async def test_who_looked_before_another_added_the_contact_changes_it(world: Upserting) -> None:
    world.before_append_once(("ada@x.example", "Countess"), ("bob@x.example", "Builder"))
    assert await world.upsert(("ada@x.example", "Analyst"), ("eve@x.example", "Spy")) == [200, 201]
    assert await world.titles() == {"ada@x.example": "Analyst", "bob@x.example": "Builder", "eve@x.example": "Spy"}
    assert len(await world.contacts()) == 3


async def test_one_that_was_deleted_since_is_added_again_once(world: Upserting) -> None:
    await world.upsert(("ada@x.example", "Countess"))
    (ada,) = await world.contacts()
    await world.all(Asked(case=DELETE_CONTACT, command=delete(), stream_id=ada.id))
    world.before_append_once(("ada@x.example", "Analyst"))
    assert await world.upsert(("ada@x.example", "Lady")) == [200]
    (again,) = await world.contacts()
    assert (again.title, again.id != ada.id) == ("Lady", True)


async def test_two_items_of_one_batch_are_one_contact(world: Upserting) -> None:
    assert await world.upsert(("ada@x.example", "Countess"), ("ada@x.example", "Lady")) == [201, 200]
    assert await world.titles() == {"ada@x.example": "Lady"}


async def test_a_mark_names_the_contact_and_nothing_is_found_by_it(world: Upserting) -> None:
    await world.upsert(("ada@x.example", "Countess"))
    (ada,) = await world.contacts()
    assert await world.marks("ada@x.example") == {"ada@x.example": ada.id}
    added = await world.all(Asked(case=REGISTER_CONTACT, command=register(email="ada@x.example")))
    assert told(added) == [201]  # families share an e-mail: only who asks whether it is there is told


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (True, True), (False, False)])
@pytest.mark.parametrize("after", [(), (True,), (False,), (True, True)])
async def test_one_alone_adds_whichever_spare_their_marks(
    world: Upserting, first: bool, second: bool, after: tuple[bool, ...]
) -> None:
    for number, sparing in enumerate(after):
        await world.upsert((f"eve{number}@x.example", "Spy"), sparing=sparing)
    world.before_append_once(("ada@x.example", "Countess"), sparing=first)
    assert await world.upsert(("ada@x.example", "Analyst"), sparing=second) == [200]
    assert (await world.titles())["ada@x.example"] == "Analyst"
    assert len(await world.contacts()) == len(after) + 1


async def test_who_is_sparing_leaves_marks_once_somebody_else_has(world: Upserting) -> None:
    await world.upsert(("ada@x.example", "Countess"), sparing=True)
    assert await world.marks("ada@x.example") == {}
    await world.upsert(("bob@x.example", "Builder"))
    await world.upsert(("eve@x.example", "Spy"), sparing=True)
    assert (await world.marks("bob@x.example", "eve@x.example")).keys() == {"bob@x.example", "eve@x.example"}


async def test_whom_a_read_model_has_not_yet_is_found_by_the_mark(world: Upserting) -> None:
    await world.upsert(("ada@x.example", "Countess"))
    assert await world.upsert(("ada@x.example", "Analyst"), sparing=True, behind=True) == [200]
    assert await world.titles() == {"ada@x.example": "Analyst"}
