"""R3.5, B2: what was merged comes apart again; what came by the merge leaves, what was changed since stays."""

from typing import Any

import pytest

from tests.commands.contacts.merged import TWIN, WHOLE, Merges
from tests.commands.world import by, refused
from tests.given import CALLER, change


@pytest.fixture
def world() -> Merges:
    return Merges()


@pytest.mark.parametrize(
    "choose",
    [{}, {"name": "from", "title": "from", "lifecycle": "from", "external_ids": "from"}, {"emails": "from"},
     {"email": "from", "phone": "from", "tags": "from"}, {"emails": "into", "tags": "into", "external_ids": "into"}],
)  # fmt: skip
async def test_right_after_the_merge_both_are_as_they_were(world: Merges, choose: dict[str, str]) -> None:
    ada, twin = await world.add(**WHOLE, company="Engines"), await world.add(**TWIN, company="Kings")
    before = await world.held(ada), await world.held(twin)
    await world.merge(ada, twin, choose)
    outcome = await world.unmerge(ada, twin)

    assert (await world.held(ada), await world.held(twin)) == before
    assert (outcome.state.id, outcome.state.version, outcome.state.merged_from) == (ada, 3, ())
    state = await world.state(twin)
    assert (state.version, state.deleted_at, state.merged_into) == (3, None, None)
    for system, value, holder in (("erp", "7", ada), ("shop", "x", ada), ("erp", "8", twin), ("fair", "1", twin)):
        assert await world.holder(system, value) == holder


async def test_one_that_is_itself_again_can_be_changed_and_merged_again(world: Merges) -> None:
    ada, twin = await world.add(**WHOLE), await world.add(**TWIN)
    for title in ("A", "B"):
        await world.merge(ada, twin)
        await world.unmerge(ada, twin)
        assert (await world.change(twin, change(title=title))).state.title == title
    await world.merge(twin, ada)
    assert (await world.state(ada)).merged_into == twin


@pytest.mark.parametrize(
    ("field", "since", "expected"),
    [
        ("title", "Analyst", "Analyst"),
        ("title", None, None),
        ("name", "Ada King", "Ada King"),
        ("lifecycle", "former", "former"),
        # Of lists and tables only what was changed counts as changed.
        ("emails", ["t@x.example", "a@x.example", "new@x.example"], ["a@x.example", "new@x.example"]),
        ("emails", ["t@x.example"], ["a@x.example"]),
        ("emails", ["new@x.example"], ["new@x.example"]),
        ("tags", ["b", "new"], ["new"]),
        ("tags", ["b"], []),
        ("external_ids", {"shop": "9", "new": "1"}, {"erp": "7", "shop": "9", "new": "1"}),
        ("external_ids", {"erp": None, "shop": None}, {}),
    ],
)
async def test_what_was_changed_since_stays_and_the_rest_leaves(
    world: Merges, field: str, since: Any, expected: Any
) -> None:
    """A before the merge: a@, tag a, erp 7; from the twin: a title, t@, tag b, shop 8."""
    ada = await world.add(name="Ada", email="a@x.example", tags=["a"], external_ids={"erp": "7"})
    twin = await world.add(name="Twin", title="Lady", email="t@x.example", tags=["b"], external_ids={"shop": "8"})
    await world.merge(ada, twin, {"name": "from"})
    patched = [{"value": value} for value in since] if field == "emails" else since
    await world.change(ada, change(**{field: patched}))
    if field == "emails" and since == ["t@x.example"]:
        expected = []  # the address that it had was taken away since, and the twin's leaves
    await world.unmerge(ada, twin)

    held = await world.held(ada)
    found = {
        "emails": [email.value for email in held["emails"]],
        "tags": list(held["tags"]),
        "name": held["name"].display,
    }.get(field, held[field])
    assert found == expected
    others = {"title": None, "tags": ("a",), "external_ids": {"erp": "7"}}
    assert {name: held[name] for name in others if name != field} == {n: v for n, v in others.items() if n != field}


async def test_an_address_always_stays(world: Merges) -> None:
    ada = await world.add(email="a@x.example")
    twin = await world.add(email="t@x.example")
    await world.merge(ada, twin)
    await world.change(ada, change(emails=[{"value": "t@x.example"}]))
    await world.unmerge(ada, twin)
    assert [email.value for email in (await world.state(ada)).emails] == ["t@x.example"]


async def test_one_of_several_leaves_and_what_another_has_too_stays(world: Merges) -> None:
    ada = await world.add(name="Ada")
    one = await world.add(name="One", title="First", email="shared@x.example", tags=["t"])
    two = await world.add(name="Two", title="Second", email="shared@x.example", phone="+442079460018")
    await world.merge(ada, one)
    await world.merge(ada, two)
    assert (await world.state(ada)).title == "First"
    await world.unmerge(ada, one)
    state = await world.state(ada)
    assert (state.title, [email.value for email in state.emails], state.tags) == ("Second", ["shared@x.example"], ())
    assert state.merged_from == (two,)
    await world.unmerge(ada, two)
    assert (await world.state(ada)).emails == ()


async def test_of_a_chain_the_middle_comes_back_with_what_is_in_it(world: Merges) -> None:
    a, b, c = [await world.add(name=name, tags=[name], external_ids={"erp": name}) for name in ("a", "b", "c")]
    await world.merge(b, a)
    middle = await world.held(b)
    await world.merge(c, b)
    refusal = await refused(world.unmerge(c, a))
    assert refusal.code == "contact.not_merged"
    assert str(b) in refusal.hint
    assert [await world.holder("erp", value) for value in "abc"] == [c, c, c]

    await world.unmerge(c, b)

    assert await world.held(b) == middle
    assert (await world.state(b)).merged_from == (a,)
    assert (await refused(world.change(a, change(title="x")))).members == {"merged_into": str(b)}
    assert [await world.holder("erp", value) for value in "abc"] == [b, b, c]
    await world.unmerge(b, a)
    assert [await world.holder("erp", value) for value in "abc"] == [a, b, c]


async def test_what_was_not_merged_into_it_is_refused(world: Merges) -> None:
    ada, twin, third = [await world.add(name=name) for name in ("Ada", "Twin", "Third")]
    assert (await refused(world.unmerge(ada, twin))).code == "contact.not_merged"
    await world.merge(third, twin)
    assert (await refused(world.unmerge(ada, twin))).code == "contact.not_merged"
    await world.unmerge(third, twin)
    assert (await refused(world.unmerge(third, twin))).code == "contact.not_merged"
    await world.delete(twin)
    assert (await refused(world.unmerge(third, twin))).code == "contact.not_merged"


async def test_from_a_survivor_that_was_deleted_nothing_is_taken_out(world: Merges) -> None:
    ada, twin = [await world.add(name=name) for name in ("Ada", "Twin")]
    await world.merge(ada, twin)
    await world.delete(ada)
    assert (await refused(world.unmerge(ada, twin))).code == "contact.deleted"


async def test_a_unique_value_that_another_has_by_now_is_in_the_way(world: Merges) -> None:
    """Also one that the survivor itself was given since."""
    ada, twin = await world.add(name="Ada"), await world.add(name="Twin", external_ids={"erp": "8"})
    await world.merge(ada, twin, {"external_ids": "into"})
    await world.change(ada, change(external_ids={"erp": "8"}))
    refusal = await refused(world.unmerge(ada, twin))
    assert (refusal.code, [error.pointer for error in refusal.errors]) == ("contact.external_ids_taken", ["/from"])
    assert (await refused(world.unmerge(ada, twin, by(CALLER, dry_run=True)))).code == "contact.external_ids_taken"

    await world.change(ada, change(external_ids={"erp": None}))
    await world.add(name="Third", external_ids={"erp": "8"})
    assert (await refused(world.unmerge(ada, twin))).code == "contact.external_ids_taken"


async def test_it_is_shown_and_carried_out_once(world: Merges) -> None:
    ada, twin = await world.add(**WHOLE), await world.add(**TWIN)
    await world.merge(ada, twin)
    dry = await world.unmerge(ada, twin, by(CALLER, dry_run=True))
    assert [event.TOPIC for event in dry.events] == ["contact.separated.v1", "contact.unmerged.v1"]
    assert len(await world.log()) == 4
    first = await world.unmerge(ada, twin, by(CALLER, key="k"))
    again = await world.unmerge(ada, twin, by(CALLER, key="k"))
    assert (again.replayed, again.state) == (True, first.state)


@pytest.mark.parametrize("which", [0, 1])
async def test_a_change_meanwhile_holds(world: Merges, which: int) -> None:
    """Of the survivor it stays; the other can't be changed, but be taken out by somebody else."""
    ada, twin = await world.add(name="Ada"), await world.add(name="Twin", title="Lady")
    await world.merge(ada, twin)
    meddle = (lambda: world.change(ada, change(tags=["t"])), lambda: world.unmerge(ada, twin))[which]
    world.store.before_append, world.store.times = meddle, 1
    if which == 0:
        state = (await world.unmerge(ada, twin)).state
        assert (state.title, state.tags) == (None, ("t",))
    else:
        assert (await refused(world.unmerge(ada, twin))).code == "contact.not_merged"
