"""R3.2: what every contact search finds by conditions, and in which order."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from projections.contacts import values as contact_values
from projections.contacts.filters import Beyond, Condition, Every, Has, Is, Not, Order, Place, Says, Some
from projections.contacts.search import Hit, Sought, Within
from tests.conformance.contact_worlds import NOW, World, person

OWNER, OTHER = uuid4(), uuid4()
ADA = person("Ada Lovelace", email="ada.lovelace@engines.example", company="Analytical Engines", owner=OWNER)
GRACE = person("Grace Hopper", email="grace@navy.example", title="Rear Admiral", phone="+12025550143", owner=OTHER)
JOSE = person("José Núñez", company="Café del Mar", title="Chef", owner=OWNER)
NOBODY = person("ada king", title="Countess of Lovelace", owner=None)
CUSTOM = (
    person(
        "One", custom={"size": 9, "seen": "2026-01-05", "big": False, "colours": ["Red", "blue"], "note": "Very Old"}
    ),
    person("Two", custom={"size": -10.5, "seen": "2025-12-31", "big": True, "note": "older"}),
    person("Three", custom={"size": 100, "colours": ["green"]}),
)

BY_NAME = (Order("name"),)


@pytest.fixture(scope="module")
def tenant() -> UUID:
    return uuid4()


@pytest.fixture(scope="module")
async def filled(world: World, tenant: UUID) -> World:
    await world.given(tenant, ADA, GRACE, JOSE, NOBODY)
    gone, _ = await world.given(tenant, person("Ada Gone", title="Chef"), person("Zoe", email="zoe@x.example"))
    await world.deleted(tenant, gone)
    await world.given(uuid4(), ADA, GRACE, JOSE)
    return world


async def selected(
    world: World,
    tenant: UUID,
    where: Condition | None,
    *,
    text: str | None = None,
    order: tuple[Order, ...] = BY_NAME,
    within: Within | None = None,
    after: Place | None = None,
    limit: int = 50,
) -> Sequence[Hit]:
    sought = Sought(text, 0, limit, within or Within(), where, order, after)
    return await world.search.search(tenant, sought)


async def names(world: World, tenant: UUID, where: Condition | None, **more: object) -> list[str]:
    return [world.name_of(hit.id) for hit in await selected(world, tenant, where, **more)]  # type: ignore[arg-type]


A, G, J, K, Z = "Ada Lovelace", "Grace Hopper", "José Núñez", "ada king", "Zoe"


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (Is("name", ("ada lovelace",)), [A]),
        (Is("name", ("ada",)), []),
        (Is("name", ("jose nunez", "zoe")), [J, Z]),
        (Is("email", ("grace@navy.example",)), [G]),
        (Is("email", ("grace@navy",)), []),
        (Is("phone", ("+12025550143",)), [G]),
        (Is("phone", ("+32025550143",)), []),
        (Is("company", ("cafe del mar",)), [J]),
        (Is("title", ("chef", "rear admiral")), [G, J]),
        (Is("owner_id", (str(OWNER),)), [A, J]),
        (Is("lifecycle", ("lead",)), [K, A, G, J, Z]),
        (Is("lifecycle", ("customer",)), []),
        (Is("created_at", (contact_values.time(NOW),)), [K, A, G, J, Z]),
        (Not(Is("title", ("chef",))), [K, A, G, Z]),
        (Has("title"), [K, G, J]),
        (Not(Has("company")), [K, G, Z]),
        (Has("owner_id"), [A, G, J]),
        (Not(Has("owner_id")), [K, Z]),
        (Has("created_at"), [K, A, G, J, Z]),
        (Not(Has("updated_at")), []),
        (Has("custom.size"), []),
        (Is("custom.size", ("large",)), []),
        (Beyond("name", ">", "ada lovelace"), [G, J, Z]),
        (Beyond("name", ">=", "ada lovelace"), [A, G, J, Z]),
        (Beyond("name", "<", "grace hopper"), [K, A]),
        (Beyond("title", "<=", "countess of lovelace"), [K, J]),
        (Beyond("created_at", ">", contact_values.time(NOW)), []),
        (Beyond("created_at", "<=", contact_values.time(NOW)), [K, A, G, J, Z]),
        (Says("name", ("ada",)), [K, A]),
        (Says("name", ("lovelace", "ada")), [A]),
        (Says("name", ("love",)), []),
        (Says("title", ("lovelace",)), [K]),
        (Says("email", ("navy",)), [G]),
        (Says("company", ("mar",)), [J]),
        (Some((Every((Has("title"), Is("owner_id", (str(OWNER),)))), Every((Is("name", ("zoe",)),)))), [J, Z]),
        (Every((Says("name", ("ada",)), Not(Has("title")))), [A]),
        (Every(()), [K, A, G, J, Z]),
        (Some(()), []),
        (None, [K, A, G, J, Z]),
    ],
)
async def test_conditions_hold_for_those_for_whom_they_are_true(
    filled: World, tenant: UUID, where: Condition | None, found: list[str]
) -> None:
    assert await names(filled, tenant, where) == found


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ((Order("name", descending=True),), [Z, J, G, A, K]),
        ((Order("title"), Order("name")), [J, K, G, A, Z]),
        ((Order("title", descending=True), Order("name", descending=True)), [G, K, J, Z, A]),
        ((Order("company"), Order("name")), [A, J, K, G, Z]),
        ((Order("email", descending=True), Order("name")), [Z, G, A, K, J]),
        ((Order("created_at"), Order("name")), [K, A, G, J, Z]),
        ((Order("lifecycle", descending=True), Order("updated_at"), Order("name", descending=True)), [Z, J, G, A, K]),
    ],
)
async def test_hits_come_in_the_order_asked_for_page_by_page(
    filled: World, tenant: UUID, order: tuple[Order, ...], found: list[str]
) -> None:
    assert await names(filled, tenant, None, order=order) == found
    for size in (1, 2):
        after, seen = None, []
        while page := await selected(filled, tenant, None, order=order, after=after, limit=size):
            assert len(page) <= size
            seen += [filled.name_of(hit.id) for hit in page]
            after = page[-1].place
        assert seen == found


async def test_those_alike_are_told_apart_by_their_ids_in_either_direction(world: World) -> None:
    tenant = uuid4()
    ids = sorted(await world.given(tenant, *(person("Ada Lovelace") for _ in range(5))))
    for order, wanted in (((Order("name"),), ids), ((Order("created_at", descending=True),), ids[::-1])):
        first = await selected(world, tenant, None, order=order, limit=2)
        rest = await selected(world, tenant, None, order=order, limit=10, after=first[-1].place)
        assert [hit.id for hit in (*first, *rest)] == wanted


@pytest.mark.parametrize(
    ("text", "where", "order", "found"),
    [
        ("lovelase", Has("title"), (), [K]),
        ("lovelace", None, BY_NAME, [K, A]),
        ("lovelase", None, (Order("name", descending=True),), [A, K]),
        ("lovelace", Is("name", ("ada lovelace",)), BY_NAME, [A]),
        ("lovelace", Not(Has("email")), (), [K]),
        ("ada gone", None, BY_NAME, []),
        ("zzzzzz", Has("name"), (), []),
        ("", None, BY_NAME, []),
        ("grace navy nobody", None, BY_NAME, [G]),
        ("grace navy nobody", Has("phone"), (), [G]),
    ],
)
async def test_a_text_and_conditions_and_an_order_work_together(
    filled: World, tenant: UUID, text: str, where: Condition | None, order: tuple[Order, ...], found: list[str]
) -> None:
    assert await names(filled, tenant, where, text=text, order=order) == found


async def test_hits_say_by_which_fields_the_conditions_hold(filled: World, tenant: UUID) -> None:
    where = Some((Every((Is("title", ("chef",)), Has("company"))), Every((Is("name", ("zoe",)),))))
    hits = await selected(filled, tenant, where)
    assert [hit.matched for hit in hits] == [("title", "company"), ("name",)]
    assert {hit.score for hit in hits} == {1.0}
    (hit,) = await selected(filled, tenant, Has("title"), text="lovelace king", order=())
    assert hit.matched == ("name", "title")
    assert hit.score > 0


async def test_conditions_are_about_the_owners_that_may_be_seen(filled: World, tenant: UUID) -> None:
    assert await names(filled, tenant, None, within=Within((OWNER,))) == [A, J]
    assert await names(filled, tenant, Not(Has("title")), within=Within((OWNER,))) == [A]
    assert await names(filled, tenant, Has("title"), within=Within(())) == []
    hidden = Within((OWNER, OTHER), frozenset({"name"}))
    assert await names(filled, tenant, None, text="lovelace", order=(Order("created_at"),), within=hidden) == [A]
    assert await names(filled, tenant, None, text="hopper", order=(Order("created_at"),), within=hidden) == []


@pytest.mark.parametrize(
    "text", ["'", '"', "\\", "%", "%s", "%1$L", "*", "a' OR true --", "}{", "🙂", "=", "~name=ada"]
)
async def test_hostile_values_are_only_values(filled: World, tenant: UUID, text: str) -> None:
    for field in ("name", "email", "title", "tags", "custom.size", f"custom.{text}"):
        for condition in (Is(field, (text,)), Beyond(field, ">", f"zzz{text}"), Says(field, (text,))):
            assert await names(filled, tenant, condition) == []


async def test_what_changes_is_found_by_its_new_values_only(world: World) -> None:
    tenant = uuid4()
    (one,) = await world.given(tenant, person("Ada Byron"))
    await world.renamed(tenant, one, "Ada Lovelace")
    assert await names(world, tenant, Is("name", ("ada byron",))) == []
    assert await names(world, tenant, Is("name", ("ada lovelace",))) == ["Ada Lovelace"]
