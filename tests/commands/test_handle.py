"""N-R2, R1.5: load, decide, append; again when somebody was faster."""

from collections.abc import Sequence

import pytest

from commands.contacts.input import ChangeContact
from commands.registry import CHANGE_CONTACT, REGISTER_CONTACT
from domain.errors import FieldError
from tests.commands.world import World, by, refused
from tests.given import CALLER, change, register, some_id

OTHER_TENANT = some_id(800)


@pytest.fixture
def world() -> World:
    return World()


async def test_an_answer_says_what_is_there_and_where_it_went(world: World) -> None:
    made = await world.register(register(name="Ada Lovelace"))
    after = await world.change(made.stream_id, change(title="Countess"))

    assert (made.position, made.status, made.state.version) == (1, 201, 1)
    assert (after.position, after.status, after.state.version) == (2, 200, 2)
    assert after.state.title == "Countess"
    assert await world.topics() == ["contact.registered.v1", "contact.changed.v1"]


async def test_a_contact_and_its_new_company_are_one_append(world: World) -> None:
    made = await world.register(register(name="Ada", company="Engines Ltd"))

    assert await world.topics() == ["company.registered.v1", "contact.registered.v1"]
    assert len({item.command_id for item in await world.log()}) == 1
    assert made.position == 2


async def test_changes_of_two_people_to_different_fields_both_hold(world: World) -> None:
    made = await world.register(register(name="Ada"))
    world.store.before_append, world.store.times = lambda: world.change(made.stream_id, change(tags=["vip"])), 1

    after = await world.change(made.stream_id, change(title="Countess"))

    assert (after.state.title, after.state.tags, after.state.version) == ("Countess", ("vip",), 3)


async def test_two_contacts_with_one_new_company_share_it(world: World) -> None:
    world.store.before_append, world.store.times = lambda: world.register(register(name="B", company="Engines")), 1

    made = await world.register(register(name="Ada", company="engines"))

    companies = {item.stream_id for item in await world.log() if item.event.TOPIC == "company.registered.v1"}
    assert companies == {made.state.company_id}


async def test_a_record_that_others_keep_changing_is_given_up_at_last(world: World) -> None:
    made = await world.register(register(name="Ada"))
    titles = iter(range(1000))
    world.store.before_append = lambda: world.change(made.stream_id, change(title=str(next(titles))))
    world.store.times = 1000

    refusal = await refused(world.change(made.stream_id, change(tags=["vip"])))

    assert refusal.code == "command.contention"
    assert next(titles) < 100


async def test_an_expected_version_that_is_stale_is_refused_with_the_current_one(world: World) -> None:
    made = await world.register(register(name="Ada"))
    await world.change(made.stream_id, change(title="Miss"), if_match=frozenset({1}))

    refusal = await refused(world.change(made.stream_id, change(title="Mrs"), if_match=frozenset({1})))

    assert (refusal.code, refusal.members) == ("precondition.version", {"version": 2})


async def test_an_expected_version_still_counts_when_somebody_was_faster(world: World) -> None:
    made = await world.register(register(name="Ada"))
    world.store.before_append, world.store.times = lambda: world.change(made.stream_id, change(tags=["vip"])), 1

    refusal = await refused(world.change(made.stream_id, change(title="Mrs"), if_match=frozenset({1})))

    assert refusal.code == "precondition.version"


async def test_a_change_that_changes_nothing_appends_nothing_and_answers_the_head(world: World) -> None:
    made = await world.register(register(name="Ada"))
    await world.register(register(name="Grace"))

    after = await world.change(made.stream_id, change(name="Ada"))

    assert (after.position, after.state.version) == (2, 1)
    assert len(await world.log()) == 2


async def test_an_external_id_that_is_taken_is_refused_and_named_until_it_is_freed(world: World) -> None:
    first = await world.register(register(name="Ada", external_ids={"erp": "7"}))

    refusal = await refused(world.register(register(name="Grace", external_ids={"erp": "7"})))

    assert refusal.code == "contact.external_ids_taken"
    assert [(error.pointer, error.code) for error in refusal.errors] == [("/external_ids/erp", refusal.code)]
    await world.delete(first.stream_id)
    assert (await world.register(register(name="Grace", external_ids={"erp": "7"}))).status == 201


async def test_the_body_is_not_looked_at_before_the_record_is_found(world: World) -> None:
    def read() -> tuple[ChangeContact, Sequence[FieldError]]:
        raise AssertionError("was read")

    refusal = await refused(world.handler.handle(by(CALLER), CHANGE_CONTACT, read, stream_id=some_id(1)))

    assert refusal.code == "contact.not_found"


async def test_another_tenants_record_and_one_of_another_kind_are_not_there(world: World) -> None:
    made = await world.register(register(name="Ada", company="Engines"))
    company_id = made.state.company_id
    assert company_id is not None

    foreign = by(CALLER, tenant=OTHER_TENANT)

    assert (await refused(world.change(made.stream_id, change(title="x"), foreign))).code == "contact.not_found"
    assert (await refused(world.change(company_id, change(title="x")))).code == "contact.not_found"


async def test_unreadable_members_are_refused_even_when_the_rest_decides(world: World) -> None:
    bad = FieldError("/owner_id", "type.uuid", "must be a UUID")

    refusal = await refused(world.handler.handle(by(CALLER), REGISTER_CONTACT, lambda: (register(name="Ada"), (bad,))))

    assert refusal.errors == (bad,)
    assert await world.log() == []
