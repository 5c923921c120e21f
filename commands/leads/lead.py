"""What becomes of what is asked of leads: register, change, assign, delete. Pure: state and look-ups in, events out."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from msgspec import structs

from commands import normalise
from commands.companies import company
from commands.contacts import contact
from commands.contacts.input import CompanyInput, RegisterContact
from commands.contacts.values import COMPANY, USER
from commands.custom_fields import values as custom_values
from commands.decision import Decision, Given
from commands.leads.input import AssignLead, ChangeLead, DeleteLead, MoveLead, RegisterLead
from commands.leads.moves import Course, assigned, leave, moves, others_than
from commands.leads.values import MOST, Known, below, owner, time, wanted
from commands.look import Look, Looked
from commands.normalise import Problems
from commands.ports import Claim, StreamEvents
from domain import contact as contacts
from domain import customer as customers
from domain.contact import Contact
from domain.customer import Customer, customer_id
from domain.errors import DomainError, FieldError, InvalidError
from domain.lead import Lead, LeadChanged, LeadDeleted, LeadRegistered

Gather = Callable[[Any, Lead | None, Look], Awaitable[Known]]
_CLAIM = "lead.external_id/"
_OF_CONTACT = "contact.external_id/"


def lookups(command: RegisterLead | ChangeLead | AssignLead | MoveLead) -> list[tuple[str, str]]:
    """What deciding wants to know of other records: owners, and companies by id or name."""
    asked: list[tuple[str, str]] = []
    if isinstance(owner_id := getattr(command, "owner_id", None), UUID):
        asked.append((USER, str(owner_id)))
    if isinstance(company_id := getattr(command, "company_id", None), UUID):
        asked.append((COMPANY, str(company_id)))
    match getattr(command, "company", None):
        case CompanyInput(id=UUID() as company_id):
            asked.append((COMPANY, str(company_id)))
        case str(name) | CompanyInput(name=str(name)) if name.strip():
            asked.append(company.lookup(name))
    if isinstance(inline := getattr(command, "contact", None), RegisterContact):
        asked += contact.lookups(inline) + _of_contact(inline)
    return asked


def _of_contact(inline: RegisterContact) -> list[tuple[str, str]]:
    """The claims under which a contact with its external ids would be found."""
    ids = normalise.external_ids(inline.external_ids or {}, "", Problems())
    return [(f"{_OF_CONTACT}{system}", value) for system, value in ids.items() if value]


def looks_at(tenant_id: UUID, command: RegisterLead | ChangeLead) -> list[Looked]:
    """What gathering looks at, as far as a command names it by id."""
    found: list[Looked] = []
    company_id, contact_id = command.company_id, command.contact_id
    if isinstance(contact_id, UUID):
        found.append(("contact", contacts.evolve, contact_id))
    if not getattr(command, "moves", None):
        return found
    if isinstance(company_id, UUID):
        becomes = customer_id(tenant_id, company_id=company_id, contact_id=None, lead_id=company_id)
        found.append(("customer", customers.evolve, becomes))
    if isinstance(contact_id, UUID):
        becomes = customer_id(tenant_id, company_id=None, contact_id=contact_id, lead_id=contact_id)
        found.append(("customer", customers.evolve, becomes))
    return found


def gathering(sees: Callable[[Contact], bool] = lambda _: True) -> Gather:
    """What finds the contact that is asked for, if the caller sees it, and the customers that could be meant."""

    async def gather(command: Any, lead: Lead | None, look: Look) -> Known:
        named = getattr(command, "contact_id", None) or await _named(command, look)
        known = await look.state("contact", contacts.evolve, named) if isinstance(named, UUID) else None
        if known and (known.deleted_at is not None or not sees(known)):
            known = None
        if lead is None and not getattr(command, "moves", None):
            return Known(contact=known)
        if lead and lead.contact_id and known is None and isinstance(command, MoveLead):
            known = await _survivor(lead.contact_id, look)
        return Known(contact=known, customers=await _customers(command, lead, known, look))

    return gather


async def _survivor(contact_id: UUID, look: Look) -> Contact | None:
    """A contact, or the one that it has been merged into by now."""
    known: Contact | None = await look.state("contact", contacts.evolve, contact_id)
    while known and known.merged_into:
        known = await look.state("contact", contacts.evolve, known.merged_into)
    return known


async def _named(command: Any, look: Look) -> UUID | None:
    """The contact that has one of the external ids of the contact that comes with a lead."""
    inline = getattr(command, "contact", None)
    for claim in _of_contact(inline) if isinstance(inline, RegisterContact) else ():
        if found := await look.find(*claim):
            return found
    return None


async def _customers(command: Any, lead: Lead | None, known: Contact | None, look: Look) -> dict[UUID, Customer]:
    company_ids = {getattr(lead, "company_id", None), getattr(command, "company_id", None)}
    company_ids.add(known.company_id if known else None)
    for kind, value in lookups(command):
        if kind == company.NAME_CLAIM:
            company_ids.add(await look.find(kind, value))
        elif kind == COMPANY:
            company_ids.add(UUID(value))
    ids = {customer_id(look.tenant_id, company_id=each, contact_id=None, lead_id=each) for each in company_ids if each}
    for contact_id in (getattr(lead, "contact_id", None), known.id if known else None):
        if contact_id:
            ids.add(customer_id(look.tenant_id, company_id=None, contact_id=contact_id, lead_id=contact_id))
    if lead:
        ids.add(customer_id(look.tenant_id, company_id=None, contact_id=None, lead_id=lead.id))
        ids |= {lead.customer_id} if lead.customer_id else set()
    states = [await look.state("customer", customers.evolve, each) for each in sorted(ids)]
    return {each.id: each for each in states if each}


def register(command: RegisterLead, given: Given[Lead]) -> Decision:
    """A new lead, with its contact and company if those are new too, and the moves that it has made already.

    Raises:
        InvalidError: with every bad field.
        DomainError: lead.move_not_allowed.
    """
    course, problems = Course(given), Problems(given.errors)
    at = time(command.occurred_at, given, problems, "/occurred_at")
    nobody = Lead(
        id=given.stream_id, version=0, title="", status_since=at, stays=(), occurred_at=at, last_activity_at=at,
        created_at=given.now, updated_at=given.now,
    )  # fmt: skip
    patch = _patch(command)
    owner_id = command.owner_id or given.caller
    contact_id, given = _contact(command, owner_id, course, given, problems)
    values, company_name = wanted(patch, nobody, given, problems)
    custom = values.get("custom", {})
    custom_values.require_all(custom, command.custom, given.custom, problems)
    if len(command.moves or ()) > MOST:
        problems.add("/moves", "list.too_long", f"more than {MOST} of them are not allowed")
    if problems.errors:
        _check_moves(command, course, nobody, problems)
    problems.raise_if_any()
    values = {"owner_id": owner_id} | values | ({"contact_id": contact_id} if contact_id else {})
    course.company_made(values.get("company_id"), company_name)
    course.claims += (*_claims(given, values.get("external_ids", {})), *custom_values.claims(given, custom))
    course.expects += custom_values.expected({}, custom, given.custom)
    course.happened(LeadRegistered(**values), at)
    moves(list(command.moves or ()), course, problems)
    problems.raise_if_any()
    return course.decision()


def _patch(command: RegisterLead) -> ChangeLead:
    given = {name: getattr(command, name) for name in ChangeLead.__struct_fields__}
    return ChangeLead(**{name: value for name, value in given.items() if value is not None})


def _check_moves(command: RegisterLead, course: Course, nobody: Lead, problems: Problems) -> None:
    """Name what is wrong with the moves too, where the lead itself is refused."""
    course.lead = nobody
    moves(list(command.moves or ()), course, problems)


def _contact(
    command: RegisterLead, owner_id: UUID | None, course: Course, given: Given[Lead], problems: Problems
) -> tuple[UUID | None, Given[Lead]]:
    """The contact that comes with a lead: the one that is there, or made; what is known then has its company too."""
    inline, known = command.contact, course.contact
    if inline is None:
        return None, given
    if command.contact_id is not None:
        problems.add("/contact", "field.ambiguous", "send contact or contact_id, not both")
        return None, given
    if known is not None:
        return known.id, given
    about: Given[Contact] = Given(
        tenant_id=given.tenant_id, stream_id=given.new_id(), state=None, now=given.now, new_id=given.new_id,
        caller=owner_id, found=given.found, custom=given.customs.get("contact", {}),
    )  # fmt: skip
    try:
        decided = contact.register(inline, about)
    except InvalidError as error:
        problems.errors += below("/contact", error.errors)
        return None, given
    course.before += (*decided.before, StreamEvents(about.stream_id, 0, decided.events))
    course.claims += decided.claims
    course.expects += decided.expects
    for event in decided.events:
        course.contact = contacts.evolve(course.contact, event, stream_id=about.stream_id, at=given.now)
    made = {(claim.kind, claim.value): claim.stream_id for claim in decided.claims if claim.kind == company.NAME_CLAIM}
    return about.stream_id, structs.replace(given, found=given.found | made)


def change(command: ChangeLead, given: Given[Lead]) -> Decision:
    """The fields that get another value; nothing when none does.

    Raises:
        InvalidError: with every bad field.
    """
    course, problems = Course(given), Problems(given.errors)
    before = course.state
    values, company_name = wanted(command, before, given, problems)
    problems.raise_if_any()
    changed = others_than(before, {name: value for name, value in values.items() if name != "owner_id"})
    releases: tuple[Claim, ...] = ()
    if changed:
        course.company_made(values.get("company_id"), company_name)
        after = structs.replace(before, **changed)
        held, kept = _held(given, before), _held(given, after)
        course.claims += tuple(claim for claim in kept if claim not in held)
        releases = tuple(claim for claim in held if claim not in kept)
        course.expects += custom_values.expected(before.custom, after.custom, given.custom)
        course.happened(LeadChanged(**changed))
    if "owner_id" in values:
        assigned(before, values["owner_id"], course)
    return course.decision(releases=releases)


def assign(command: AssignLead, given: Given[Lead]) -> Decision:
    """Another owner; nothing when it is the same.

    Raises:
        InvalidError: that is no user.
    """
    course, problems = Course(given), Problems(given.errors)
    owner_id = owner(command.owner_id, given, problems)
    problems.raise_if_any()
    assigned(course.state, owner_id, course)
    return course.decision()


def delete(_: DeleteLead, given: Given[Lead]) -> Decision:
    """Gone from every view but history, and from its customer."""
    course = Course(given)
    before = course.state
    leave(course, given.now)
    course.happened(LeadDeleted())
    course.expects += custom_values.expected(before.custom, {}, given.custom)
    return course.decision(releases=_held(given, before))


def claim_taken(claim: Claim) -> DomainError | None:
    """The refusal when a unique value belongs to another record; None when trying again finds it."""
    if claim.kind.startswith("lead.custom/"):
        return custom_values.claim_taken(claim)
    if not claim.kind.startswith(_CLAIM):
        if (refusal := contact.claim_taken(claim)) is None:
            return None
        return DomainError(
            refusal.code, refusal.detail, hint=refusal.hint, errors=below("/contact", tuple(refusal.errors))
        )
    system = claim.kind.removeprefix(_CLAIM)
    at = normalise.pointer("/external_ids", system)
    return DomainError(
        "lead.external_ids_taken",
        f"another lead has this id of {system}",
        hint="Change that lead instead, or take the id off it first.",
        errors=(FieldError(at, "lead.external_ids_taken", "belongs to another lead"),),
    )


def _held(given: Given[Lead], lead: Lead) -> tuple[Claim, ...]:
    """All that a lead holds alone."""
    return (*_claims(given, lead.external_ids), *custom_values.claims(given, lead.custom))


def _claims(given: Given[Lead], ids: dict[str, str]) -> tuple[Claim, ...]:
    return tuple(Claim(given.tenant_id, f"{_CLAIM}{system}", value, given.stream_id) for system, value in ids.items())
