"""Whose leads a caller may see and change, and what may come with one: contacts, companies, times of the past."""

from functools import partial
from typing import Any
from uuid import UUID

from msgspec import structs

from api.http.exchange import HttpRequest, principal_of, services_of
from api.http.reach import admission, givable, require_reach
from commands.decision import Decision, Given
from commands.handle import UseCase
from commands.identity.access import Principal, lacking
from commands.leads import lead as commands
from commands.leads.values import SLACK
from commands.sight import SEEING as SEEING_CONTACTS
from commands.visible import CONTACTS, LEADS, view_of
from domain import lead
from domain.company import CompanyRegistered
from domain.contact import ContactRegistered
from domain.custom_field import RecordKind
from domain.errors import GoneError, NotFoundError
from domain.event import Event
from domain.lead import Lead, LeadAssigned, LeadRegistered

SEEING = "leads.read"
"""The permission to see a lead."""
CONTACT = RecordKind.CONTACT
_ASSIGNING, _BACKDATING, _ADDING_CONTACTS = "leads.assign", "history.backdate", "contacts.write"


def within_reach(case: UseCase[Any, Lead], caller: Principal, permission: str) -> UseCase[Any, Lead]:
    """The same use case for a caller who may not do it to every lead, or not with all that comes with it.

    A lead that the caller can't read is missing, another is refused; none is made, or given away, to where it would be
    out of reach. A contact that the caller can't read is none.
    """

    def decide(command: Any, given: Given[Lead]) -> Decision:
        decision = case.decide(command, _asked_of(caller, given))
        for event in decision.events:
            _check(event, given, caller, permission)
        for stream in decision.before:
            for event in stream.events:
                _check(event, given, caller, permission)
        if any(at < given.now - SLACK for at in decision.times) and not caller.may(_BACKDATING):
            raise lacking(_BACKDATING)
        return decision

    admit = admission("lead", lambda found: found.owner_id, caller, SEEING, permission)
    gather = case.gather and commands.gathering(lambda contact: caller.reaches(SEEING_CONTACTS, contact.owner_id))
    if not case.creates:
        return structs.replace(case, admit=admit, decide=decide, gather=gather)
    looks_at = partial(commands.looks_at, caller.tenant_id)
    return structs.replace(case, admit=admit, decide=decide, gather=gather, looks_at=looks_at)


def _asked_of(caller: Principal, given: Given[Lead]) -> Given[Lead]:
    given = structs.replace(given, currency=caller.settings.currency)
    leads, contacts = view_of(caller, LEADS), view_of(caller, CONTACTS)
    if leads.is_free and contacts.is_free:
        return given
    customs = dict(given.customs) | {CONTACT: givable(contacts, given.customs.get(CONTACT, {}))}
    return structs.replace(given, custom=givable(leads, given.custom), customs=customs)


def _check(event: Event, given: Given[Lead], caller: Principal, permission: str) -> None:
    match event:
        case LeadRegistered(owner_id=owner_id) if not caller.reaches(permission, owner_id):
            raise lacking(permission)
        case LeadAssigned(owner_id=owner_id):
            before = given.state.owner_id if given.state else owner_id
            if not (caller.reaches(_ASSIGNING, before) and caller.reaches(_ASSIGNING, owner_id)):
                raise lacking(_ASSIGNING)
        case ContactRegistered(owner_id=owner_id) if not caller.reaches(_ADDING_CONTACTS, owner_id):
            raise lacking(_ADDING_CONTACTS)
        case CompanyRegistered() if caller.owners(_ADDING_CONTACTS) == ():
            raise lacking(_ADDING_CONTACTS)


async def require_sight(request: HttpRequest, lead_id: UUID) -> None:
    """Let nobody look into the past of a lead that they can't read now. Raises NotFoundError."""
    await require_reach(request, "lead", lead.evolve, SEEING, lead_id)


async def require_lead(request: HttpRequest, lead_id: UUID, permission: str) -> None:
    """Let nobody say something of a lead that is not there by the log, or not theirs to say it of.

    Raises:
        NotFoundError: it is not there, or not for this caller to read.
        DomainError: permission.missing.
        GoneError: it was deleted.
    """
    caller, handler = principal_of(request), services_of(request).handler
    found = await handler.state(caller.tenant_id, "lead", lead.evolve, lead_id)
    if not caller.reaches(SEEING, found.owner_id):
        raise NotFoundError("lead")
    if not caller.reaches(permission, found.owner_id):
        raise lacking(permission)
    if found.deleted_at is not None:
        raise GoneError("lead")
