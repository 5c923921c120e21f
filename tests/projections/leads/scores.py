"""Tenants whose leads are talked to, corrected and scored, and what they are worth by a reckoning of its own."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

from commands.ports import StreamEvents
from domain import company as companies
from domain import contact as people
from domain.company import CompanyChanged, CompanyDeleted, CompanyRegistered, CompanyRestored
from domain.contact import (
    ContactChanged,
    ContactDeleted,
    ContactMerged,
    ContactRegistered,
    ContactRestored,
    ContactUnmerged,
    Lifecycle,
    Name,
)
from domain.event import Event, evolved
from domain.interaction import Direction, InteractionChanged, InteractionLogged, Type
from domain.lead import Lead
from domain.scoring import FieldCondition, InteractionCondition, Operator, Rule, ScoringRulesSet, rules_id
from projections.contacts import contact
from projections.contacts import family as contact_family
from projections.contacts import past as contact_past
from projections.interactions import interaction
from projections.leads import lead, scoring_rules
from projections.leads import score as lead_score
from projections.timeline import timeline
from tests.conftest import Database
from tests.infra.event_store.appends import append
from tests.projections.leads.score_steps import COMPANIES, CONTACTS
from tests.projections.pipeline.pipelines import Leads, Step

ALL = tuple(
    each.PROJECTION
    for each in (lead, interaction, timeline, contact, contact_family, contact_past, scoring_rules, lead_score)
)
States = dict[UUID | None, list[Any]]


class Scores(Leads):
    """A tenant, and what is known of it without any read model."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.rules: tuple[Rule, ...] = ()
        self.talks: dict[UUID, InteractionLogged] = {}
        self.into: dict[UUID, UUID] = {}
        self.deleted: set[UUID] = set()
        self._versions: dict[UUID, int] = {}
        self._now = datetime.now(UTC)

    async def take(self, step: Step) -> None:
        """See Leads; with interactions, merges and rules."""
        kind, what, _ = step
        await self._begin()
        match kind:
            case "person":
                await self._change_person(*what)
            case "employer":
                await self._change_employer(*what)
            case "company":
                await self._change_company(*what)
            case "talk":
                await self.talk(*what)
            case "correct" if self.talks:
                await self._correct(list(self.talks)[what[0] % len(self.talks)], *what[1])
            case "merge":
                await self._merge(*what)
            case "unmerge" if CONTACTS[what] in self.into:
                gone = CONTACTS[what]
                assert gone is not None
                await self.told(gone, ContactUnmerged(into=self.into.pop(gone)))
            case "rules":
                await self.set_rules(*what)
            case "add" | "move" | "change" | "delete":
                await super().take(step)

    async def _begin(self) -> None:
        for company in COMPANIES:
            if company not in self._versions:
                await self.told(company, CompanyRegistered(name="Mill"))
        for person in CONTACTS:
            if person and person not in self._versions:
                await self.told(person, ContactRegistered(name=Name(display="Ada")))

    async def _change_person(self, number: int, lifecycle: Lifecycle | None) -> None:
        """Another lifecycle; or deleted, or back again."""
        contact = CONTACTS[number]
        if contact is None or contact in self.into or contact in self.into.values():
            return
        if lifecycle and contact not in self.deleted:
            await self.told(contact, ContactChanged(lifecycle=lifecycle))
        elif not lifecycle:
            gone = contact in self.deleted
            await self.told(contact, ContactRestored() if gone else ContactDeleted())
            self.deleted ^= {contact}

    async def _change_employer(self, number: int, company: UUID | None) -> None:
        contact = CONTACTS[number]
        if contact and contact not in self.into and contact not in self.deleted:
            await self.told(contact, ContactChanged(company_id=company))

    async def _change_company(self, company: UUID, industry: str | None, size: Any) -> None:
        """Other values; or deleted, or back again."""
        if size == "gone":
            await self.told(company, CompanyRestored() if company in self.deleted else CompanyDeleted())
            self.deleted ^= {company}
        elif company not in self.deleted:
            await self.told(company, CompanyChanged(industry=industry, size=size))

    async def talk(
        self, contact: UUID | None, lead_number: int, kind: Type, direction: Direction, days_ago: int
    ) -> UUID:
        """Log an interaction with a contact; and with a lead, where there is one of this number."""
        leads = list(self.leads)
        event = InteractionLogged(
            type=kind,
            direction=direction,
            contact_id=contact,
            lead_id=leads[lead_number] if lead_number < len(leads) else None,
            occurred_at=self._now - timedelta(days=days_ago),
        )
        talk_id = uuid4()
        self.talks[talk_id] = event
        await self.told(talk_id, event)
        return talk_id

    async def _correct(self, talk_id: UUID, contact: UUID | None, _: int, kind: Type, *__: Any) -> None:
        before = self.talks[talk_id]
        self.talks[talk_id] = InteractionLogged(
            type=kind, direction=before.direction, contact_id=contact, occurred_at=before.occurred_at
        )
        await self.told(talk_id, InteractionChanged(type=kind, contact_id=contact, lead_id=None))

    async def _merge(self, one: int, other: int) -> None:
        gone, into = CONTACTS[one], CONTACTS[other]
        if {gone, into} & self.deleted:
            return
        if gone and into and gone not in self.into and self.survivor(into) != gone and into not in self.into:
            self.into[gone] = into
            await self.told(gone, ContactMerged(into=into))

    async def set_rules(self, *rules: Rule) -> None:
        """Other rules."""
        self.rules = rules
        await self.told(rules_id(self.tenant), ScoringRulesSet(rules=rules))

    async def told(self, stream: UUID, event: Event) -> None:
        """Append an event of something that is no lead."""
        after = self._versions.get(stream, 0)
        self._versions[stream] = after + 1
        await self.store.append(append(self.tenant, StreamEvents(stream, after, (event,))))

    def survivor(self, contact: UUID | None) -> UUID | None:
        """What a contact is by now."""
        while contact in self.into:
            contact = self.into[contact]
        return contact

    async def people(self) -> States:
        """The states of the contacts and companies, oldest first."""
        found: States = {}
        for item in await self.log():
            for domain in (people, companies):
                if isinstance(item.event, domain.EVENTS):
                    known = found.setdefault(item.stream_id, [])
                    before = known[-1] if known else None
                    at = item.recorded_at
                    known.append(evolved(domain.evolve, before, item.event, item.stream_id, at, item.occurred_at))
        return found

    def worth(self, lead_id: UUID, history: Sequence[Lead], others: States, day: date) -> int:
        """What a lead is worth on a day; `history` are its states, oldest first."""
        contact = others.get(self.survivor(history[-1].contact_id), [])
        employer = contact[-1].company_id if contact and contact[-1].deleted_at is None else None
        about = {"contact": contact, "company": others.get(history[-1].company_id or employer, [])}
        times = ((rule, at) for rule in self.rules for at in self._times(rule, lead_id, history, about))
        return sum(_decayed(rule, at.date(), day) for rule, at in times)

    def _times(
        self, rule: Rule, lead_id: UUID, history: Sequence[Lead], about: Mapping[str, Sequence[Any]]
    ) -> list[datetime]:
        when, now = rule.when, history[-1]
        if isinstance(when, InteractionCondition):
            return [
                talk.occurred_at
                for talk in self.talks.values()
                if talk.occurred_at and talk.type is when.type and when.direction in {None, talk.direction}
                if talk.lead_id == lead_id
                or (talk.contact_id and self.survivor(talk.contact_id) == self.survivor(now.contact_id))
            ]
        if when.field == "contact.lifecycle":
            return _since(about["contact"], lambda state: (state.lifecycle == when.value) is (when.operator == "EQ"))
        if when.field == "company.industry":
            return _since(about["company"], lambda state: state.industry == "Paper mills")
        if when.field == "company.size":
            return _since(about["company"], lambda state: state.size in {50, "11-50", "1,000+"})
        began: Lead | None = None
        before: Lead | None = None
        at = now.updated_at
        for state in history:
            if not _holds(when, state):
                began = None
            elif began is None:
                began = state
                moved = before is None or len(before.stays) != len(state.stays)
                at = state.status_since if moved else state.updated_at
            before = state
        return [at] if began else []


def _since(states: Sequence[Any], holds: Callable[[Any], bool]) -> list[datetime]:
    since: list[datetime] = []
    for state in states:
        since = [] if state.deleted_at or not holds(state) else since or [state.updated_at]
    return since


def _holds(when: FieldCondition, state: Lead) -> bool:
    match when.field, when.operator:
        case "status", Operator.EQ:
            return state.status == when.value
        case "status", Operator.NEQ:
            return state.status != when.value
        case "source", _:
            return state.source is not None
        case "owner_id", operator:
            return (state.owner_id is not None) == (operator is Operator.HAS)
        case _:
            return state.value is not None and state.value.currency == "EUR" and float(state.value.amount) >= 5


def _decayed(rule: Rule, at: date, day: date) -> int:
    if rule.decay_days is None:
        return rule.points
    age = max(0, (day - at).days)
    left = max(Fraction(0), 1 - Fraction(age, rule.decay_days))
    rounded = int(abs(rule.points) * left + Fraction(1, 2))
    return rounded if rule.points > 0 else -rounded
