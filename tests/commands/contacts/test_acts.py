"""R3.1: tags on and off, and bringing a deleted contact back."""

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from commands.decision import Decision
from commands.registry import CHANGE_TAGS, RESTORE_CONTACT
from domain.errors import FieldError
from tests.commands.world import World, by, refused
from tests.given import (
    CALLER,
    ada,
    changed,
    deleted,
    external_id,
    given,
    register,
    registered,
    restore,
    restored,
    tag,
)

WORDS = st.sampled_from(["vip", "VIP", "math", "x y", "Straße", "STRASSE"])


def test_a_deleted_contact_comes_back_as_it_was_with_what_it_holds_alone() -> None:
    story = given(registered(external_ids={"erp": "7", "shop": "x"}), deleted())
    told = story.when(restore()).then(restored())
    told.claims(external_id("erp", "7"), external_id("shop", "x")).releases()
    before = given(registered(external_ids={"erp": "7", "shop": "x"})).state
    after = given(registered(external_ids={"erp": "7", "shop": "x"}), deleted(), restored()).state
    assert before is not None
    assert after is not None
    assert (after.deleted_at, after.version) == (None, 3)
    assert (after.external_ids, after.name) == (before.external_ids, before.name)


def test_what_is_not_deleted_stays_as_it_is() -> None:
    ada().when(restore()).then_nothing()
    given(registered(), deleted(), restored()).when(restore()).then_nothing()


async def test_a_value_that_somebody_else_holds_by_now_is_in_the_way() -> None:
    world = World()
    first = await world.register(register(name="Ada", external_ids={"erp": "7"}))
    await world.delete(first.stream_id)
    second = await world.register(register(name="Grace", external_ids={"erp": "7"}))

    async def bring_back() -> int:
        read = lambda: (restore(), ())  # noqa: E731
        done = await world.handler.handle(by(CALLER), RESTORE_CONTACT, read, stream_id=first.stream_id)
        return done.state.version

    refusal = await refused(bring_back())
    assert (refusal.code, refusal.errors[0].pointer) == ("contact.external_ids_taken", "/external_ids/erp")
    await world.delete(second.stream_id)
    assert await bring_back() == 3
    assert (await refused(world.register(register(name="x", external_ids={"erp": "7"})))).code == refusal.code


@pytest.mark.parametrize(
    ("before", "members", "after"),
    [
        ((), {"add": ["vip"]}, ("vip",)),
        (("math",), {"add": ["vip", "VIP", " vip "]}, ("math", "vip")),
        (("math", "vip"), {"remove": ["MATH"]}, ("vip",)),
        (("math", "vip"), {"add": ["x"], "remove": ["math", "nothing"]}, ("vip", "x")),
    ],
)
def test_tags_are_put_on_and_taken_off(
    before: tuple[str, ...], members: dict[str, list[str]], after: tuple[str, ...]
) -> None:
    given(registered(tags=before)).when(tag(**members)).then(changed(tags=after))


@pytest.mark.parametrize("members", [{}, {"add": ["MATH"]}, {"remove": ["vip"]}, {"add": [], "remove": []}])
def test_what_changes_nothing_is_nothing(members: dict[str, list[str]]) -> None:
    given(registered(tags=("math",))).when(tag(**members)).then_nothing()


@pytest.mark.parametrize(
    ("members", "errors"),
    [
        ({"add": [" ", "ok"]}, {"/add/0": "tag.blank"}),
        ({"remove": ["x" * 65]}, {"/remove/0": "text.too_long"}),
        ({"add": ["vip"], "remove": ["a", " VIP "]}, {"/remove/1": "tag.contradictory"}),
        ({"add": [f"t{n}" for n in range(50)]}, {"/add": "list.too_long"}),
    ],
)
def test_bad_tags_are_refused(members: dict[str, list[str]], errors: dict[str, str]) -> None:
    given(registered(tags=("math",))).when(tag(**members)).then_refused("validation.failed", errors)


def test_what_could_not_be_read_is_told_with_the_rest() -> None:
    story = given(registered()).unreadable(FieldError("/add/0", "type.wrong", "must be a string"))
    refusal = story.when(tag(add=[], remove=[""]))
    refusal.then_refused("validation.failed", {"/add/0": "type.wrong", "/remove/0": "tag.blank"})


@for_all(st.lists(WORDS, max_size=4), st.lists(WORDS, max_size=3), st.lists(WORDS, max_size=3))
def test_after_it_all_added_are_there_none_removed_and_the_others_as_they_were(
    before: list[str], add: list[str], remove: list[str]
) -> None:
    folded = {word.casefold() for word in add}
    remove = [word for word in remove if word.casefold() not in folded]
    first = tuple({word.casefold(): word for word in before}.values())
    decision: Decision = given(registered(tags=first)).when(tag(add=add, remove=remove)).decision
    after = decision.events[0].tags if decision.events else first  # type: ignore[attr-defined]
    gone = {word.casefold() for word in remove}
    assert {word.casefold() for word in after} == ({w.casefold() for w in first} - gone) | folded
    assert [word for word in after if word in first] == [w for w in first if w.casefold() not in gone]
    assert len({word.casefold() for word in after}) == len(after)


async def test_two_who_tag_at_once_lose_nothing() -> None:
    world = World()
    made = await world.register(register(name="Ada", tags=["old"]))

    async def put(**members: list[str]) -> tuple[str, ...]:
        read = lambda: (tag(**members), ())  # noqa: E731
        done = await world.handler.handle(by(CALLER), CHANGE_TAGS, read, stream_id=made.stream_id)
        return done.state.tags

    world.store.before_append, world.store.times = lambda: put(add=["one"], remove=["old"]), 1
    assert await put(add=["two"]) == ("one", "two")
