"""By what the items of a batch find records that are there already. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import UNSET, structs

from commands import normalise
from commands.batch.marks import Mark
from commands.contacts.input import AddressInput, ChangeContact, RegisterContact
from commands.decision import Lookup
from commands.leads.input import RegisterLead
from commands.normalise import Problems
from domain.company import Company
from domain.contact import Contact
from domain.errors import DomainError, FieldError
from domain.lead import Lead

EMAIL = "contact.email"
"""The kind of look-up that finds contacts by e-mail; several may have the same."""
EMAIL_MARK = Mark("contact.email_added", of=EMAIL)
"""Says for which contact an e-mail was last asked for in vain: see commands.batch.marks."""


class Match(StrEnum):
    """What says that an item is about a record that is there."""

    EMAIL = "email"
    EXTERNAL_ID = "external_id"


class CompanyMatch(StrEnum):
    """The same of companies."""

    EXTERNAL_ID = "external_id"


class LeadMatch(StrEnum):
    """The same of leads."""

    EXTERNAL_ID = "external_id"


MEMBERS: Mapping[str, str] = {Match.EMAIL: "email", Match.EXTERNAL_ID: "external_ids"}
"""The member of an item that it is found by."""
_KINDS: Mapping[type[Any], str] = {RegisterContact: "contact", RegisterLead: "lead"}


def keys_of(command: Any, match: str) -> tuple[Lookup, ...]:
    """The keys of an item; those that are not valid are left to the decision, which names them."""
    if match == Match.EMAIL:
        return tuple(dict.fromkeys((EMAIL, email.lower()) for email in _emails(command)))
    kind = _KINDS.get(type(command), "company")
    ids = normalise.external_ids(command.external_ids or {}, "", Problems())
    return tuple((f"{kind}.external_id/{system}", value) for system, value in ids.items() if value)


def seen_contact(contact: Contact) -> Iterable[Lookup]:
    """The keys by which a contact is found."""
    yield from ((EMAIL, email.value.lower()) for email in contact.emails)
    yield from ((f"contact.external_id/{system}", value) for system, value in contact.external_ids.items())


def seen_company(company: Company) -> Iterable[Lookup]:
    """The keys by which a company is found."""
    return ((f"company.external_id/{system}", value) for system, value in company.external_ids.items())


def seen_lead(lead: Lead) -> Iterable[Lookup]:
    """The keys by which a lead is found."""
    return ((f"lead.external_id/{system}", value) for system, value in lead.external_ids.items())


def as_change(command: ChangeContact, contact: Contact) -> ChangeContact:
    """What an item changes of the contact that it was found by its e-mail for: that stays where it is in the list."""
    if not isinstance(command.email, str):
        return command
    found = normalise.email(command.email, "", Problems())
    known = {email.value.lower() for email in contact.emails}
    return structs.replace(command, email=UNSET) if found and found.lower() in known else command


def ambiguous(kind: str, match: str, ids: Sequence[UUID]) -> DomainError:
    """The refusal of an item that several records fit: which one is meant is not guessed."""
    code, at = f"{kind}.ambiguous", f"/{MEMBERS[match]}"
    return DomainError(
        code,
        f"{len(ids)} records have what this item is found by",
        hint="Change the one that is meant by its id, or merge those that are one and the same.",
        errors=(FieldError(at, code, "is that of several records"),),
        members={"ids": [str(each) for each in ids]},
    )


def missing(match: str) -> FieldError:
    """What is wrong with an item that nothing could be found by."""
    return FieldError(f"/{MEMBERS[match]}", "field.required", "is needed to find the record by; the batch says so")


def _emails(command: RegisterContact) -> Iterable[str]:
    items: Sequence[AddressInput | None] = command.emails or ()  # what could not be read is None
    asked = [command.email, *(item.value for item in items if item is not None)]
    normal = (normalise.email(each, "", Problems()) for each in asked if each)
    return (each for each in normal if each)
