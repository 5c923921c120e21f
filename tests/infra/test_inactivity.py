"""R5.3, R6.5: leads that nothing happens with are flagged once, in every tenant, whoever else does the same."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from api.worker.inactivity import Sweeper
from commands.leads.inactivity import Sweeping, Swept, Turn
from commands.ports import StreamEvents
from commands.trusted_time import TrustedTime
from domain.contact import ContactMerged, ContactUnmerged
from domain.event import Event
from domain.interaction import InteractionChanged, InteractionLogged, Type
from domain.lead import (
    LeadDeleted,
    LeadFlagCleared,
    LeadFlaggedInactive,
    LeadLost,
    LeadQualified,
    LeadRegistered,
)
from infra import clock
from infra.event_store.store import PostgresEventStore
from infra.inactivity import PostgresQuietLeads, PostgresSweepTurns
from tests.conftest import SECRET, Database
from tests.given import registered, some_id
from tests.infra.event_store.appends import OCCURRED, append
from tests.projections.reading import catch_up

pytestmark = pytest.mark.servers

DAY = timedelta(days=1)
OWNER = some_id(1)


class Office:
    """A tenant whose leads came in on OCCURRED, and the days that go by."""

    def __init__(self, database: Database) -> None:
        self.database, self.tenant = database, uuid4()
        self.store = PostgresEventStore(database.appends, database.service, SECRET)
        self.sweeping = Sweeping(self.store, PostgresQuietLeads(database.service), clock.now, clock.new_id)
        self.written = 0

    async def happened(self, stream: UUID, *events: Event, after: int = 0, days: float = 0) -> None:
        at = (OCCURRED + days * DAY,) * len(events)
        await self.store.append(append(self.tenant, StreamEvents(stream, after, events, at)))

    async def lead(self, *more: Event, **fields: Any) -> UUID:
        lead_id = uuid4()
        await self.happened(lead_id, LeadRegistered(title="Engine", **{"owner_id": OWNER, **fields}), *more)
        return lead_id

    async def met(self, *, days: float, **about: Any) -> UUID:
        """An interaction that occurred after so many days."""
        interaction_id = uuid4()
        told = InteractionLogged(type=Type.CALL, occurred_at=OCCURRED + days * DAY, **about)
        await self.happened(interaction_id, told)
        return interaction_id

    async def sweep(self, *, days: float, flags: bool = True, level: bool = True) -> Swept | None:
        """Look through it, so many days after everything began."""
        if level:
            await catch_up(self.database, self.tenant)
        turn = Turn(self.tenant, self.written, flags)
        swept = await self.sweeping.sweep(turn, 30, OCCURRED + days * DAY)
        if swept:
            self.written = max(self.written, swept.written)
        return swept

    async def flags(self, lead_id: UUID) -> list[Event]:
        """What was said of a lead by sweeps."""
        told = (LeadFlaggedInactive, LeadFlagCleared)
        return [item.event for item in await self.store.load(self.tenant, lead_id) if isinstance(item.event, told)]


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def counts(swept: Swept | None) -> tuple[int, int]:
    assert swept
    return swept.flagged, swept.cleared


FLAGGED = LeadFlaggedInactive(since=OCCURRED, owner_id=OWNER)


async def test_an_open_lead_is_flagged_once_when_its_days_are_over(office: Office) -> None:
    lead = await office.lead()
    early = await office.sweep(days=30)
    assert (counts(early), early and early.due_at) == ((0, 0), OCCURRED + 30 * DAY)
    assert counts(await office.sweep(days=30.01)) == (1, 0)
    assert counts(await office.sweep(days=31)) == (0, 0)
    assert await office.flags(lead) == [FLAGGED]


async def test_closed_and_deleted_leads_are_never_flagged(office: Office) -> None:
    for end in (LeadLost(reason="price"), LeadDeleted()):
        await office.lead(LeadQualified(), end)
    assert counts(await office.sweep(days=1000)) == (0, 0)


async def test_interactions_with_the_lead_or_its_contact_count_by_when_they_occurred(office: Office) -> None:
    contact, other = uuid4(), uuid4()
    for each in (contact, other):
        await office.happened(each, registered())
    leads = [await office.lead(), await office.lead(contact_id=contact), await office.lead(contact_id=other)]
    await office.met(days=10, lead_id=leads[0])
    await office.met(days=20, contact_id=contact)
    swept = await office.sweep(days=35)
    assert (counts(swept), swept and swept.due_at) == ((1, 0), OCCURRED + 40 * DAY)
    assert await office.flags(leads[2]) == [FLAGGED]
    assert counts(await office.sweep(days=41)) == (1, 0)
    assert await office.flags(leads[0]) == [LeadFlaggedInactive(since=OCCURRED + 10 * DAY, owner_id=OWNER)]
    assert counts(await office.sweep(days=51)) == (1, 0)


async def test_an_interaction_takes_the_flag_off_and_a_later_silence_is_another_one(office: Office) -> None:
    lead = await office.lead()
    await office.sweep(days=31)
    await office.met(days=0.5, lead_id=lead)  # told now, but too long ago to be worth anything
    assert counts(await office.sweep(days=32, flags=False)) == (0, 0)
    await office.met(days=32, lead_id=lead)
    assert counts(await office.sweep(days=33, flags=False)) == (0, 1)
    assert counts(await office.sweep(days=33)) == (0, 0)
    assert counts(await office.sweep(days=62.5)) == (1, 0)
    assert await office.flags(lead) == [
        FLAGGED,
        LeadFlagCleared(active_at=OCCURRED + 32 * DAY),
        LeadFlaggedInactive(since=OCCURRED + 32 * DAY, owner_id=OWNER),
    ]


async def test_what_is_done_with_the_lead_takes_the_flag_off_by_itself(office: Office) -> None:
    lead = await office.lead()
    await office.sweep(days=31)
    await office.happened(lead, LeadQualified(), after=2, days=40)
    assert counts(await office.sweep(days=45)) == (0, 0)
    assert counts(await office.sweep(days=71)) == (1, 0)


async def test_what_happens_with_one_of_a_merged_family_happens_with_all_its_leads(office: Office) -> None:
    gone, survivor, third = uuid4(), uuid4(), uuid4()
    for each in (gone, survivor, third):
        await office.happened(each, registered())
    lead = await office.lead(contact_id=gone)
    for each in (gone, third):
        await office.happened(each, ContactMerged(into=survivor), after=1)
    await office.met(days=20, contact_id=third)
    assert counts(await office.sweep(days=35)) == (0, 0)
    await office.happened(third, ContactUnmerged(into=survivor), after=2)
    assert counts(await office.sweep(days=51)) == (1, 0)
    assert await office.flags(lead) == [FLAGGED]


async def test_an_interaction_that_turns_out_to_be_of_the_future_is_none_yet(office: Office) -> None:
    lead = await office.lead()
    call = await office.met(days=20, lead_id=lead)
    await office.happened(call, InteractionChanged(occurred_at=OCCURRED + 200 * DAY), after=1)
    assert counts(await office.sweep(days=35)) == (1, 0)


async def test_flags_of_a_clock_that_was_years_ahead_are_taken_off_when_it_is_back(office: Office) -> None:
    lead = await office.lead()
    assert counts(await office.sweep(days=3650)) == (1, 0)
    assert counts(await office.sweep(days=2)) == (0, 1)
    assert counts(await office.sweep(days=31)) == (1, 0)
    assert len(await office.flags(lead)) == 3


async def test_two_sweeps_at_once_flag_once_and_read_models_that_lag_flag_nothing_again(office: Office) -> None:
    leads = [await office.lead() for _ in range(5)]
    await catch_up(office.database, office.tenant)
    found = await asyncio.gather(*(office.sweep(days=31, level=False) for _ in range(3)))
    assert sum(counts(swept)[0] for swept in found) == 5
    for lead in leads:
        assert await office.flags(lead) == [FLAGGED]
    assert await office.sweep(days=31, level=False) is None


async def test_a_lead_that_is_worked_on_meanwhile_keeps_no_other_from_its_flag(office: Office) -> None:
    leads = [await office.lead() for _ in range(9)]
    await catch_up(office.database, office.tenant)
    await office.happened(leads[4], LeadQualified(), after=1, days=30)
    assert counts(await office.sweep(days=31, level=False)) == (8, 0)
    assert await office.flags(leads[4]) == []


Days = Callable[[UUID], Awaitable[int]]


def sweeper(office: Office, days: Days, now: datetime, every: timedelta = DAY) -> Sweeper:
    """As it runs in a worker, on a clock of its own; where turns are kept it is the same time."""
    turns = PostgresSweepTurns(office.database.appends, uuid4(), every)
    here = turns.clock

    async def as_here(believed: datetime | None = None) -> tuple[datetime, datetime | None]:
        return now, (await here(believed))[1] and now

    turns.clock = as_here  # type: ignore[method-assign]
    return Sweeper(turns, office.sweeping, days, lambda: now, TrustedTime(lambda: 0.0))


def rows(database: Database, *tenants: UUID) -> list[tuple[Any, ...]]:
    query = "SELECT failures, error, not_before > now(), holder FROM store.sweep WHERE tenant_id = ANY (%s)"
    with psycopg.connect(database.admin_dsn) as connection:
        return connection.execute(query, (list(tenants),)).fetchall()


async def turns_of(one: Sweeper) -> None:
    """All that are due."""
    while await one.once():
        pass


async def test_a_tenant_that_fails_is_noted_and_stops_no_other(database: Database) -> None:
    """R6.5."""
    sound, broken = Office(database), Office(database)
    leads = [await each.lead() for each in (sound, broken)]
    for each in (sound, broken):
        await catch_up(database, each.tenant)

    async def days(tenant_id: UUID) -> int:
        if tenant_id == broken.tenant:
            raise ValueError("no settings")
        return 30

    now = OCCURRED + 31 * DAY
    await turns_of(sweeper(sound, days, now))
    assert (await sound.flags(leads[0]), await broken.flags(leads[1])) == ([FLAGGED], [])
    ((failures, *noted),) = rows(database, broken.tenant)
    assert failures >= 1, "as often as its pause was over by its next turn"
    assert noted == ["ValueError", True, None]

    async def thirty(_: UUID) -> int:
        return 30

    with psycopg.connect(database.admin_dsn) as connection:
        pause_is_over = "UPDATE store.sweep SET not_before = '-infinity' WHERE tenant_id = %s"
        connection.execute(pause_is_over, (broken.tenant,))
    await turns_of(sweeper(sound, thirty, now))
    assert await broken.flags(leads[1]) == [FLAGGED]
    assert rows(database, broken.tenant) == [(0, None, False, None)]


async def test_turns_are_one_workers_until_its_lease_ends_and_quiet_tenants_have_none(database: Database) -> None:
    office, now = Office(database), datetime.now(UTC)
    await office.lead()
    await catch_up(database, office.tenant)
    one, other = (PostgresSweepTurns(database.appends, uuid4(), DAY, lease=timedelta(seconds=60)) for _ in range(2))
    (turn,) = [turn for turn in await one.take(now, 1000) if turn.tenant_id == office.tenant]
    assert turn.flags
    assert office.tenant not in {turn.tenant_id for turn in await other.take(now, 1000)}
    with psycopg.connect(database.admin_dsn) as connection:
        died = "UPDATE store.sweep SET leased_until = now() WHERE tenant_id = %s"
        connection.execute(died, (office.tenant,))
    assert office.tenant in {turn.tenant_id for turn in await other.take(now, 1000)}
    head = await office.store.head(office.tenant)
    quiet = Swept(position=head, due_at=now + DAY, written=0, has_flagged=False)
    await other.leave(turn, quiet, timedelta(0))
    again = PostgresSweepTurns(database.appends, uuid4(), timedelta(0))
    assert office.tenant not in {turn.tenant_id for turn in await again.take(now, 1000)}
    assert office.tenant in {turn.tenant_id for turn in await again.take(now + DAY, 1000)}
