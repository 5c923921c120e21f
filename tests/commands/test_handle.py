"""N-R2, B8, R1.5: load, decide, append; again when somebody was faster; once for a key; never for a dry run."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest

from commands.contact import ChangeContact, DeleteContact, RegisterContact
from commands.decision import Context, KeyOf
from commands.handle import Handler, Outcome
from commands.ports import Append, Appended
from commands.registry import CHANGE_CONTACT, DELETE_CONTACT, REGISTER_CONTACT
from domain.contact import Contact
from domain.errors import DomainError, FieldError
from domain.event import Actor, Event, Metadata, Recorded
from infra import clock
from infra.event_store.finder import find
from infra.event_store.memory import MemoryEventStore
from tests.given import CALLER, TENANT, change, delete, register, some_id

OTHER_TENANT = some_id(800)


class Meddled(MemoryEventStore):
    """A store on which others write between our load and our append: as often as told."""

    def __init__(self) -> None:
        super().__init__(clock.now)
        self.before_append: Callable[[], Any] | None = None
        self.times = 0

    async def append(self, append: Append) -> Appended:
        if self.before_append and self.times:
            self.times -= 1
            meddle, self.before_append = self.before_append, None
            await meddle()
            self.before_append = meddle
        return await super().append(append)


class World:
    """A store, a handler on it, and a contact."""

    def __init__(self) -> None:
        self.store = Meddled()
        self.handler = Handler(self.store, clock.now, clock.new_id, find(self.store))

    async def log(self) -> Sequence[Recorded[Event]]:
        return await self.store.read(TENANT, after=0, limit=1000)

    async def topics(self) -> list[str]:
        return [item.event.TOPIC for item in await self.log()]

    async def register(self, command: RegisterContact, context: Context | None = None) -> Outcome[Contact]:
        return await self.handler.handle(context or by(CALLER), REGISTER_CONTACT, lambda: (command, ()))

    async def change(
        self,
        contact_id: UUID,
        command: ChangeContact,
        context: Context | None = None,
        if_match: frozenset[int] | None = None,
    ) -> Outcome[Contact]:
        return await self.handler.handle(
            context or by(CALLER), CHANGE_CONTACT, lambda: (command, ()), stream_id=contact_id, if_match=if_match
        )

    async def delete(self, contact_id: UUID, context: Context | None = None) -> Outcome[Contact]:
        read: Callable[[], tuple[DeleteContact, Sequence[FieldError]]] = lambda: (delete(), ())  # noqa: E731
        return await self.handler.handle(context or by(CALLER), DELETE_CONTACT, read, stream_id=contact_id)


def by(user: UUID, *, tenant: UUID = TENANT, key: str | None = None, body: str = "", dry_run: bool = False) -> Context:
    """Who asks, and how."""
    return Context(
        tenant_id=tenant,
        metadata=Metadata(actor=Actor("user", user), correlation_id="c"),
        key=KeyOf(key.encode(), body.encode()) if key else None,
        dry_run=dry_run,
    )


@pytest.fixture
def world() -> World:
    return World()


async def refused(work: Any) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        await work
    return refusal.value


async def test_an_answer_says_what_is_there_and_where_it_went(world: World) -> None:
    made = await world.register(register(name="Ada Lovelace"))
    after = await world.change(made.stream_id, change(title="Countess"))

    assert (made.position, made.status, made.state.version) == (1, 201, 1)
    assert (after.position, after.status, after.state.version) == (2, 200, 2)
    assert after.state.title == "Countess"
    assert await world.topics() == ["contact.registered.v1", "contact.changed.v1"]


async def test_a_contact_and_its_new_company_are_one_append(world: World) -> None:
    made = await world.register(register(name="Ada", company="Engines Ltd"))

    assert await world.topics() == ["contact.registered.v1", "company.registered.v1"]
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
