"""R6.3: what belongs to another tenant is told from what is not there, and nobody fills the platform's log with it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from commands.violations import OF_ACTOR, OF_TENANT, WINDOW, Owned, Tried, Violations
from domain.event import SYSTEM, Actor, Metadata
from domain.security import CrossTenantAttempted, CrossTenantAttemptsCounted
from domain.tenant import PLATFORM
from infra import clock
from tests.given import ADA, CALLER, START, TENANT, some_id

THEIRS = some_id(1)
OTHER = some_id(2)
OPERATION = "GET /v1/contacts/{contact_id}"


class Known:
    """Owners of ids, as a test says."""

    def __init__(self, *owned: Owned) -> None:
        self.owned = owned
        self.asked: list[set[tuple[UUID, UUID]]] = []

    async def of(self, named: Collection[tuple[UUID, UUID]]) -> Sequence[Owned]:
        self.asked.append(set(named))
        ids = {each for _, each in named}
        return [each for each in self.owned if each.named in ids]


def tried(named: UUID = THEIRS, by: UUID = CALLER, at: datetime = START, kind: str | None = None) -> Tried:
    metadata = Metadata(actor=Actor("user", by), correlation_id="c", address="192.0.2.7")
    return Tried(tenant_id=TENANT, metadata=metadata, named=named, operation=OPERATION, at=at, kind=kind)


def violations(*owned: Owned, now: datetime = START) -> Violations:
    return Violations(Known(*owned), lambda: now, clock.new_id)


async def test_what_another_tenant_owns_is_an_event_of_the_platform_with_who_what_and_from_where() -> None:
    (append,) = await violations(Owned(THEIRS, OTHER, "contact")).among([tried()])
    assert append.tenant_id == PLATFORM
    assert append.metadata == Metadata(actor=Actor("user", CALLER), correlation_id="c", address="192.0.2.7")
    assert append.streams[0].events == (
        CrossTenantAttempted(
            actor_tenant=TENANT,
            target_kind="contact",
            target_id=THEIRS,
            owner_tenant=OTHER,
            operation=OPERATION,
        ),
    )


async def test_what_is_not_there_or_their_own_is_no_violation() -> None:
    own = Owned(ADA, TENANT, "contact")  # one that they may not see, say
    assert await violations(own).among([tried(ADA), tried(some_id(9))]) == []


async def test_an_id_that_a_copy_of_the_tenant_has_too_is_their_own() -> None:
    both = Owned(ADA, OTHER, "contact"), Owned(ADA, TENANT, "contact")
    assert await violations(*both).among([tried(ADA)]) == []


async def test_a_cursor_names_the_tenant_that_it_was_made_for() -> None:
    (append,) = await violations(Owned(OTHER, OTHER, "tenant")).among([tried(OTHER, kind="cursor")])
    (event,) = append.streams[0].events
    assert isinstance(event, CrossTenantAttempted)
    assert (event.target_kind, event.target_id, event.owner_tenant) == ("cursor", OTHER, OTHER)


async def test_nothing_tried_asks_nothing() -> None:
    owners = Known()
    assert await Violations(owners, lambda: START, clock.new_id).among([]) == []
    assert owners.asked == []


async def test_more_of_an_actor_than_is_recorded_one_by_one_is_counted_when_the_window_is_over() -> None:
    now = START
    watched = Violations(Known(Owned(THEIRS, OTHER, "contact")), lambda: now, clock.new_id)
    assert len(await watched.among([tried()] * 25)) == OF_ACTOR
    assert watched.counted() == []
    now = START + WINDOW
    (append,) = watched.counted()
    assert append.metadata.actor == Actor("user", CALLER)
    assert append.streams[0].events == (
        CrossTenantAttemptsCounted(actor_tenant=TENANT, count=25 - OF_ACTOR, since=START),
    )
    assert watched.counted() == []
    assert len(await watched.among([tried(at=now)])) == 1, "the next window begins anew"


async def test_a_tenant_gets_no_more_by_making_more_users() -> None:
    now = START + timedelta(seconds=1)
    watched = Violations(Known(Owned(THEIRS, OTHER, "contact")), lambda: now, clock.new_id)
    many = [tried(by=some_id(number)) for number in range(500)]
    assert len(await watched.among(many)) == OF_TENANT
    (append,) = watched.counted(at_once=True)
    assert append.metadata.actor == SYSTEM, "no name for each, which would be as long a list as they like"
    (event,) = append.streams[0].events
    assert isinstance(event, CrossTenantAttemptsCounted)
    assert event.count == 500 - OF_TENANT


async def test_another_tenants_share_is_its_own() -> None:
    watched = violations(Owned(THEIRS, OTHER, "contact"))
    await watched.among([tried(by=some_id(number)) for number in range(500)])
    third = Tried(tenant_id=some_id(3), metadata=tried().metadata, named=THEIRS, operation=OPERATION, at=START)
    assert len(await watched.among([third])) == 1
