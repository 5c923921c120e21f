"""A company that contacts work for. What is known of one says nothing about a person: none of it is personal."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, field, structs

from domain.event import Event

Size = int | str
"""How many work there: a number, or words like 11-50."""


class CompanyRegistered(Event, topic="company.registered.v1"):
    """A company became known."""

    name: str
    domain: str | None = None
    industry: str | None = None
    size: Size | None = None
    parent_id: UUID | None = None
    custom: dict[str, Any] = field(default_factory=dict)
    external_ids: dict[str, str] = field(default_factory=dict)


class CompanyChanged(Event, topic="company.changed.v1"):
    """Fields of a company got new values; what is absent stayed as it was, None cleared it."""

    name: str | UnsetType = UNSET
    domain: str | UnsetType | None = UNSET
    industry: str | UnsetType | None = UNSET
    size: Size | UnsetType | None = UNSET
    parent_id: UUID | UnsetType | None = UNSET
    custom: dict[str, Any] | UnsetType = UNSET
    external_ids: dict[str, str] | UnsetType = UNSET

    def changes(self) -> dict[str, Any]:
        """The fields that changed, by name."""
        return {name: value for name, value in structs.asdict(self).items() if value is not UNSET}


class CompanyDeleted(Event, topic="company.deleted.v1"):
    """A company was deleted; its contacts stay, and so does its history."""


class CompanyRestored(Event, topic="company.restored.v1"):
    """A deleted company is there again, as it was."""


class Company(Struct, frozen=True, kw_only=True):
    """State of a company; `version` counts the stream's events."""

    id: UUID
    version: int
    name: str
    domain: str | None = None
    industry: str | None = None
    size: Size | None = None
    parent_id: UUID | None = None
    custom: dict[str, Any] = field(default_factory=dict)
    external_ids: dict[str, str] = field(default_factory=dict)
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


EVENTS = (CompanyRegistered, CompanyChanged, CompanyDeleted, CompanyRestored)


def evolve(company: Company | None, event: Event, *, stream_id: UUID, at: datetime) -> Company:
    """Apply one event.

    Raises:
        TypeError: the event is none of a company's, or comes where it can't.
    """
    match company, event:
        case None, CompanyRegistered():
            return Company(id=stream_id, version=1, created_at=at, updated_at=at, **structs.asdict(event))
        case Company(version=version), CompanyChanged():
            return structs.replace(company, version=version + 1, updated_at=at, **event.changes())
        case Company(version=version), CompanyDeleted():
            return structs.replace(company, version=version + 1, updated_at=at, deleted_at=at)
        case Company(version=version), CompanyRestored():
            return structs.replace(company, version=version + 1, updated_at=at, deleted_at=None)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit the state of this company")
