"""N-R2, B8: a command with a key is carried out once and answered the same; a dry run is not carried out at all."""

import pytest

from tests.commands.world import World, by, refused
from tests.given import CALLER, change, register, some_id


@pytest.fixture
def world() -> World:
    return World()


async def test_a_key_carries_a_command_out_once_and_answers_the_same(world: World) -> None:
    first = await world.register(register(name="Ada"), by(CALLER, key="k", body="b"))
    await world.change(first.stream_id, change(title="Countess"))

    again = await world.register(register(name="Ada"), by(CALLER, key="k", body="b"))

    assert again.replayed
    assert not first.replayed
    assert (again.stream_id, again.state, again.position, again.status) == (
        first.stream_id,
        first.state,
        first.position,
        201,
    )
    assert len(await world.log()) == 2


async def test_a_key_that_was_used_meanwhile_answers_what_that_use_did(world: World) -> None:
    keyed = by(CALLER, key="k", body="b")
    world.store.before_append, world.store.times = lambda: world.register(register(name="Ada"), keyed), 1

    answer = await world.register(register(name="Ada"), keyed)

    assert answer.replayed
    assert len(await world.log()) == 1


async def test_a_key_with_another_body_is_refused(world: World) -> None:
    await world.register(register(name="Ada"), by(CALLER, key="k", body="b"))

    refusal = await refused(world.register(register(name="Grace"), by(CALLER, key="k", body="other")))

    assert refusal.code == "idempotency.key_reused"
    assert len(await world.log()) == 1


async def test_a_refused_command_leaves_its_key_free(world: World) -> None:
    await refused(world.register(register(), by(CALLER, key="k", body="bad")))

    assert not (await world.register(register(name="Ada"), by(CALLER, key="k", body="good"))).replayed


async def test_a_keyed_change_that_changed_nothing_is_kept_too(world: World) -> None:
    made = await world.register(register(name="Ada"))
    keyed = by(CALLER, key="k", body="b")
    first = await world.change(made.stream_id, change(name="Ada"), keyed)
    await world.change(made.stream_id, change(name="Grace"))

    again = await world.change(made.stream_id, change(name="Ada"), keyed)

    assert (again.replayed, again.state, again.position) == (True, first.state, first.position)


async def test_a_deletion_is_replayed_for_its_key_although_the_contact_is_gone(world: World) -> None:
    made = await world.register(register(name="Ada"))
    keyed = by(CALLER, key="k", body="")
    await world.delete(made.stream_id, keyed)

    assert (await world.delete(made.stream_id, keyed)).replayed
    assert (await refused(world.delete(made.stream_id))).code == "contact.deleted"


async def test_a_dry_run_stores_nothing_and_shows_everything(world: World) -> None:
    asked = register(name="Ada", company="Engines", external_ids={"erp": "7"})

    told = await world.register(asked, by(CALLER, dry_run=True))

    assert [event.TOPIC for event in told.events] == ["contact.registered.v1", "company.registered.v1"]
    assert told.state.version == 1
    assert await world.log() == []
    assert (await world.register(asked)).position == 2


async def test_a_dry_run_meets_the_refusals_of_the_real_one(world: World) -> None:
    await world.register(register(name="Ada", external_ids={"erp": "7"}))
    dry = by(CALLER, dry_run=True)

    taken = await refused(world.register(register(name="Grace", external_ids={"erp": "7"}), dry))

    assert taken.code == "contact.external_ids_taken"
    assert (await refused(world.register(register(), dry))).code == "validation.failed"
    assert (await refused(world.change(some_id(1), change(title="x"), dry))).code == "contact.not_found"
