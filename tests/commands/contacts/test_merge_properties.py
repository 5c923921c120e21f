"""R3.5, B2: what holds after any changes, merges and unmerges, in any order."""

import asyncio
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from commands.contacts.input import ChangeContact
from domain.contact import Contact
from domain.errors import DomainError
from tests.commands.contacts.merged import Merges
from tests.given import change, register

_FEW = st.integers(0, 3)
_ADDRESSES = st.lists(st.sampled_from(["a@x.example", "b@x.example", "c@x.example"]), unique=True, max_size=3)
_FIELDS = {
    "name": st.sampled_from(["Ada", "Grace"]),
    "title": st.none() | st.sampled_from(["Countess", "Admiral"]),
    "tags": st.lists(st.sampled_from(["x", "y", "z"]), max_size=3),
    "emails": _ADDRESSES.map(lambda values: [{"value": value} for value in values]),
    "external_ids": st.dictionaries(st.sampled_from(["erp", "shop"]), st.sampled_from(["1", "2", None])),
}
_PATCHES = st.fixed_dictionaries({}, optional=_FIELDS).map(lambda members: change(**members))
_SIDES = st.sampled_from(["from", "into"])
_CHOICES = st.dictionaries(st.sampled_from(["name", "title", "tags", "email", "external_ids"]), _SIDES, max_size=3)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), _FEW, _PATCHES),
        st.tuples(st.just("merge"), _FEW, _FEW, _CHOICES),
        st.tuples(st.just("merge"), _FEW, _FEW, st.just({})),
        st.tuples(st.just("unmerge"), _FEW, _FEW),
        st.tuples(st.just("delete"), _FEW),
    ),
    max_size=14,
)


async def carry_out(world: Merges, people: list[UUID], step: tuple[Any, ...]) -> bool:
    """Whether it was not refused."""
    try:
        match step:
            case "change", who, ChangeContact() as patch:
                await world.change(people[who], patch)
            case "merge", into, other, choose:
                await world.merge(people[into], people[other], choose)
            case "unmerge", into, other:
                await world.unmerge(people[into], people[other])
            case "delete", who:
                await world.delete(people[who])
    except DomainError:
        return False
    return True


async def started() -> tuple[Merges, list[UUID]]:
    world = Merges()
    return world, [(await world.register(register(name=f"P{n}"))).stream_id for n in range(4)]


@settings(max_examples=60, deadline=None)
@given(_STEPS)
def test_a_merge_that_is_undone_at_once_leaves_both_as_they_were(steps: list[tuple[Any, ...]]) -> None:
    async def story() -> None:
        world, people = await started()
        for step in steps:
            before = [await world.held(each) for each in people]
            if await carry_out(world, people, step) and step[0] == "merge":
                await world.unmerge(people[step[1]], people[step[2]])
                assert [await world.held(each) for each in people] == before
                assert await carry_out(world, people, step)

    asyncio.run(story())


@settings(max_examples=60, deadline=None)
@given(_STEPS)
def test_every_chain_has_an_end_and_every_unique_value_one_holder(steps: list[tuple[Any, ...]]) -> None:
    async def story() -> None:
        world, people = await started()
        for step in steps:
            await carry_out(world, people, step)
        states = {each: await world.state(each) for each in people}
        for state in states.values():
            expect_an_end(states, state)
            if state.deleted_at is None:
                for pair in (*state.external_ids.items(), *state.former_ids):
                    assert await world.holder(*pair) == state.id
                values = [email.value for email in state.emails]
                assert len(set(values)) == len(values)
                assert [email.primary for email in state.emails] == [n == 0 for n in range(len(values))]

    asyncio.run(story())


def expect_an_end(states: dict[UUID, Contact], state: Contact) -> None:
    seen = {state.id}
    while state.merged_into:
        assert state.merged_into not in seen, "a circle"
        assert state.id in states[state.merged_into].merged_from
        state = states[state.merged_into]
        seen.add(state.id)


@settings(max_examples=40, deadline=None)
@given(st.lists(_PATCHES, min_size=4, max_size=4), st.permutations([1, 2, 3]), st.permutations([1, 2, 3]), _CHOICES)
def test_several_come_out_in_any_order_and_all_are_as_they_were(
    patches: list[ChangeContact], come: list[int], leave: list[int], choose: dict[str, str]
) -> None:
    async def story() -> None:
        world, people = await started()
        for who, patch in enumerate(patches):
            await carry_out(world, people, ("change", who, patch))
        before = [await world.held(each) for each in people]
        merged = [who for who in come if await carry_out(world, people, ("merge", 0, who, choose))]
        for who in leave:
            if who in merged:
                await world.unmerge(people[0], people[who])
        assert [await world.held(each) for each in people] == before

    asyncio.run(story())
