"""The values that a patch asks for: read, normalised, and every bad one told. Pure."""

from typing import Any
from uuid import UUID

from msgspec import UNSET, structs

from commands import normalise
from commands.companies import company
from commands.contacts.input import ChangeContact, CompanyInput, NameInput
from commands.custom_fields import values as custom_values
from commands.decision import Given
from commands.normalise import Problems
from domain.contact import Contact, Email, Lifecycle, Name, Phone

USER = "user"
COMPANY = "company"
"""Kinds of look-ups by id, beside those by a claim's kind."""

_MOST = 50


def wanted(
    patch: ChangeContact, before: Contact, given: Given[Contact], problems: Problems
) -> tuple[dict[str, Any], str | None]:
    """The values that a patch asks for by field, and the name of a company that has to be made."""
    values: dict[str, Any] = {}
    if patch.name is not UNSET:
        values["name"] = _name(patch.name, before.name, problems)
    for kind, check, single, several in (
        (Email, normalise.email, "email", "emails"),
        (Phone, normalise.phone, "phone", "phones"),
    ):
        asked = _addresses(kind, check, single, several, patch, before, problems)
        if asked is not None:
            values[several] = asked
    values |= _plain(patch, problems)
    if patch.external_ids is not UNSET:
        ids = normalise.external_ids(patch.external_ids or {}, "/external_ids", problems)
        merged = {**(before.external_ids if patch.external_ids is not None else {}), **ids}
        values["external_ids"] = {system: value for system, value in merged.items() if value is not None}
        if len(values["external_ids"]) > _MOST:
            problems.add("/external_ids", "list.too_long", f"more than {_MOST} of them are not allowed")
    if patch.custom is not UNSET:
        values["custom"] = custom_values.wanted(patch.custom, before.custom, given.custom, problems)
    if patch.owner_id is not UNSET:
        values["owner_id"] = patch.owner_id
        if patch.owner_id is not None and (USER, str(patch.owner_id)) not in given.found:
            problems.add("/owner_id", "user.not_found", "is no user of this tenant")
    name = None
    if patch.company is not UNSET:
        values["company_id"], name = _company(patch.company, given, problems)
    return values, name


def _plain(patch: ChangeContact, problems: Problems) -> dict[str, Any]:
    """The fields whose new value depends on nothing else."""
    values: dict[str, Any] = {}
    if patch.title is not UNSET:
        values["title"] = normalise.line(patch.title, "/title", problems, longest=200) if patch.title else None
    if patch.tags is not UNSET:
        values["tags"] = normalise.tags(_bounded(patch.tags or [], "/tags", problems), "/tags", problems)
    if patch.lifecycle is not UNSET:
        values["lifecycle"] = patch.lifecycle or Lifecycle.LEAD
    return values


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
