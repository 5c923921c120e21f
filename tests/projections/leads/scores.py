"""Tenants whose leads are talked to, corrected and scored, and what they are worth by a reckoning of its own."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st

from commands.ports import StreamEvents
from domain import contact as people
from domain.contact import (
    Contact,
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
from domain.lead import Lead, Status
from domain.money import Money
from domain.scoring import FieldCondition, InteractionCondition, Operator, Rule, ScoringRulesSet, rules_id
from projections.contacts import family as contact_family
from projections.contacts import past as contact_past
from projections.interactions import interaction
from projections.leads import lead, scoring_rules
from projections.leads import score as lead_score
from projections.timeline import timeline
from tests.conftest import Database
from tests.given import some_id
from tests.infra.event_store.appends import append
from tests.projections.pipeline.pipelines import OWNERS, SOURCES, VALUES, Leads, Step

ALL = tuple(
    each.PROJECTION for each in (lead, interaction, timeline, contact_family, contact_past, scoring_rules, lead_score)
)
CONTACTS = (some_id(11), some_id(12), some_id(13), None)
TYPES = (Type.EMAIL, Type.CALL, Type.TASK)

hours = st.integers(0, 30).map(lambda count: timedelta(hours=count))
fields = st.fixed_dictionaries(
    {
        "owner_id": st.sampled_from(OWNERS),
        "source": st.sampled_from(SOURCES),
        "value": st.sampled_from(VALUES),
        "contact_id": st.sampled_from(CONTACTS),
    }
)
talks = st.tuples(
    st.sampled_from(CONTACTS),
    st.integers(0, 5),
    st.sampled_from(TYPES),
    st.sampled_from(Direction),
    st.integers(-2, 40),
)
conditions = st.one_of(
    st.builds(InteractionCondition, st.sampled_from(TYPES), st.sampled_from([None, *Direction])),
    st.builds(
        FieldCondition,
        st.just("status"),
        st.sampled_from([Operator.EQ, Operator.NEQ]),
        st.sampled_from(Status).map(str),
    ),
    st.builds(FieldCondition, st.just("source"), st.just(Operator.IN), st.just(("WEB", "fair"))),
    st.builds(
        FieldCondition,
        st.just("contact.lifecycle"),
        st.sampled_from([Operator.EQ, Operator.NEQ]),
        st.sampled_from(Lifecycle).map(str),
    ),
    st.builds(FieldCondition, st.just("owner_id"), st.sampled_from([Operator.HAS, Operator.NOT_HAS])),
    st.builds(FieldCondition, st.just("value"), st.just(Operator.GTE), st.just(Money("5", "EUR"))),
)
decays = st.sampled_from([None, None, 3, 30])
rules = st.lists(st.tuples(conditions, st.sampled_from([-7, 5, 10]), decays), max_size=4).map(
    lambda found: tuple(
        Rule(id=some_id(50 + n), label=f"Rule {n}", when=when, points=points, decay_days=days)
        for n, (when, points, days) in enumerate(found)
    )
)
steps = st.one_of(
    *[st.tuples(st.just("add"), fields, hours)] * 3,
    st.tuples(st.just("move"), st.tuples(st.integers(0, 5), st.integers(0, 3)), hours),
    st.tuples(st.just("change"), st.tuples(st.integers(0, 5), fields), hours),
    st.tuples(st.just("delete"), st.integers(0, 5), hours),
    *[st.tuples(st.just("talk"), talks, hours)] * 4,
    st.tuples(st.just("correct"), st.tuples(st.integers(0, 9), talks), hours),
    st.tuples(st.just("merge"), st.tuples(st.integers(0, 2), st.integers(0, 2)), hours),
    st.tuples(st.just("unmerge"), st.integers(0, 2), hours),
    *[st.tuples(st.just("person"), st.tuples(st.integers(0, 2), st.sampled_from([None, *Lifecycle])), hours)] * 2,
    *[st.tuples(st.just("rules"), rules, hours)] * 2,
)


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
        for contact in CONTACTS:
            if contact and contact not in self._versions:
                await self.told(contact, ContactRegistered(name=Name(display="Ada")))

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

    async def people(self) -> dict[UUID | None, list[Contact]]:
        """The states of the contacts, oldest first."""
        found: dict[UUID | None, list[Contact]] = {}
        for item in await self.log():
            if isinstance(item.event, people.EVENTS):
                known = found.setdefault(item.stream_id, [])
                before = known[-1] if known else None
                at = item.recorded_at
                known.append(evolved(people.evolve, before, item.event, item.stream_id, at, item.occurred_at))
        return found

    def worth(
        self, lead_id: UUID, history: Sequence[Lead], contacts: Mapping[UUID | None, Sequence[Contact]], day: date
    ) -> int:
        """What a lead is worth on a day; `history` are its states, oldest first."""
        contact = contacts.get(self.survivor(history[-1].contact_id), ())
        times = ((rule, at) for rule in self.rules for at in self._times(rule, lead_id, history, contact))
        return sum(_decayed(rule, at.date(), day) for rule, at in times)

    def _times(self, rule: Rule, lead_id: UUID, history: Sequence[Lead], contact: Sequence[Contact]) -> list[datetime]:
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
            return _since(when, contact)
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


def _since(when: FieldCondition, contact: Sequence[Contact]) -> list[datetime]:
    since: list[datetime] = []
    for state in contact:
        if state.deleted_at or (state.lifecycle == when.value) != (when.operator is Operator.EQ):
            since = []
        else:
            since = since or [state.updated_at]
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
