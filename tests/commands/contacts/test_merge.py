"""R3.5, B2: two contacts become one, field by field; the one that goes says where it went."""

from typing import Any
from uuid import uuid4

import pytest

from commands.contacts.merge import MOST, MergeContact
from commands.contacts.merging import merging
from commands.registry import MERGE_CONTACT
from domain.contact import Lifecycle
from domain.field_rules import FieldAccess
from tests.commands.contacts.merged import TWIN, WHOLE, Merges
from tests.commands.world import by, refused
from tests.given import CALLER, change, register


@pytest.fixture
def world() -> Merges:
    return Merges()


def values(items: Any) -> list[str]:
    return [f"{item.value}!" if item.primary else item.value for item in items]


async def test_what_it_has_stays_what_it_lacks_comes_and_lists_are_united(world: Merges) -> None:
    ada, twin = await world.add(**WHOLE), await world.add(**TWIN)
    made = (await world.merge(ada, twin)).state

    assert (made.id, made.version, made.name.display, made.title) == (ada, 2, "Ada Lovelace", "Countess")
    assert made.lifecycle is Lifecycle.CUSTOMER
    assert values(made.emails) == ["ada@engines.example!", "countess@home.example", "augusta@king.example"]
    assert values(made.phones) == ["+442079460018!", "+442079460019"]
    assert made.tags == ("math", "vip", "poet")
    assert made.external_ids == {"erp": "7", "shop": "x", "fair": "1"}


async def test_an_empty_contact_gets_everything(world: Merges) -> None:
    ada, twin = await world.add(email="ada@engines.example"), await world.add(**TWIN, company="Engines")
    before = await world.state(twin)
    made = (await world.merge(ada, twin)).state

    assert (made.name, made.title, made.company_id) == (before.name, "Lady", before.company_id)
    assert made.external_ids == {"erp": "8", "fair": "1"}
    assert values(made.phones) == ["+442079460019!"]


@pytest.mark.parametrize(
    ("field", "name", "expected"),
    [
        ("name", "name", "Augusta King"),
        ("title", "title", "Lady"),
        ("lifecycle", "lifecycle", "partner"),
        ("company", "company_id", "theirs"),
        ("company_id", "company_id", "theirs"),
        ("owner_id", "owner_id", "theirs"),
        ("emails", "emails", ["augusta@king.example!", "ADA@engines.example"]),
        ("email", "emails", ["augusta@king.example!", "ADA@engines.example", "countess@home.example"]),
        ("phones", "phones", ["+442079460019!"]),
        ("phone", "phones", ["+442079460019!", "+442079460018"]),
        ("tags", "tags", ("VIP", "poet")),
        ("external_ids", "external_ids", {"erp": "8", "shop": "x", "fair": "1"}),
    ],
)
async def test_a_field_can_be_chosen(world: Merges, field: str, name: str, expected: object) -> None:
    ada, twin = await world.add(**WHOLE, company="Engines"), await world.add(**TWIN, company="Kings")
    theirs = getattr(await world.state(twin), name)

    made = getattr((await world.merge(ada, twin, {field: "from"})).state, name)

    shown = {"name": lambda name: name.display, "emails": values, "phones": values}
    assert (shown[field](made) if field in shown else values(made) if field in {"email", "phone"} else made) == (
        theirs if expected == "theirs" else expected
    )


@pytest.mark.parametrize("field", ["emails", "phones", "tags", "external_ids", "title", "name"])
async def test_of_a_field_chosen_of_the_survivor_nothing_comes(world: Merges, field: str) -> None:
    ada, twin = await world.add(phone="+442079460011", email="a@b.example", tags=["t"]), await world.add(**TWIN)
    before = await world.held(ada)
    await world.merge(ada, twin, {field: "into"})
    assert (await world.held(ada))[field] == before[field]


async def test_choices_that_make_no_sense_are_all_named(world: Merges) -> None:
    ada, twin = await world.add(**WHOLE), await world.add(name="Twin")
    wrong = {"titel": "from", "title": "from", "email": "into", "emails": "into", "former_ids": "from", "tags": "from"}
    refusal = await refused(world.merge(ada, twin, wrong))
    assert {error.pointer: error.code for error in refusal.errors} == {
        "/choose/titel": "field.unknown",
        "/choose/former_ids": "field.unknown",
        "/choose/title": "field.empty",
        "/choose/tags": "field.empty",
        "/choose/email": "field.ambiguous",
    }


async def test_nobody_chooses_what_is_not_theirs_to_write(world: Merges) -> None:
    """R2.6: whether there is something is not told either."""
    ada, twin = await world.add(**WHOLE), await world.add(name="Twin")
    rules = {"title": FieldAccess.READ, "emails": FieldAccess.HIDDEN}
    refusal = await refused(world.merge(ada, twin, {"title": "from", "email": "from", "name": "from"}, rules=rules))
    assert {error.pointer: error.code for error in refusal.errors} == {
        "/choose/title": "field.not_writable",
        "/choose/email": "field.not_writable",
    }


async def test_both_streams_tell_of_it_in_one_append(world: Merges) -> None:
    ada, twin = await world.add(**WHOLE), await world.add(**TWIN)
    outcome = await world.merge(ada, twin)
    absorbed, merged = (await world.log())[-2:]
    assert (absorbed.stream_id, absorbed.event.TOPIC, absorbed.event.subject_id) == (ada, "contact.absorbed.v1", twin)  # type: ignore[attr-defined]
    assert (merged.stream_id, merged.event.TOPIC, merged.event.into) == (twin, "contact.merged.v1", ada)  # type: ignore[attr-defined]
    assert absorbed.command_id == merged.command_id
    assert outcome.position == merged.position
    assert (await world.state(ada)).merged_from == (twin,)


async def test_ids_of_other_systems_find_the_survivor(world: Merges) -> None:
    """Also those that it does not show, because it has one of that system already."""
    ada, twin = await world.add(**WHOLE), await world.add(**TWIN)
    await world.merge(ada, twin)
    for system, value in (("erp", "7"), ("erp", "8"), ("shop", "x"), ("fair", "1")):
        assert await world.holder(system, value) == ada
    await world.change(ada, change(external_ids={"erp": "8"}))
    assert await world.holder("erp", "8") == ada
    await world.delete(ada)
    for system, value in (("erp", "8"), ("shop", "x"), ("fair", "1")):
        assert await world.holder(system, value) is None


async def test_one_that_was_merged_is_gone_and_says_where_it_is_by_now(world: Merges) -> None:
    a, b, c = [await world.add(name=name) for name in ("A", "B", "C")]
    await world.merge(b, a)
    await world.merge(c, b)
    for contact_id in (a, b):
        refusal = await refused(world.change(contact_id, change(title="x")))
        assert (refusal.code, refusal.members) == ("contact.merged", {"merged_into": str(c)})
        refusal = await refused(world.delete(contact_id))
        assert (refusal.code, refusal.members) == ("contact.merged", {"merged_into": str(c)})
        refusal = await refused(world.merge(contact_id, c))
        assert (refusal.code, refusal.members) == ("contact.merged", {"merged_into": str(c)})
        refusal = await refused(world.merge(c, contact_id))
        assert (refusal.code, refusal.members) == ("contact.merged", {"merged_into": str(c)})
        assert [error.pointer for error in refusal.errors] == ["/from"]


async def test_what_is_not_there_cannot_be_merged(world: Merges) -> None:
    ada, gone = await world.add(name="Ada"), await world.add(name="Gone", company="Engines")
    company = (await world.state(gone)).company_id
    await world.delete(gone)
    assert company is not None
    for missing in (uuid4(), company):
        refusal = await refused(world.merge(ada, missing))
        assert [(error.pointer, error.code) for error in refusal.errors] == [("/from", "contact.not_found")]
    assert (await refused(world.merge(ada, gone))).code == "contact.deleted"
    assert (await refused(world.merge(gone, ada))).code == "contact.deleted"
    refusal = await refused(world.merge(ada, ada))
    assert [(error.pointer, error.code) for error in refusal.errors] == [("/from", "contact.merge_itself")]


async def test_a_dry_run_shows_it_and_stores_nothing(world: Merges) -> None:
    ada, twin = await world.add(**WHOLE), await world.add(**TWIN)
    count = len(await world.log())
    dry = await world.merge(ada, twin, {"title": "from"}, context=by(CALLER, dry_run=True))
    assert [event.TOPIC for event in dry.events] == ["contact.absorbed.v1", "contact.merged.v1"]
    assert len(await world.log()) == count
    real = await world.merge(ada, twin, {"title": "from"})
    assert {name: getattr(dry.state, name) for name in ("title", "emails", "tags", "external_ids")} == {
        name: getattr(real.state, name) for name in ("title", "emails", "tags", "external_ids")
    }


async def test_it_is_carried_out_once(world: Merges) -> None:
    ada, twin = await world.add(**WHOLE), await world.add(**TWIN)
    first = await world.merge(ada, twin, context=by(CALLER, key="k"))
    again = await world.merge(ada, twin, context=by(CALLER, key="k"))
    assert (again.replayed, again.state, again.position) == (True, first.state, first.position)
    assert len(await world.log()) == 4


@pytest.mark.parametrize("which", [0, 1])
async def test_a_change_of_either_meanwhile_is_in_it(world: Merges, which: int) -> None:
    pair = await world.add(name="Ada"), await world.add(name="Twin")
    world.store.before_append, world.store.times = lambda: world.change(pair[which], change(title="Countess")), 1
    assert (await world.merge(*pair)).state.title == "Countess"


async def test_of_two_opposite_merges_at_once_one_holds(world: Merges) -> None:
    ada, twin = await world.add(name="Ada"), await world.add(name="Twin")
    world.store.before_append, world.store.times = lambda: world.merge(twin, ada), 1
    refusal = await refused(world.merge(ada, twin))
    assert (refusal.code, refusal.members) == ("contact.merged", {"merged_into": str(twin)})
    assert (await world.topics()).count("contact.merged.v1") == 1


async def test_a_list_that_would_be_too_long_is_refused(world: Merges) -> None:
    ada = await world.add(name="Ada")
    for n in range(0, MOST + 1, 50):
        many = [{"value": f"p{n + m}@x.example"} for m in range(min(50, MOST + 1 - n))]
        twin = await world.add(emails=many)
        if n + len(many) <= MOST:
            await world.merge(ada, twin)
    refusal = await refused(world.merge(ada, twin))
    assert [(error.pointer, error.code) for error in refusal.errors] == [("/from", "list.too_long")]
    assert len((await world.merge(ada, twin, {"emails": "into"})).state.emails) == MOST


async def test_the_system_itself_can_merge(world: Merges) -> None:
    ada, twin = await world.add(name="Ada"), await world.add(name="Twin", title="Lady")
    read = merging(world.handler, by(CALLER).tenant_id, ada, MergeContact(twin))
    assert (await world.handler.handle(by(CALLER), MERGE_CONTACT, read, stream_id=ada)).state.title == "Lady"


async def test_an_id_that_belongs_to_a_third_contact_stays_there(world: Merges) -> None:
    await world.register(register(name="Third", external_ids={"erp": "9"}))
    ada, twin = await world.add(name="Ada"), await world.add(name="Twin")
    await world.merge(ada, twin)
    refusal = await refused(world.change(ada, change(external_ids={"erp": "9"})))
    assert refusal.code == "contact.external_ids_taken"
