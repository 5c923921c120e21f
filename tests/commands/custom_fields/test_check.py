"""R3.1: a custom field changes while others write, and nothing that does not fit slips through."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import pytest

from commands.custom_fields.check import Check
from commands.custom_fields.definitions import PutByKey, PutField
from commands.custom_fields.values import claim_kind
from commands.decision import AllCustomFields
from commands.handle import Handler
from commands.registry import BEGIN_CUSTOM_FIELD, PUT_CUSTOM_FIELD
from domain import contact, custom_field
from domain.custom_field import CustomField, FieldType, Held, RecordKind, stream_of
from domain.errors import InvalidError
from infra import clock
from infra.event_store.finder import find
from tests.commands.world import World, by, refused
from tests.given import CALLER, TENANT, change, register

FIELD = stream_of(TENANT, RecordKind.CONTACT, "no")


class Site(World):
    """A tenant with one custom field, whose values are read from the log."""

    def __init__(self) -> None:
        super().__init__()
        self.handler = Handler(self.store, clock.now, clock.new_id, find(self.store), custom=self.custom)
        self.between: Callable[[], Awaitable[Any]] | None = None
        """What others do after a page was read."""

    async def custom(self, _: UUID) -> AllCustomFields:
        state = None
        for item in await self.log():
            if isinstance(item.event, custom_field.EVENTS):
                state = custom_field.evolve(state, item.event, stream_id=item.stream_id, at=item.recorded_at)
        return {state.kind: {state.key: state}} if state else {}

    async def put(self, kind: str = "text", *, checked: int | None = None, **members: Any) -> CustomField:
        asked = PutByKey(RecordKind.CONTACT, "no", PutField(label="No", type=FieldType(kind), **members), 0, 0, checked)
        case = PUT_CUSTOM_FIELD if checked or not await self.custom(TENANT) else BEGIN_CUSTOM_FIELD
        return (await self.handler.handle(by(CALLER), case, lambda: (asked, ()), stream_id=FIELD)).state

    async def add(self, value: Any) -> UUID:
        return (await self.register(register(name="Ada", custom={"no": value}))).stream_id

    async def check(self, field: CustomField, *, page_size: int = 2, seconds: float = 20) -> None:
        assert field.coming is not None
        check = Check(
            field=field,
            rule=field.coming,
            values=self,
            sees=lambda _: True,
            context=by(CALLER),
            store=self.store,
            clock=clock.now,
            new_id=clock.new_id,
            page_size=page_size,
            seconds=seconds,
        )
        await check.require_fit(await self.store.head(TENANT), claim=True)

    async def holders(self, field: CustomField, *values: str) -> dict[str, UUID]:
        kind = claim_kind(field, field.claiming[-1])
        found = await self.store.holders(TENANT, [(kind, value) for value in values])
        return {value: stream_id for (_, value), stream_id in found.items()}

    async def settle(self, _: int) -> None:
        """See Values: the log includes itself."""

    async def page(self, after: UUID | None, limit: int) -> Sequence[Held]:
        states: dict[UUID, Any] = {}
        for item in await self.log():
            if isinstance(item.event, contact.EVENTS):
                state = states.get(item.stream_id)
                states[item.stream_id] = contact.evolve(
                    state, item.event, stream_id=item.stream_id, at=item.recorded_at
                )
        there = sorted((each for each in states.values() if "no" in each.custom and not each.deleted_at), key=_id)
        found = [Held(each.id, each.version, each.owner_id, each.custom["no"]) for each in there]
        if self.between:
            meddle, self.between = self.between, None
            await meddle()
        return [each for each in found if after is None or each.id > after][:limit]

    async def repeated(self, _: int) -> Sequence[Held]:
        """See Values: left to be found by the claims."""
        return []


def _id(state: Any) -> UUID:
    found: UUID = state.id
    return found


@pytest.fixture
async def site() -> Site:
    made = Site()
    await made.put()
    return made


async def test_a_value_that_was_decided_by_an_older_definition_is_decided_on_again(site: Site) -> None:
    ada = await site.add("long ago")
    await site.change(ada, change(custom={"no": None}))

    async def becomes_a_date() -> None:
        begun = await site.put("date")
        await site.put("date", checked=begun.version)

    site.store.before_append, site.store.times = becomes_a_date, 1
    with pytest.raises(InvalidError) as refusal:
        await site.add("soon")
    assert [error.code for error in refusal.value.errors] == ["date.invalid"]


async def test_what_is_there_is_claimed_page_by_page(site: Site) -> None:
    ids = {str(number): await site.add(str(number)) for number in range(5)}
    field = await site.put(unique=True)
    await site.check(field)
    assert await site.holders(field, *ids) == ids
    made = await site.put(unique=True, checked=field.version)
    assert made.claiming[0].unique == field.version
    assert (await refused(site.add("3"))).code == "contact.custom_taken"


async def test_two_records_with_one_value_are_told_wherever_they_stand(site: Site) -> None:
    first, _, last = await site.add("A"), await site.add("B"), await site.add("a")
    field = await site.put(unique=True)
    for page_size in (2, 3):
        refusal = await refused(site.check(field, page_size=page_size))
        assert refusal.code == "custom_field.not_unique"
        assert str(last) in refusal.members["ids"]
        assert set(refusal.members["ids"]) <= {str(first), str(last)}


async def test_a_record_that_changes_meanwhile_holds_what_it_has_then(site: Site) -> None:
    ada, eve, bob = await site.add("A"), await site.add("E"), await site.add("B")
    field = await site.put(unique=True)

    async def others_write() -> None:
        await site.change(ada, change(custom={"no": "Z"}))
        await site.delete(eve)

    site.between = others_write
    await site.check(field, page_size=3)
    assert await site.holders(field, "a", "e", "z", "b") == {"z": ada, "b": bob}


async def test_a_value_that_another_takes_meanwhile_is_not_unique(site: Site) -> None:
    ada = await site.add("A")
    field = await site.put(unique=True)

    async def another_has_it() -> None:
        await site.add("A")

    site.store.before_append, site.store.times = another_has_it, 1
    refusal = await refused(site.check(field))
    assert (refusal.code, refusal.members["ids"]) == ("custom_field.not_unique", [str(ada)])


async def test_what_takes_too_long_goes_on_where_it_stopped(site: Site) -> None:
    ids = {str(number): await site.add(str(number)) for number in range(5)}
    field = await site.put(unique=True)
    assert (await refused(site.check(field, seconds=0))).code == "custom_field.checking"
    assert await site.holders(field, *ids) == dict(list(ids.items())[:2])

    again = await site.put(unique=True)

    assert again == field
    await site.check(again)
    assert await site.holders(field, *ids) == ids


async def test_all_values_that_do_not_fit_are_counted(site: Site) -> None:
    bad = [str(await site.add(value)) for value in ("x", "2026-02-30", "y")]
    await site.add("2026-01-05")
    field = await site.put("date", unique=True)
    refusal = await refused(site.check(field))
    assert (refusal.code, refusal.members) == ("custom_field.values_unfit", {"ids": bad, "count": 3})
    assert await site.holders(field, '"2026-01-05"') == {}
