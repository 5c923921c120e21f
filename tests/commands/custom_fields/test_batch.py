"""R3.1: custom fields of the items of a batch: unique among them too, and decided by the definitions as they are."""

from typing import Any
from uuid import UUID

from commands.batch.batches import Batches
from commands.batch.items import Asked
from commands.custom_fields.definitions import PutByKey, PutField
from commands.decision import AllCustomFields
from commands.handle import Handler
from commands.registry import DELETE_CUSTOM_FIELD, PUT_CUSTOM_FIELD
from domain import custom_field
from domain.custom_field import FieldType, RecordKind, stream_of
from infra import clock
from infra.event_store.finder import find, find_all
from tests.commands.batch.batched import Batched, changing, new, told
from tests.commands.world import by
from tests.given import CALLER, TENANT


class Defining(Batched):
    """The same world with custom fields, as its log has them."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = Batches(self.store, clock.now, clock.new_id, find_all(self.store), custom=self.custom)
        self.handler = Handler(self.store, clock.now, clock.new_id, find(self.store), custom=self.custom)

    async def custom(self, _: UUID) -> AllCustomFields:
        found: dict[UUID, Any] = {}
        for item in await self.log():
            if isinstance(item.event, custom_field.EVENTS):
                state = found.get(item.stream_id)
                found[item.stream_id] = custom_field.evolve(
                    state, item.event, stream_id=item.stream_id, at=item.recorded_at
                )
        return {RecordKind.CONTACT: {state.key: state for state in found.values()}}

    async def define(self, key: str, kind: str = "text", **members: Any) -> None:
        asked = PutByKey(RecordKind.CONTACT, key, PutField(label=key, type=FieldType(kind), **members))
        stream_id = stream_of(TENANT, RecordKind.CONTACT, key)
        await self.handler.handle(by(CALLER), PUT_CUSTOM_FIELD, lambda: (asked, ()), stream_id=stream_id)


def person(**custom: Any) -> Asked:
    return new(name="Ada", custom=custom)


async def test_a_unique_value_is_that_of_the_first_item_and_free_when_that_gives_it_up() -> None:
    world = Defining()
    await world.define("no", unique=True)

    made = await world.all(person(no="A"), person(no="a"), person(no="B"), person(no=None))
    first = made.results[0].stream_id
    assert first is not None
    again = await world.all(changing(first, custom={"no": "C"}), person(no="C"), person(no="B"))

    assert told(made) == [201, "contact.custom_taken", 201, 201]
    assert told(again) == [200, "contact.custom_taken", "contact.custom_taken"]
    assert told(await world.all(person(no="A"))) == [201]


async def test_a_definition_that_changes_meanwhile_has_the_whole_batch_decided_again() -> None:
    world = Defining()
    await world.define("x")

    async def others_change_them() -> None:
        await world.define("y", required=True)
        stream_id = stream_of(TENANT, RecordKind.CONTACT, "x")
        await world.handler.handle(by(CALLER), DELETE_CUSTOM_FIELD, lambda: (None, ()), stream_id=stream_id)

    world.store.before_append, world.store.times = others_change_them, 1
    made = await world.all(person(x="1"), new(name="Eve"), new(name="Bob", custom={"y": "1"}))

    assert told(made) == ["validation.failed", "validation.failed", 201]
