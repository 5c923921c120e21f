"""What leads bring to timelines: their own, and those of the contact and the company that they are of at the time.

Events of a lead after its first don't say whom it is of. That is with the first entry, which follows the lead: to
another contact, and to the company that a conversion lends. What happened before stays where it happened.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from domain.event import Event
from domain.lead import (
    LeadAssigned,
    LeadChanged,
    LeadConversionUndone,
    LeadConverted,
    LeadDeleted,
    LeadLost,
    LeadNurtured,
    LeadQualified,
    LeadRegistered,
    LeadReopened,
)

Refs = Mapping[str, Any]

PREFIX = "lead_"
"""Begins the kinds of all entries that are of leads."""
CREATED, MOVED, ASSIGNED, DELETED = (f"{PREFIX}{what}" for what in ("created", "moved", "assigned", "deleted"))

MOVES: Mapping[type[Event], str] = MappingProxyType(
    {
        LeadQualified: "qualified",
        LeadNurtured: "nurtured",
        LeadLost: "lost",
        LeadConverted: "converted",
        LeadReopened: "reopened",
        LeadConversionUndone: "conversion undone",
    }
)
"""What each move comes to, in words."""
EVENTS: tuple[type[Event], ...] = (LeadRegistered, LeadChanged, LeadAssigned, LeadDeleted, *MOVES)

LENT = "lent_company_id"
"""Under what the first entry has the company of a conversion: when that is undone, it goes."""


def kind(event: Event) -> str | None:
    """The kind of the entry that an event makes; None where it makes none."""
    match event:
        case LeadRegistered():
            return CREATED
        case LeadAssigned():
            return ASSIGNED
        case LeadDeleted():
            return DELETED
        case _:
            return MOVED if type(event) in MOVES else None


def of(before: Refs, event: Event, lead_id: UUID) -> dict[str, UUID]:
    """Whom a lead is of after an event, from whom it was of before; by the names of refs."""
    found: dict[str, UUID | None] = {**before, "lead_id": lead_id}
    match event:
        case LeadRegistered(contact_id=contact_id, company_id=company_id):
            found |= {"contact_id": contact_id, "company_id": company_id}
        case LeadChanged():
            changed = event.changes()
            found |= {name: changed[name] for name in ("contact_id", "company_id") if name in changed}
            found |= {LENT: None} if "company_id" in changed else {}
        case LeadConverted(company_id=UUID() as company_id):
            found[LENT] = company_id
        case LeadConversionUndone():
            found[LENT] = None
        case _:
            pass
    return {name: each for name, each in found.items() if each is not None}


def shown(refs: Refs) -> dict[str, UUID]:
    """Refs as they are told: a company is a company, wherever it came from."""
    found = {name: each for name, each in refs.items() if name != LENT}
    return found | ({"company_id": refs[LENT]} if LENT in refs else {})


def where(entry: str, before: Refs, after: Refs, lead_id: UUID) -> dict[str, UUID]:
    """Whose timelines an entry is on: what a conversion is undone of had it, and who owns it is its own affair."""
    if entry == ASSIGNED:
        return {"lead_id": lead_id}
    return {**shown(before), **shown(after)} if entry == MOVED else shown(after)
