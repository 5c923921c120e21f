"""What can be asked of contacts: register, change, delete. Pure: state and look-ups in, events out."""

from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, structs

from commands import company, normalise
from commands.decision import Decision, Given
from commands.normalise import Problems
from commands.ports import Claim
from domain.contact import (
    Contact,
    ContactChanged,
    ContactDeleted,
    ContactRegistered,
    Email,
    Lifecycle,
    Name,
    Phone,
)
from domain.errors import DomainError, FieldError

USER = "user"
COMPANY = "company"
"""Kinds of look-ups by id, beside those by a claim's kind."""

_MOST = 50


class NameInput(Struct, forbid_unknown_fields=True):
    """A name in parts; without a display form, given and family make one."""

    given: str | UnsetType | None = UNSET
    family: str | UnsetType | None = UNSET
    display: str | UnsetType | None = UNSET


class AddressInput(Struct, forbid_unknown_fields=True):
    """An e-mail or phone; `kind` is a word like work, home or mobile."""

    value: str
    kind: str = "work"
    primary: bool = False


class CompanyInput(Struct, forbid_unknown_fields=True):
    """A company by id, or by name: found or made."""

    id: UUID | None = None
    name: str | None = None


class RegisterContact(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new contact. At least one of name, email(s) and phone(s) is needed."""

    name: str | NameInput | None = None
    email: str | None = None
    emails: list[AddressInput] | None = None
    phone: str | None = None
    phones: list[AddressInput] | None = None
    company: str | CompanyInput | None = None
    title: str | None = None
    tags: list[str] | None = None
    owner_id: UUID | None = None
    custom: dict[str, Any] | None = None
    external_ids: dict[str, str | None] | None = None
    lifecycle: Lifecycle | None = None


class ChangeContact(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch (RFC 7396): absent members stay, null clears, objects merge, lists replace."""

    name: str | NameInput | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    emails: list[AddressInput] | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET
    phones: list[AddressInput] | UnsetType | None = UNSET
    company: str | CompanyInput | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    tags: list[str] | UnsetType | None = UNSET
    owner_id: UUID | UnsetType | None = UNSET
    custom: dict[str, Any] | UnsetType | None = UNSET
    external_ids: dict[str, str | None] | UnsetType | None = UNSET
    lifecycle: Lifecycle | UnsetType | None = UNSET


class DeleteContact(Struct):
    """Delete a contact; what it held alone is free again."""


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
    wanted, company_name = _wanted(patch, nobody, given, problems)
    contact = structs.replace(nobody, **wanted)
    if not (contact.name.display or contact.emails or contact.phones) and not problems.errors:
        problems.add("", "contact.empty", "at least one of name, email and phone is needed")
    problems.raise_if_any()
    fields = {"name": contact.name, "owner_id": given.caller} | wanted
    event = ContactRegistered(**fields)
    return _with_company(
        Decision(events=(event,), claims=_claims(given, event.external_ids)), company_name, given, event
    )


def change(command: ChangeContact, given: Given[Contact]) -> Decision:
    """The fields that get another value; nothing when none does.

    Raises:
        InvalidError: with every bad field.
    """
    before = given.state
    assert before is not None  # noqa: S101  a use case that does not create always has a state
    problems = Problems(given.errors)
    wanted, company_name = _wanted(command, before, given, problems)
    after = structs.replace(before, **wanted)
    if not (after.name.display or after.emails or after.phones) and not problems.errors:
        problems.add("", "contact.empty", "at least one of name, email and phone must stay")
    problems.raise_if_any()
    changed = {field: value for field, value in wanted.items() if value != getattr(before, field)}
    if not changed:
        return Decision()
    event = ContactChanged(**changed)
    gone = {k: v for k, v in before.external_ids.items() if after.external_ids.get(k) != v}
    new = {k: v for k, v in after.external_ids.items() if before.external_ids.get(k) != v}
    decision = Decision(events=(event,), claims=_claims(given, new), releases=_claims(given, gone))
    return _with_company(decision, company_name, given, event)


def delete(_: DeleteContact, given: Given[Contact]) -> Decision:
    """Gone from every view but history."""
    assert given.state is not None  # noqa: S101  as above
    return Decision(events=(ContactDeleted(),), releases=_claims(given, given.state.external_ids))


def claim_taken(claim: Claim) -> DomainError | None:
    """The refusal when a unique value belongs to another record; None when trying again finds it."""
    if claim.kind == company.NAME_CLAIM:
        return None
    system = claim.kind.partition("/")[2]
    at = normalise.pointer("/external_ids", system)
    return DomainError(
        "contact.external_ids_taken",
        f"another contact has this id of {system}",
        hint="Change that contact instead, or take the id off it first.",
        errors=(FieldError(at, "contact.external_ids_taken", "belongs to another contact"),),
    )


def _claims(given: Given[Contact], ids: dict[str, str]) -> tuple[Claim, ...]:
    return tuple(
        Claim(given.tenant_id, f"contact.external_id/{system}", value, given.stream_id) for system, value in ids.items()
    )


def _with_company(
    decision: Decision, name: str | None, given: Given[Contact], event: ContactRegistered | ContactChanged
) -> Decision:
    if name is None or not isinstance(event.company_id, UUID):
        return decision
    events, claim = company.register(given.tenant_id, event.company_id, name)
    return structs.replace(decision, related=(events,), claims=(*decision.claims, claim))


def _wanted(
    patch: ChangeContact, before: Contact, given: Given[Contact], problems: Problems
) -> tuple[dict[str, Any], str | None]:
    """The values that a patch asks for by field, and the name of a company that has to be made."""
    wanted: dict[str, Any] = {}
    if patch.name is not UNSET:
        wanted["name"] = _name(patch.name, before.name, problems)
    for kind, check, single, several in (
        (Email, normalise.email, "email", "emails"),
        (Phone, normalise.phone, "phone", "phones"),
    ):
        asked = _addresses(kind, check, single, several, patch, before, problems)
        if asked is not None:
            wanted[several] = asked
    wanted |= _plain(patch, problems)
    if patch.external_ids is not UNSET:
        ids = normalise.external_ids(patch.external_ids or {}, "/external_ids", problems)
        merged = {**(before.external_ids if patch.external_ids is not None else {}), **ids}
        wanted["external_ids"] = {system: value for system, value in merged.items() if value is not None}
        if len(wanted["external_ids"]) > _MOST:
            problems.add("/external_ids", "list.too_long", f"more than {_MOST} of them are not allowed")
    if patch.owner_id is not UNSET:
        wanted["owner_id"] = patch.owner_id
        if patch.owner_id is not None and (USER, str(patch.owner_id)) not in given.found:
            problems.add("/owner_id", "user.not_found", "is no user of this tenant")
    name = None
    if patch.company is not UNSET:
        wanted["company_id"], name = _company(patch.company, given, problems)
    return wanted, name


def _plain(patch: ChangeContact, problems: Problems) -> dict[str, Any]:
    """The fields whose new value depends on nothing else."""
    wanted: dict[str, Any] = {}
    if patch.title is not UNSET:
        wanted["title"] = normalise.line(patch.title, "/title", problems, longest=200) if patch.title else None
    if patch.tags is not UNSET:
        wanted["tags"] = normalise.tags(_bounded(patch.tags or [], "/tags", problems), "/tags", problems)
    if patch.lifecycle is not UNSET:
        wanted["lifecycle"] = patch.lifecycle or Lifecycle.LEAD
    for key in patch.custom or {}:
        problems.add(
            normalise.pointer("/custom", key), "custom_field.unknown", "no custom field with this key is defined"
        )
    return wanted


def _name(asked: str | NameInput | None, before: Name, problems: Problems) -> Name:
    if asked is None:
        return Name()
    if isinstance(asked, str):
        text = normalise.line(asked, "/name", problems, longest=200)
        return normalise.split_name(text) if text else Name()
    # A display form that given and family made follows them; one that was chosen stays.
    chosen = None if before == normalise.name(before.given, before.family, None) else before.display
    parts: dict[str, str | None] = {"given": before.given, "family": before.family, "display": chosen}
    for part in parts:
        value = getattr(asked, part)
        if value is not UNSET:
            parts[part] = normalise.line(value, f"/name/{part}", problems, longest=200) if value else None
    return normalise.name(**parts)


def _addresses(
    kind: type[Email] | type[Phone],
    check: Any,
    single: str,
    several: str,
    patch: ChangeContact,
    before: Contact,
    problems: Problems,
) -> tuple[Any, ...] | None:
    """The list asked for; None when the patch leaves it alone. A single one replaces the primary."""
    one, many = getattr(patch, single), getattr(patch, several)
    if one is not UNSET and many is not UNSET:
        problems.add(f"/{single}", "field.ambiguous", f"send {single} or {several}, not both")
        return None
    if many is not UNSET:
        items = [
            item and (item.value, item.kind, item.primary) for item in _bounded(many or [], f"/{several}", problems)
        ]
        return normalise.addresses(items, f"/{several}", problems, kind, check)
    if one is UNSET:
        return None
    current = getattr(before, several)
    others = tuple(item for item in current if not item.primary)
    if one is None or not one.strip():
        return tuple(structs.replace(item, primary=n == 0) for n, item in enumerate(others))
    value = check(one, f"/{single}", problems)
    if value is None:
        return None
    label = next((item.kind for item in current if item.primary), "work")
    return (
        kind(value=value, kind=label, primary=True),
        *(item for item in others if item.value.lower() != value.lower()),
    )


def _company(
    asked: str | CompanyInput | None, given: Given[Contact], problems: Problems
) -> tuple[UUID | None, str | None]:
    """The company's id, and its name when it has to be made."""
    if asked is None:
        return None, None
    if isinstance(asked, CompanyInput) and asked.id is not None:
        if (COMPANY, str(asked.id)) not in given.found:
            problems.add("/company/id", "company.not_found", "is no company of this tenant")
        return asked.id, None
    at = "/company" if isinstance(asked, str) else "/company/name"
    name = normalise.line((asked if isinstance(asked, str) else asked.name) or "", at, problems, longest=200)
    if name is None:
        return None, None
    known = given.found.get(company.lookup(name))
    return (known, None) if known else (given.new_id(), name)


def _bounded(items: list[Any], at: str, problems: Problems) -> list[Any]:
    if len(items) > _MOST:
        problems.add(at, "list.too_long", f"has {len(items)} items; at most {_MOST} are allowed")
    return items[:_MOST]
