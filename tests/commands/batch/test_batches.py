"""Several commands in one append (R3, N-R2): each decided by itself, on what those before it have left."""

from uuid import UUID

import msgspec
import pytest
from msgspec import structs

from commands.batch.items import Asked
from commands.batch.results import BatchRefusedError
from commands.companies.input import Ancestor, ChangeCompany, Placed, RegisterCompany
from commands.registry import CHANGE_COMPANY, REGISTER_COMPANY
from domain.contact import evolve
from domain.errors import FieldError
from tests.commands.batch.batched import Batched, changing, deleting, new, told
from tests.commands.world import by, refused
from tests.given import CALLER, TENANT, register, some_id


@pytest.fixture
def world() -> Batched:
    return Batched()


async def test_all_items_go_with_one_append_in_their_order(world: Batched) -> None:
    made = await world.all(new(name="Ada", company="Engines"), new(name="Grace"))

    assert told(made) == [201, 201]
    assert await world.topics() == ["company.registered.v1", "contact.registered.v1", "contact.registered.v1"]
    assert len({item.command_id for item in await world.log()}) == 1
    assert made.position == 3


async def test_an_item_that_is_refused_leaves_the_others_alone(world: Batched) -> None:
    bad = FieldError("/owner_id", "type.uuid", "must be a UUID")
    unreadable = structs.replace(new(name="Ada"), errors=(bad,))

    made = await world.all(new(name="Ada"), new(), unreadable, new(name="Grace"), changing(some_id(1), title="x"))

    assert told(made) == [201, "validation.failed", "validation.failed", 201, "contact.not_found"]
    assert len(await world.log()) == 2
    assert made.results[2].error is not None
    assert made.results[2].error.errors == (bad,)


async def test_two_items_that_name_one_new_company_share_it(world: Batched) -> None:
    made = await world.all(new(name="Ada", company="Engines"), new(name="Grace", company="ENGINES"))

    assert made.results[0].state.company_id == made.results[1].state.company_id
    assert (await world.topics()).count("company.registered.v1") == 1


async def test_a_company_that_a_refused_item_would_have_made_is_made_by_the_next(world: Batched) -> None:
    made = await world.all(new(name="Ada", email="no", company="Engines"), new(name="Grace", company="Engines"))

    assert told(made) == ["validation.failed", 201]
    assert await world.topics() == ["company.registered.v1", "contact.registered.v1"]


async def test_an_external_id_is_given_once_whoever_has_it(world: Batched) -> None:
    await world.register(register(name="Ada", external_ids={"erp": "1"}))

    made = await world.all(
        new(name="B", external_ids={"erp": "1"}), new(name="C", external_ids={"erp": "2"}),
        new(name="D", external_ids={"erp": "2"}), new(name="E", external_ids={"erp": "3"}),
    )  # fmt: skip

    assert told(made) == ["contact.external_ids_taken", 201, "contact.external_ids_taken", 201]


async def test_an_item_that_depended_on_one_that_was_refused_is_decided_without_it(world: Batched) -> None:
    await world.register(register(name="Ada", external_ids={"erp": "1"}))

    made = await world.all(
        new(name="B", company="Engines", external_ids={"erp": "1"}), new(name="C", company="Engines")
    )

    assert told(made) == ["contact.external_ids_taken", 201]
    assert (await world.topics())[1:] == ["company.registered.v1", "contact.registered.v1"]


async def test_changes_of_one_record_follow_each_other(world: Batched) -> None:
    ada = (await world.register(register(name="Ada"))).stream_id

    made = await world.all(changing(ada, title="Miss"), changing(ada, title="Miss"), changing(ada, tags=["vip"]))

    assert [result.state.version for result in made.results] == [2, 2, 3]
    assert [len(result.events) for result in made.results] == [1, 0, 1]
    state = await world.handler.state(TENANT, "contact", evolve, ada)
    assert (state.title, state.tags, state.version) == ("Miss", ("vip",), 3)


async def test_what_is_deleted_by_one_item_is_gone_for_the_next(world: Batched) -> None:
    ada = (await world.register(register(name="Ada"))).stream_id

    assert told(await world.all(deleting(ada), changing(ada, title="x"))) == [204, "contact.deleted"]


async def test_an_external_id_taken_and_given_up_in_one_batch_is_free(world: Batched) -> None:
    ada = (await world.register(register(name="Ada"))).stream_id

    made = await world.all(
        changing(ada, external_ids={"erp": "1"}), changing(ada, external_ids={"erp": None}),
        new(name="Grace", external_ids={"erp": "1"}),
    )  # fmt: skip

    assert told(made) == [200, 200, 201]
    holders = await world.store.holders(TENANT, [("contact.external_id/erp", "1")])
    assert list(holders.values()) == [made.results[2].stream_id]


async def test_one_given_up_and_taken_again_in_one_batch_stays_held(world: Batched) -> None:
    ada = (await world.register(register(name="Ada", external_ids={"erp": "1"}))).stream_id

    await world.all(changing(ada, external_ids={"erp": None}), changing(ada, external_ids={"erp": "1"}))

    assert await world.store.holders(TENANT, [("contact.external_id/erp", "1")])


async def test_one_that_was_held_before_is_free_for_others_from_the_next_batch_on(world: Batched) -> None:
    ada = (await world.register(register(name="Ada", external_ids={"erp": "1"}))).stream_id
    grace = new(name="Grace", external_ids={"erp": "1"})

    assert told(await world.all(deleting(ada), grace)) == [204, "contact.external_ids_taken"]
    assert told(await world.all(grace)) == [201]


async def test_all_or_nothing_stores_nothing_and_names_every_item_that_is_to_blame(world: Batched) -> None:
    batch = (new(name="Ada"), new(email="no"), changing(some_id(1)))

    refusal = await refused(world.all(*batch, all_or_nothing=True))

    assert isinstance(refusal, BatchRefusedError)
    assert refusal.code == "batch.refused"
    assert [(error.pointer, error.code) for error in refusal.errors] == [
        ("/items/1/email", "email.invalid"),
        ("/items/2", "contact.not_found"),
    ]
    assert await world.log() == []


async def test_a_dry_run_tells_what_would_be_and_stores_nothing(world: Batched) -> None:
    made = await world.all(new(name="Ada"), new(), context=by(CALLER, key="k", dry_run=True))

    assert told(made) == [201, "validation.failed"]
    assert [event.TOPIC for event in made.results[0].events] == ["contact.registered.v1"]
    assert await world.log() == []


async def test_the_same_key_and_body_are_told_the_same_again(world: Batched) -> None:
    batch = (new(name="Ada", external_ids={"erp": "1"}), new(email="no"), changing(some_id(1)))
    first = await world.all(*batch, context=by(CALLER, key="k"))
    await world.delete(first.results[0].stream_id or some_id(0))

    again = await world.all(*batch, context=by(CALLER, key="k"))

    assert again.replayed
    assert again.position == first.position
    assert [result.stream_id for result in again.results] == [result.stream_id for result in first.results]
    assert told(again) == told(first) == [201, "validation.failed", "contact.not_found"]
    errors = [
        result.error and (result.error.detail, result.error.hint, result.error.errors) for result in again.results
    ]
    assert errors == [r.error and (r.error.detail, r.error.hint, r.error.errors) for r in first.results]
    other = await refused(world.all(*batch, context=by(CALLER, key="k", body="other")))
    assert other.code == "idempotency.key_reused"


async def test_a_batch_of_which_nothing_was_done_leaves_its_key_free(world: Batched) -> None:
    await world.all(new(), context=by(CALLER, key="k"))

    made = await world.all(new(), new(name="Ada"), context=by(CALLER, key="k"))

    assert (told(made), made.replayed) == (["validation.failed", 201], False)


async def test_a_batch_that_changes_nothing_appends_nothing(world: Batched) -> None:
    ada = (await world.register(register(name="Ada"))).stream_id

    made = await world.all(changing(ada, name="Ada"))

    assert (told(made), made.position) == ([200], 1)


async def test_what_an_item_goes_by_must_not_have_been_changed_by_one_before_it(world: Batched) -> None:
    def under(parent: UUID, version: int, name: str) -> Asked:
        command = msgspec.convert({"name": name, "parent_id": str(parent)}, RegisterCompany)
        return Asked(case=REGISTER_COMPANY, command=Placed(command, [Ancestor(parent, version)]))

    top = (await world.all(Asked(case=REGISTER_COMPANY, command=Placed(RegisterCompany(name="Top"))))).results[0]
    assert top.stream_id is not None
    renaming = Asked(case=CHANGE_COMPANY, command=Placed(ChangeCompany(name="Summit")), stream_id=top.stream_id)

    first = await world.all(under(top.stream_id, 1, "A"), renaming, under(top.stream_id, 1, "B"))

    assert told(first) == [201, 200, "batch.depends"]
    assert told(await world.all(under(top.stream_id, 2, "B"))) == [201]
