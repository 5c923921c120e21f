"""What can be asked of leads: the commands and their parts, as they come in."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from commands.contacts.input import CompanyInput, RegisterContact
from domain.lead_status import Act

Time = Annotated[datetime, Meta(tz=True)]


class MoneyInput(Struct, forbid_unknown_fields=True):
    """An amount like "12.50" and its currency like EUR (ISO 4217).

    Without one it is in the currency that the lead's value has already, else in the tenant's.
    """

    amount: str
    currency: str | None = None


class DatedMove(Struct, forbid_unknown_fields=True, kw_only=True):
    """A move that a lead has made already, when it comes in."""

    act: Act
    occurred_at: Time | None = None
    reason: str | None = None


class RegisterLead(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new lead, of a contact, a company, both or neither.

    `contact` makes one with the lead, or finds the one with these external ids. `occurred_at` and `moves` in the past
    need the permission history.backdate.
    """

    title: str
    contact_id: UUID | None = None
    contact: RegisterContact | None = None
    company_id: UUID | None = None
    company: str | CompanyInput | None = None
    owner_id: UUID | None = None
    source: str | None = None
    value: MoneyInput | None = None
    tags: list[str] | None = None
    custom: dict[str, Any] | None = None
    external_ids: dict[str, str | None] | None = None
    occurred_at: Time | None = None
    moves: list[DatedMove] | None = None


class ChangeLead(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch (RFC 7396): absent members stay, null clears, objects merge, lists replace.

    Another owner_id needs the permission leads.assign.
    """

    title: str | UnsetType | None = UNSET
    contact_id: UUID | UnsetType | None = UNSET
    company_id: UUID | UnsetType | None = UNSET
    company: str | CompanyInput | UnsetType | None = UNSET
    owner_id: UUID | UnsetType | None = UNSET
    source: str | UnsetType | None = UNSET
    value: MoneyInput | UnsetType | None = UNSET
    tags: list[str] | UnsetType | None = UNSET
    custom: dict[str, Any] | UnsetType | None = UNSET
    external_ids: dict[str, str | None] | UnsetType | None = UNSET


class MoveInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why, and when if not now. Losing needs a reason; a time in the past needs the permission history.backdate."""

    reason: str | None = None
    occurred_at: Time | None = None


class ConvertInput(MoveInput, forbid_unknown_fields=True, kw_only=True):
    """The same, and the company whose customer it becomes where the lead has none: found by name, or made."""

    company: str | CompanyInput | None = None


class MoveLead(Struct, kw_only=True):
    """Move a lead."""

    act: Act
    reason: str | None = None
    occurred_at: datetime | None = None
    company: str | CompanyInput | None = None


class AssignLead(Struct, forbid_unknown_fields=True, kw_only=True):
    """Give a lead to a user, or to nobody (null)."""

    owner_id: UUID | None


class DeleteLead(Struct):
    """Delete a lead; what it held alone is free again."""
