"""B3: of a person who was erased while a command was under way, nothing new is stored."""

import pytest

from commands.ports import SubjectErasedError
from domain.errors import GoneError
from tests.commands.world import World
from tests.given import change, register


async def test_a_person_who_was_erased_meanwhile_is_gone() -> None:
    world = World()
    made = await world.register(register(name="Ada"))

    async def erased() -> None:
        raise SubjectErasedError

    world.store.before_append, world.store.times = erased, 1
    with pytest.raises(GoneError) as refusal:
        await world.change(made.stream_id, change(title="Countess"))
    assert refusal.value.code == "contact.deleted"
    assert await world.topics() == ["contact.registered.v1"]
