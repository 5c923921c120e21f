"""The values that a patch of a lead asks for: read, normalised, and every bad one told. Pure."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct

from commands import normalise
from commands.companies import company
from commands.contacts.input import CompanyInput
from commands.contacts.values import COMPANY, USER
from commands.custom_fields import values as custom_values
from commands.decision import Given
from commands.leads.input import ChangeLead, MoneyInput
from commands.normalise import Problems
from domain.contact import Contact
from domain.customer import Customer
from domain.errors import FieldError
from domain.lead import Lead
from domain.money import Money, is_currency, money

SLACK = timedelta(seconds=5)
"""Clocks differ: a client's now may be a moment off ours."""
MOST = 50


class Known(Struct, frozen=True, kw_only=True):
    """What is known of other records: the contact asked for (or None), customers that a conversion could be about."""

    contact: Contact | None = None
    customers: dict[UUID, Customer] = {}


def wanted(
    patch: ChangeLead, before: Lead, given: Given[Lead], problems: Problems
) -> tuple[dict[str, Any], str | None]:
    """The values that a patch asks for by field, and the name of a company that has to be made."""
    values = _plain(patch, before, given, problems)
    if patch.custom is not UNSET:
        values["custom"] = custom_values.wanted(patch.custom, before.custom, given.custom, problems)
    if patch.external_ids is not UNSET:
        ids = normalise.external_ids(patch.external_ids or {}, "/external_ids", problems)
        merged = {**(before.external_ids if patch.external_ids is not None else {}), **ids}
        values["external_ids"] = {system: value for system, value in merged.items() if value is not None}
        if len(values["external_ids"]) > MOST:
            problems.add("/external_ids", "list.too_long", f"more than {MOST} of them are not allowed")
    if patch.owner_id is not UNSET:
        values["owner_id"] = owner(patch.owner_id, given, problems)
    if patch.contact_id is not UNSET:
        values["contact_id"] = patch.contact_id
        known: Known = given.known
        if patch.contact_id is not None and known.contact is None:
            problems.add("/contact_id", "contact.not_found", "is no contact of this tenant")
    name = None
    if patch.company_id is not UNSET and patch.company is not UNSET:
        problems.add("/company", "field.ambiguous", "send company or company_id, not both")
    elif patch.company_id is not UNSET:
        asked = None if patch.company_id is None else CompanyInput(id=patch.company_id)
        values["company_id"], name = employer(asked, given, problems, "/company_id")
    elif patch.company is not UNSET:
        values["company_id"], name = employer(patch.company, given, problems)
    return values, name


def _plain(patch: ChangeLead, before: Lead, given: Given[Lead], problems: Problems) -> dict[str, Any]:
    """The fields whose new value depends on no other record."""
    values: dict[str, Any] = {}
    if patch.title is not UNSET:
        values["title"] = normalise.filled(patch.title or "", "/title", problems, longest=200)
    if patch.source is not UNSET:
        values["source"] = normalise.line(patch.source, "/source", problems, longest=100) if patch.source else None
    if patch.tags is not UNSET:
        if len(patch.tags or ()) > MOST:
            problems.add("/tags", "list.too_long", f"has {len(patch.tags or ())} items; at most {MOST} are allowed")
        values["tags"] = normalise.tags((patch.tags or [])[:MOST], "/tags", problems)
    if patch.value is not UNSET:
        values["value"] = patch.value and _money(patch.value, before.value, given.currency, problems)
    return values


def _money(asked: MoneyInput, before: Money | None, usual: str | None, problems: Problems) -> Money | None:
    known = before.currency if before else usual
    currency = (known if asked.currency is None else asked.currency) or ""
    if currency != known and not is_currency(currency):
        told = "is no currency of ISO 4217: send its three capital letters, like EUR"
        problems.add("/value/currency", "money.currency", told)
        return None
    try:
        return money(asked.amount, currency)
    except ValueError as error:
        problems.add("/value/amount", "money.amount", str(error))
        return None


def owner(owner_id: UUID | None, given: Given[Any], problems: Problems) -> UUID | None:
    """A user of the tenant."""
    if owner_id is not None and (USER, str(owner_id)) not in given.found:
        problems.add("/owner_id", "user.not_found", "is no user of this tenant")
    return owner_id


def employer(
    asked: str | CompanyInput | None, given: Given[Any], problems: Problems, at: str = "/company"
) -> tuple[UUID | None, str | None]:
    """The id of a company, and its name when it has to be made."""
    if asked is None:
        return None, None
    if isinstance(asked, CompanyInput) and asked.id is not None:
        if (COMPANY, str(asked.id)) not in given.found:
            problems.add(at if at.endswith("_id") else f"{at}/id", "company.not_found", "is no company of this tenant")
        return asked.id, None
    here = at if isinstance(asked, str) else f"{at}/name"
    name = normalise.line((asked if isinstance(asked, str) else asked.name) or "", here, problems, longest=200)
    if name is None:
        return None, None
    known = given.found.get(company.lookup(name))
    return (known, None) if known else (given.new_id(), name)


def time(
    asked: datetime | None, given: Given[Any], problems: Problems, at: str, *, earliest: datetime | None = None
) -> datetime:
    """When something happened: as asked, else now, never before what happened before it."""
    if asked is None:
        return max(given.now, earliest or given.now)
    asked = normalise.moment(asked, at, problems)
    if asked > given.now + SLACK:
        problems.add(at, "time.future", "is yet to come; send a time of the past, or none")
    elif earliest and asked < earliest:
        problems.add(at, "time.before_last_move", f"is before {earliest.isoformat()}, when it got where it is")
    return asked


def below(at: str, errors: tuple[FieldError, ...]) -> list[FieldError]:
    """Errors of a member, pointing from the whole body."""
    return [FieldError(at + error.pointer, error.code, error.message) for error in errors]
