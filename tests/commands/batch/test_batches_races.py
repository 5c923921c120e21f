"""Batches while others write to the same records (R3, N-R2)."""

from collections.abc import Sequence

import pytest

from commands.batch.items import Asked
from commands.ports import Append, Appended, SubjectErasedError
from tests.commands.batch.batched import Batched, changing, new, told
from tests.commands.world import by, refused
from tests.given import CALLER, change, register


@pytest.fixture
def world() -> Batched:
    return Batched()


async def test_somebody_faster_makes_the_batch_decide_anew(world: Batched) -> None:
    ada = (await world.register(register(name="Ada"))).stream_id
    world.store.before_append, world.store.times = lambda: world.change(ada, change(tags=["vip"])), 1

    made = await world.all(changing(ada, title="Miss"), new(name="Grace", company="Engines"))

    assert made.results[0].state.tags == ("vip",)
    assert made.results[0].state.version == 3


async def test_a_claim_that_somebody_faster_takes_refuses_its_item_alone(world: Batched) -> None:
    world.store.before_append = lambda: world.register(register(name="B", company="Engines", external_ids={"erp": "1"}))
    world.store.times = 1

    made = await world.all(new(name="Ada", external_ids={"erp": "1"}), new(name="Grace", company="Engines"))

    assert told(made) == ["contact.external_ids_taken", 201]
    assert (await world.topics()).count("company.registered.v1") == 1


async def test_records_that_others_keep_changing_are_given_up_at_last(world: Batched) -> None:
    ada = (await world.register(register(name="Ada"))).stream_id
    titles = iter(range(1000))
    world.store.before_append = lambda: world.change(ada, change(title=str(next(titles))))
    world.store.times = 1000

    assert (await refused(world.all(changing(ada, tags=["vip"])))).code == "command.contention"


async def test_a_person_who_is_erased_meanwhile_is_gone_and_the_others_go_on(world: Batched) -> None:
    ada = (await world.register(register(name="Ada"))).stream_id
    go_on = world.store.append

    async def refusing(append: Append) -> Appended:
        if ada in {stream.stream_id for stream in append.streams}:
            raise SubjectErasedError(ada)
        return await go_on(append)

    world.store.append = refusing  # type: ignore[method-assign]

    assert told(await world.all(changing(ada, title="x"), new(name="Grace"))) == ["contact.deleted", 201]


async def test_items_that_look_things_up_are_asked_anew_when_somebody_was_faster(world: Batched) -> None:
    ada = (await world.register(register(name="Ada"))).stream_id
    world.store.before_append, world.store.times = lambda: world.change(ada, change(tags=["vip"])), 1
    asked: list[int] = []

    async def items() -> Sequence[Asked]:
        asked.append(len(asked))
        return [changing(ada, title=f"Title {len(asked)}")]

    made = await world.batches.handle(by(CALLER), items)

    assert (asked, made.results[0].state.title) == ([0, 1], "Title 2")
