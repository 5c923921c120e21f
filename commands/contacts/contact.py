"""What becomes of what is asked of contacts: register, change, delete. Pure: state and look-ups in, events out."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from msgspec import structs

from commands import normalise
from commands.companies import company
from commands.contacts import values as contact_values
from commands.contacts.input import ChangeContact, CompanyInput, DeleteContact, RegisterContact, RestoreContact
from commands.contacts.values import COMPANY, USER
from commands.custom_fields import values as custom_values
from commands.decision import Decision, Given
from commands.normalise import Problems
from commands.ports import Claim
from domain.contact import Contact, ContactChanged, ContactDeleted, ContactRegistered, ContactRestored, Name
from domain.errors import DomainError, FieldError

ADDRESSED_BY = ("name", "emails", "phones")
"""A contact has one of them at least."""
NOTHING_LEFT = FieldError("", "contact.empty", "at least one of name, email and phone must stay")


def is_addressed(contact: Contact, field: str) -> bool:
    """Whether there is something in one of those fields."""
    return bool(contact.name.display if field == "name" else getattr(contact, field))


def lookups(command: RegisterContact | ChangeContact) -> list[tuple[str, str]]:
    """What `decide` wants to know of other records: the owner, and the company by id or name."""
    wanted = []
    if isinstance(command.owner_id, UUID):
        wanted.append((USER, str(command.owner_id)))
    match command.company:
        case CompanyInput(id=UUID() as company_id):
            wanted.append((COMPANY, str(company_id)))
        case str(name) | CompanyInput(name=str(name)) if name.strip():
            wanted.append(company.lookup(name))
    return wanted


def register(command: RegisterContact, given: Given[Contact]) -> Decision:
    """A new contact, with its company if that is new too.

    Raises:
        InvalidError: with every bad field.
    """
    problems = Problems(given.errors)
    nobody = Contact(id=given.stream_id, version=0, name=Name(), created_at=given.now, updated_at=given.now)
    patch = ChangeContact(**{k: v for k, v in structs.asdict(command).items() if v is not None})
    wanted, company_name = contact_values.wanted(patch, nobody, given, problems)
    contact = structs.replace(nobody, **wanted)
    custom_values.require_all(contact.custom, command.custom, given.custom, problems)
    if not any(is_addressed(contact, field) for field in ADDRESSED_BY) and not problems.errors:
        problems.add("", "contact.empty", "at least one of name, email and phone is needed")
    problems.raise_if_any()
    fields = {"name": contact.name, "owner_id": given.caller} | wanted
    event = ContactRegistered(**fields)
    decision = Decision(
        events=(event,),
        claims=(*_claims(given, event.external_ids.items()), *custom_values.claims(given, event.custom)),
        expects=custom_values.expected({}, event.custom, given.custom),
    )
    return _with_company(decision, company_name, given, event)


def change(command: ChangeContact, given: Given[Contact]) -> Decision:
    """The fields that get another value; nothing when none does.

    Raises:
        InvalidError: with every bad field.
    """
    before = given.state
    assert before is not None  # noqa: S101  a use case that does not create always has a state
    problems = Problems(given.errors)
    wanted, company_name = contact_values.wanted(command, before, given, problems)
    after = structs.replace(before, **wanted)
    if not any(is_addressed(after, field) for field in ADDRESSED_BY) and not problems.errors:
        problems.errors.append(NOTHING_LEFT)
    problems.raise_if_any()
    changed = {field: value for field, value in wanted.items() if value != getattr(before, field)}
    if not changed:
        return Decision()
    event = ContactChanged(**changed)
    gone = {k: v for k, v in before.external_ids.items() if after.external_ids.get(k) != v}
    new = {k: v for k, v in after.external_ids.items() if before.external_ids.get(k) != v}
    moved = custom_values.changed(before.custom, after.custom)
    decision = Decision(
        events=(event,),
        claims=(*_claims(given, new.items()), *custom_values.claims(given, _only(moved, after.custom))),
        releases=(*_claims(given, gone.items()), *custom_values.claims(given, _only(moved, before.custom))),
        expects=custom_values.expected(before.custom, after.custom, given.custom),
    )
    return _with_company(decision, company_name, given, event)


def delete(_: DeleteContact, given: Given[Contact]) -> Decision:
    """Gone from every view but history."""
    state = given.state
    assert state is not None  # noqa: S101  as above
    return Decision(
        events=(ContactDeleted(),),
        releases=claims_of(given, state),
        expects=custom_values.expected(state.custom, {}, given.custom),
    )


def restore(_: RestoreContact, given: Given[Contact]) -> Decision:
    """Back as it was, with what it holds alone; nothing when it is there.

    Values of custom fields that have become otherwise meanwhile, so that they don't fit any more, are left out.
    """
    state = given.state
    assert state is not None  # noqa: S101  as above
    if state.deleted_at is None:
        return Decision()
    custom = custom_values.fitting(state.custom, given.custom)
    left_out = () if custom == state.custom else (ContactChanged(custom=custom),)
    return Decision(
        events=(ContactRestored(), *left_out),
        claims=claims_of(given, structs.replace(state, custom=custom)),
        expects=custom_values.expected({}, state.custom, given.custom),
    )


def claim_taken(claim: Claim) -> DomainError | None:
    """The refusal when a unique value belongs to another record; None when trying again finds it."""
    if claim.kind == company.NAME_CLAIM:
        return None
    if refusal := custom_values.claim_taken(claim):
        return refusal
    system = claim.kind.partition("/")[2]
    at = normalise.pointer("/external_ids", system)
    return DomainError(
        "contact.external_ids_taken",
        f"another contact has this id of {system}",
        hint="Change that contact instead, or take the id off it first.",
        errors=(FieldError(at, "contact.external_ids_taken", "belongs to another contact"),),
    )


def claims_of(given: Given[Contact], contact: Contact) -> tuple[Claim, ...]:
    """The unique values that a contact holds while it is there: its own, and those it goes by since it was merged."""
    given = structs.replace(given, stream_id=contact.id)
    ids = (*contact.external_ids.items(), *contact.former_ids)
    return (*_claims(given, ids), *custom_values.claims(given, contact.custom))


def _claims(given: Given[Contact], ids: Iterable[tuple[str, str]]) -> tuple[Claim, ...]:
    return tuple(
        Claim(given.tenant_id, f"contact.external_id/{system}", value, given.stream_id) for system, value in ids
    )


def _only(keys: Iterable[str], values: dict[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in keys if key in values}


def _with_company(
    decision: Decision, name: str | None, given: Given[Contact], event: ContactRegistered | ContactChanged
) -> Decision:
    if name is None or not isinstance(event.company_id, UUID):
        return decision
    events, claim = company.found_or_made(given.tenant_id, event.company_id, name)
    return structs.replace(decision, before=(events,), claims=(*decision.claims, claim))
