"""Moves of leads, and the customers that they become. Pure: what one request asks for may be several steps."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from commands import normalise
from commands.companies import company
from commands.decision import Decision, Given
from commands.leads.input import DatedMove, MoveLead
from commands.leads.values import Known, employer, time
from commands.normalise import Problems
from commands.ports import Claim, Expected, StreamEvents
from domain import customer as customers
from domain import lead as leads
from domain.customer import Customer, CustomerLeadAdded, CustomerLeadRemoved, CustomerRegistered, customer_id
from domain.errors import DomainError
from domain.event import Event
from domain.lead import Lead, LeadConversionUndone, LeadConverted, LeadLost, LeadNurtured, LeadQualified
from domain.lead import LeadReopened as Reopened
from domain.lead_status import MOVES, Act

_PLAIN: dict[Act, type[LeadQualified | LeadNurtured | LeadLost | Reopened]] = {
    Act.QUALIFY: LeadQualified,
    Act.NURTURE: LeadNurtured,
    Act.LOSE: LeadLost,
    Act.REOPEN: Reopened,
}


class Course:
    """What happens to a lead in one request, step by step: its events, and those of the customers it is about."""

    def __init__(self, given: Given[Lead]) -> None:
        self.given = given
        self.lead = given.state
        self.claims: tuple[Claim, ...] = ()
        self.before: tuple[StreamEvents, ...] = ()
        self.expects: tuple[Expected, ...] = ()
        known: Known = given.known
        self.contact = known.contact
        self._customers: dict[UUID, Customer | None] = dict(known.customers)
        self._versions = {each.id: each.version for each in known.customers.values()}
        self._own: list[tuple[Event, datetime]] = []
        self._others: dict[UUID, list[tuple[Event, datetime]]] = {}

    @property
    def state(self) -> Lead:
        """The lead as it is by now, which has to be there."""
        if self.lead is None:
            raise RuntimeError("a lead is registered before anything else happens to it")
        return self.lead

    def happened(self, event: Event, at: datetime | None = None) -> None:
        """Something happened to the lead, now unless told otherwise."""
        then, given = at or self.given.now, self.given
        self.lead = leads.evolve(self.lead, event, stream_id=given.stream_id, at=given.now, occurred_at=then)
        self._own.append((event, then))

    def happened_to(self, customer: UUID, event: Event, at: datetime) -> None:
        """Something happened to a customer."""
        before = self._customers.get(customer)
        self._customers[customer] = customers.evolve(
            before, event, stream_id=customer, at=self.given.now, occurred_at=at
        )
        self._others.setdefault(customer, []).append((event, at))

    def customer(self, customer: UUID) -> Customer | None:
        """A customer as it is by now."""
        return self._customers.get(customer)

    def company_made(self, company_id: UUID | None, name: str | None) -> None:
        """A company is made with it, when there is a name."""
        if name is not None and company_id is not None:
            events, claim = company.found_or_made(self.given.tenant_id, company_id, name)
            self.before, self.claims = (*self.before, events), (*self.claims, claim)

    def decision(self, *, releases: tuple[Claim, ...] = ()) -> Decision:
        """All of it."""
        own = _stream(self.given.stream_id, 0, self._own, self.given.now)
        related = (
            _stream(each, self._versions.get(each, 0), steps, self.given.now) for each, steps in self._others.items()
        )
        return Decision(
            events=own.events,
            times=own.times,
            before=self.before,
            related=tuple(related),
            claims=self.claims,
            releases=releases,
            expects=self.expects,
        )


def _stream(stream_id: UUID, after: int, steps: list[tuple[Event, datetime]], now: datetime) -> StreamEvents:
    times = tuple(at for _, at in steps)
    dated = any(at != now for at in times)
    return StreamEvents(stream_id, after, tuple(event for event, _ in steps), times if dated else ())


class _Step(Struct, frozen=True):
    """One move as it is wanted: checked, but for whether it is allowed."""

    act: Act
    reason: str | None
    at: datetime
    company_id: UUID | None = None
    company_name: str | None = None


def move(command: MoveLead, given: Given[Lead]) -> Decision:
    """What a move makes of a lead; nothing where it is there already.

    Raises:
        InvalidError: with every bad field.
        DomainError: lead.move_not_allowed, with the acts that are.
    """
    course, problems = Course(given), Problems(given.errors)
    step = _step(command, course, problems, "")
    problems.raise_if_any()
    take(course, step)
    return course.decision()


def moves(asked: list[DatedMove | None], course: Course, problems: Problems) -> None:
    """Several moves, one after the other.

    Raises:
        DomainError: lead.move_not_allowed.
    """
    for number, each in enumerate(asked):
        if each is None:  # could not be read, and is in the problems already
            continue
        command = MoveLead(act=each.act, reason=each.reason, occurred_at=each.occurred_at)
        step = _step(command, course, problems, f"/moves/{number}")
        if not problems.errors:
            take(course, step)


def _step(command: MoveLead, course: Course, problems: Problems, base: str) -> _Step:
    reason = normalise.line(command.reason or "", f"{base}/reason", problems, longest=1000)
    if command.act is Act.LOSE and reason is None:
        problems.add(f"{base}/reason", "field.required", "is missing: say why it was lost")
    at = time(command.occurred_at, course.given, problems, f"{base}/occurred_at", earliest=course.state.status_since)
    company_id, name = (None, None)
    if command.act is Act.CONVERT:
        company_id, name = employer(command.company, course.given, problems)
        if company_id and course.state.company_id not in {None, company_id}:
            problems.add(f"{base}/company", "lead.has_company", "is not the one that the lead has already")
    return _Step(command.act, reason, at, company_id, name)


def take(course: Course, step: _Step) -> None:
    """One step of the course.

    Raises:
        DomainError: lead.move_not_allowed.
    """
    lead = course.state
    acts = MOVES[lead.status]
    if step.act not in acts:
        raise _not_allowed(lead, step.act)
    if acts[step.act] is lead.status:
        return
    if step.act is Act.CONVERT:
        _convert(course, step)
    elif step.act is Act.UNDO_CONVERT:
        _undo(course, step)
    else:
        course.happened(_PLAIN[step.act](reason=step.reason), step.at)


def _convert(course: Course, step: _Step) -> None:
    lead = course.state
    of_contact = course.contact.company_id if course.contact else None
    lent = None if lead.company_id else step.company_id or of_contact
    company_id = lead.company_id or lent
    tenant_id = course.given.tenant_id
    # Of a contact that was merged, whoever it is by now becomes the customer.
    contact_id = course.contact.id if course.contact else lead.contact_id
    becomes = customer_id(tenant_id, company_id=company_id, contact_id=contact_id, lead_id=lead.id)
    course.company_made(step.company_id, step.company_name)
    event: Event = CustomerLeadAdded(lead_id=lead.id)
    if course.customer(becomes) is None:
        event = CustomerRegistered(
            lead_id=lead.id, company_id=company_id, contact_id=None if company_id else contact_id
        )
    course.happened_to(becomes, event, step.at)
    course.happened(LeadConverted(customer_id=becomes, company_id=lent, reason=step.reason), step.at)


def _undo(course: Course, step: _Step) -> None:
    if customer := course.state.customer_id:
        leave(course, step.at)
        course.happened(LeadConversionUndone(customer_id=customer, reason=step.reason), step.at)


def leave(course: Course, at: datetime) -> None:
    """The lead is its customer's no more."""
    lead = course.state
    if lead.customer_id and course.customer(lead.customer_id):
        course.happened_to(lead.customer_id, CustomerLeadRemoved(lead_id=lead.id), at)


def _not_allowed(lead: Lead, act: Act) -> DomainError:
    allowed = lead.acts
    return DomainError(
        "lead.move_not_allowed",
        f"{act.value} is no move of a lead that is {lead.status.value}",
        hint=f"What is possible now: {', '.join(allowed)}.",
        members={"allowed": allowed},
    )


def assigned(lead: Lead, owner_id: UUID | None, course: Course) -> None:
    """Another owner, if it is another."""
    if owner_id != lead.owner_id:
        course.happened(leads.LeadAssigned(owner_id=owner_id))


def others_than(lead: Lead, values: dict[str, Any]) -> dict[str, Any]:
    """The values that are others than the lead has."""
    return {name: value for name, value in values.items() if value != getattr(lead, name)}
