"""A company that contacts work for."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain.event import Event


class CompanyRegistered(Event, topic="company.registered.v1"):
    """A company became known."""

    name: str


class Company(Struct, frozen=True, kw_only=True):
    """State of a company; `version` counts the stream's events."""

    id: UUID
    version: int
    name: str
    created_at: datetime
    updated_at: datetime


def evolve(company: Company | None, event: Event, *, stream_id: UUID, at: datetime) -> Company:
    """Apply one event.

    Raises:
        TypeError: the event is none of a company's.
    """
    match company, event:
        case None, CompanyRegistered(name=name):
            return Company(id=stream_id, version=1, name=name, created_at=at, updated_at=at)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit the state of this company")
