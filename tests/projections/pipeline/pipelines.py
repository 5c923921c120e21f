"""Tenants whose leads go their ways, event by event, as the domain allows it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st

from commands.ports import StreamEvents
from domain import lead as domain
from domain.customer import customer_id
from domain.event import Event, Recorded, evolved
from domain.lead import (
    Lead,
    LeadAssigned,
    LeadChanged,
    LeadConversionUndone,
    LeadConverted,
    LeadDeleted,
    LeadLost,
    LeadNurtured,
    LeadQualified,
    LeadRegistered,
    LeadReopened,
)
from domain.lead_status import MOVES, Act
from domain.money import Money
from infra.event_store.store import PostgresEventStore
from tests.conftest import SECRET, Database
from tests.given import some_id
from tests.infra.event_store.appends import append

OWNERS = (some_id(1), some_id(2), None)
SOURCES = ("web", "fair", None)
VALUES = (Money("10.50", "EUR"), Money("7", "JPY"), Money("0.25", "EUR"), None)
BEGIN = datetime(2026, 1, 1, 22, tzinfo=UTC)
"""Two hours before midnight: steps of hours cross days."""

hours = st.integers(0, 30).map(lambda count: timedelta(hours=count, seconds=count * 7 % 11))
fields = st.fixed_dictionaries(
    {"owner_id": st.sampled_from(OWNERS), "source": st.sampled_from(SOURCES), "value": st.sampled_from(VALUES)}
)
steps = st.one_of(
    st.tuples(st.just("add"), fields, hours),
    st.tuples(st.just("add"), fields, hours),
    *[st.tuples(st.just("move"), st.tuples(st.integers(0, 5), st.integers(0, 3)), hours)] * 4,
    st.tuples(st.just("change"), st.tuples(st.integers(0, 5), fields), hours),
    st.tuples(st.just("delete"), st.integers(0, 5), hours),
)
Step = tuple[str, Any, timedelta]


class Leads:
    """A tenant whose log is written step by step, and what its leads are by that."""

    def __init__(self, database: Database) -> None:
        self.tenant = uuid4()
        self.store = PostgresEventStore(database.appends, database.service, SECRET)
        self.leads: dict[UUID, Lead] = {}

    async def take(self, step: Step) -> None:
        """Append what a step says, as far as there is something to do it to."""
        kind, what, later = step
        there = [lead for lead in self.leads.values() if lead.deleted_at is None]
        if kind == "add":
            await self.happened(uuid4(), BEGIN + later, LeadRegistered(title="Engine", **what))
        elif there:
            which = what if kind == "delete" else what[0]
            lead = there[which % len(there)]
            events = self._events(kind, lead, what)
            await self.happened(lead.id, lead.last_activity_at + later, *events)

    def _events(self, kind: str, lead: Lead, what: Any) -> Sequence[Event]:
        if kind == "delete":
            return (LeadDeleted(),)
        if kind == "change":
            wanted = dict(what[1])
            owner_id = wanted.pop("owner_id")
            return (LeadChanged(**wanted), LeadAssigned(owner_id=owner_id))
        acts = [act for act, to in MOVES[lead.status].items() if to is not lead.status]
        return (self._moved(lead, acts[what[1] % len(acts)]),)

    def _moved(self, lead: Lead, act: Act) -> Event:
        becomes = customer_id(self.tenant, company_id=None, contact_id=None, lead_id=lead.id)
        match act:
            case Act.QUALIFY:
                return LeadQualified()
            case Act.NURTURE:
                return LeadNurtured()
            case Act.LOSE:
                return LeadLost(reason="price")
            case Act.REOPEN:
                return LeadReopened()
            case Act.CONVERT:
                return LeadConverted(customer_id=becomes)
            case Act.UNDO_CONVERT:
                return LeadConversionUndone(customer_id=becomes)

    async def happened(self, lead_id: UUID, at: datetime, *events: Event) -> None:
        """Append events of one lead, all of one time."""
        lead = self.leads.get(lead_id)
        after = lead.version if lead else 0
        for event in events:
            lead = evolved(domain.evolve, lead, event, lead_id, at, at)
        if lead is not None:
            self.leads[lead_id] = lead
        told = StreamEvents(lead_id, after, tuple(events), (at,) * len(events))
        await self.store.append(append(self.tenant, told))

    async def log(self) -> Sequence[Recorded[Event]]:
        """All of it."""
        return await self.store.read(self.tenant, after=0, limit=10_000)


def folded(log: Sequence[Recorded[Event]], position: int | None = None) -> list[Lead]:
    """The leads that were there at a position, by the log alone."""
    leads: dict[UUID, Lead] = {}
    for item in log:
        if position is None or item.position <= position:
            leads[item.stream_id] = evolved(
                domain.evolve, leads.get(item.stream_id), item.event, item.stream_id, item.recorded_at, item.occurred_at
            )
    return [lead for lead in leads.values() if lead.deleted_at is None]
