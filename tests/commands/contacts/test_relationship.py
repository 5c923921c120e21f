"""R3.3: what two contacts are to each other, told from both ends."""

from uuid import UUID

import pytest

from commands.contacts.relationship import EndRelationship, Kinds, SetRelationship
from commands.handle import Outcome
from commands.registry import END_RELATIONSHIP, SET_RELATIONSHIP
from domain.errors import DomainError
from domain.relationship import Relationship, evolve, pair_id
from tests.commands.world import World, by, refused
from tests.given import CALLER, START, deleted, some_id

ADA, GRACE = some_id(1), some_id(2)


class Pairs(World):
    """A world in which contacts are related."""

    async def set(self, contact: UUID, other: UUID, kind: str, reverse: str | None = None) -> Outcome[Relationship]:
        command = SetRelationship(contact_id=contact, other_id=other, kinds=Kinds(kind=kind, reverse_kind=reverse))
        return await self.handler.handle(
            by(CALLER), SET_RELATIONSHIP, lambda: (command, ()), stream_id=pair_id(contact, other)
        )

    async def end(self, contact: UUID, other: UUID) -> Outcome[Relationship]:
        return await self.handler.handle(
            by(CALLER), END_RELATIONSHIP, lambda: (EndRelationship(), ()), stream_id=pair_id(contact, other)
        )


@pytest.fixture
def world() -> Pairs:
    return Pairs()


def kinds(state: Relationship, seen_from: UUID) -> tuple[str, str]:
    seen = state.seen_from(seen_from)
    return seen.kind, seen.reverse_kind


async def test_each_end_has_its_own_kind_whoever_of_the_two_was_named_first(world: Pairs) -> None:
    made = (await world.set(ADA, GRACE, "manager", "report")).state
    assert kinds(made, ADA) == ("manager", "report")
    assert kinds(made, GRACE) == ("report", "manager")
    assert (made.seen_from(GRACE).contact_id, made.seen_from(GRACE).other_id) == (GRACE, ADA)
    again = await world.set(GRACE, ADA, "report", "manager")
    assert (again.events, again.state) == ((), made)


@pytest.mark.parametrize(
    ("kind", "reverse"),
    [("parent", "child"), ("child", "parent"), ("referred_by", "referred"), ("spouse", "spouse"), ("chess foe",) * 2],
)
async def test_without_a_reverse_it_is_the_counterpart_or_the_same(world: Pairs, kind: str, reverse: str) -> None:
    assert kinds((await world.set(ADA, GRACE, kind)).state, ADA) == (kind, reverse)


async def test_there_is_one_between_two_and_the_last_one_counts(world: Pairs) -> None:
    await world.set(ADA, GRACE, "colleague")
    changed = (await world.set(GRACE, ADA, "assistant")).state
    assert changed.id == pair_id(ADA, GRACE) == pair_id(GRACE, ADA)
    assert (changed.version, kinds(changed, ADA)) == (2, ("assisted", "assistant"))
    assert await world.topics() == ["relationship.set.v1"] * 2


async def test_what_is_typed_is_compared_in_one_form(world: Pairs) -> None:
    first = (await world.set(ADA, GRACE, "  Belle-Mère ", "Gendre")).state
    assert kinds(first, ADA) == ("belle-mère", "gendre")
    assert not (await world.set(ADA, GRACE, "BELLE-ME\u0300RE", "gendre")).events


@pytest.mark.parametrize("kind", ["", "  ", "a\x00b", "x" * 65])
async def test_a_kind_that_is_none_is_refused(world: Pairs, kind: str) -> None:
    refusal = await refused(world.set(ADA, GRACE, kind))
    assert [error.pointer for error in refusal.errors] == ["/kind"]
    assert [e.pointer for e in (await refused(world.set(ADA, GRACE, "ok", "x" * 65))).errors] == ["/reverse_kind"]


async def test_one_that_ended_is_gone_until_it_is_set_again(world: Pairs) -> None:
    refusal: DomainError = await refused(world.end(ADA, GRACE))
    assert refusal.code == "relationship.not_found"
    began = (await world.set(ADA, GRACE, "spouse")).state.created_at
    assert (await world.end(GRACE, ADA)).state.deleted_at
    assert (await refused(world.end(ADA, GRACE))).code == "relationship.deleted"
    again = (await world.set(ADA, GRACE, "spouse")).state
    assert (again.version, again.deleted_at) == (3, None)
    assert again.created_at > began


async def test_two_who_set_it_at_once_leave_one(world: Pairs) -> None:
    world.store.before_append, world.store.times = lambda: world.set(GRACE, ADA, "mentor"), 1
    after = await world.set(ADA, GRACE, "friend")
    assert (after.state.version, kinds(after.state, ADA)) == (2, ("friend", "friend"))


def test_events_of_others_do_not_fit() -> None:
    with pytest.raises(TypeError, match="does not fit"):
        evolve(None, deleted(), stream_id=ADA, at=START)
