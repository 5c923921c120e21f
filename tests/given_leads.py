"""Given these events of a lead, when that is asked, then this happens: without a store, a clock or a server."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

import msgspec

from commands.decision import Decision, Given
from commands.leads import lead as commands
from commands.leads import moves as lead_moves
from commands.leads.input import AssignLead, ChangeLead, DeleteLead, MoveLead, RegisterLead
from commands.leads.values import Known
from domain import lead as domain
from domain.contact import Contact, Name
from domain.customer import Customer, customer_id
from domain.errors import DomainError
from domain.event import Event
from domain.lead import Lead, LeadConverted, LeadRegistered
from domain.lead_status import Act
from tests.given import CALLER, START, TENANT, some_id

LEAD = UUID("019b0000-0000-7000-8000-000000000007")
BUYER = customer_id(TENANT, company_id=None, contact_id=None, lead_id=LEAD)
"""The customer that a lead becomes which has neither contact nor company."""

HOUR = timedelta(hours=1)


def register(**members: Any) -> RegisterLead:
    """A registration as a client would send it."""
    return msgspec.convert({"title": "Engine", **members}, RegisterLead)


def change(**members: Any) -> ChangeLead:
    """A merge patch as a client would send it."""
    return msgspec.convert(members, ChangeLead)


def do(act: str, **members: Any) -> MoveLead:
    """A move."""
    return MoveLead(act=Act(act), **members)


def registered(title: str = "Engine", **fields: Any) -> LeadRegistered:
    """The event that starts a lead."""
    members: dict[str, Any] = {"owner_id": CALLER} | fields
    return LeadRegistered(title=title, **members)


def converted(**fields: Any) -> LeadConverted:
    """The event that makes it a customer of its own."""
    return LeadConverted(**{"customer_id": BUYER, **fields})


def buyer(*lead_ids: UUID, id: UUID = BUYER, **fields: Any) -> Customer:  # noqa: A002  named as the field
    """A customer that is there."""
    gone = None if lead_ids else START
    return Customer(
        id=id, version=len(lead_ids) or 2, lead_ids=lead_ids, since=START, created_at=START, updated_at=START,
        deleted_at=gone, **fields,
    )  # fmt: skip


def contact(contact_id: UUID, **fields: Any) -> Contact:
    """A contact that is there."""
    return Contact(id=contact_id, version=1, name=Name(), created_at=START, updated_at=START, **fields)


class Story:
    """What is known before something is asked: events an hour apart, from START on."""

    def __init__(self, events: tuple[Event, ...]) -> None:
        self._events = events
        self._found: dict[tuple[str, str], UUID] = {}
        self._known = Known()

    @property
    def state(self) -> Lead | None:
        """The events, folded."""
        state = None
        for hours, event in enumerate(self._events):
            at = START + hours * HOUR
            state = domain.evolve(state, event, stream_id=LEAD, at=at, occurred_at=at)
        return state

    def found(self, kind: str, value: object, held_by: UUID) -> Self:
        """A look-up that has an answer."""
        self._found[kind, str(value)] = held_by
        return self

    def known(self, *customers: Customer, contact: Contact | None = None) -> Self:
        """States that were gathered."""
        self._known = Known(contact=contact, customers={each.id: each for each in customers})
        return self

    def when(self, command: Any) -> "Told":
        """Ask, a day after START."""
        ids: Iterator[UUID] = map(some_id, range(1, 100))
        given: Given[Lead] = Given(
            tenant_id=TENANT, stream_id=LEAD, state=self.state, now=START + 24 * HOUR, new_id=lambda: next(ids),
            caller=CALLER, found=self._found, known=self._known,
        )  # fmt: skip
        try:
            return Told(_decide(command, given), None)
        except DomainError as refusal:
            return Told(None, refusal)


class Told:
    """What came of it."""

    def __init__(self, decision: Decision | None, refusal: DomainError | None) -> None:
        self._decision = decision
        self.refusal = refusal

    @property
    def decision(self) -> Decision:
        """What was decided, which must not be a refusal."""
        assert self._decision is not None, f"was refused: {self.refusal} {self.refusal and self.refusal.errors}"
        return self._decision

    def then(self, *events: Event) -> Self:
        """These events, and no others, of the lead itself."""
        assert self.decision.events == events
        return self

    def of_others(self, *streams: tuple[UUID, int, tuple[Event, ...]]) -> Self:
        """These events of other streams, each after a version, those before the lead's first."""
        others = (*self.decision.before, *self.decision.related)
        assert tuple((each.stream_id, each.after, each.events) for each in others) == streams
        return self

    def then_refused(self, code: str, **errors: str) -> DomainError:
        """A refusal with this code and these bad fields: member to code."""
        assert self.refusal is not None, f"was not refused: {self._decision}"
        assert self.refusal.code == code
        found = {error.pointer.removeprefix("/").replace("/", "__"): error.code for error in self.refusal.errors}
        assert found == errors
        return self.refusal


def given(*events: Event) -> Story:
    """What has happened to the lead so far; nothing when it is not there yet."""
    return Story(events)


def _decide(command: Any, known: Given[Lead]) -> Decision:
    match command:
        case RegisterLead():
            return commands.register(command, known)
        case ChangeLead():
            return commands.change(command, known)
        case AssignLead():
            return commands.assign(command, known)
        case MoveLead():
            return lead_moves.move(command, known)
        case DeleteLead():
            return commands.delete(command, known)
        case _:
            raise TypeError(command)
