"""A tenant: one company that uses Rapport, and the unit of isolation and ordering."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from domain.event import Event

PLATFORM = UUID("00000000-0000-7000-8000-000000000000")
"""The reserved tenant that holds what must be unique in the whole installation (users' e-mails)."""


class TenantRegistered(Event, topic="tenant.registered.v1"):
    """A company signed up. Its stream id is the tenant id."""

    name: str


class TenantSuspended(Event, topic="tenant.suspended.v1"):
    """The operator of the platform let nobody of the company in any more, until it is restored."""


class TenantRestored(Event, topic="tenant.restored.v1"):
    """A company that was suspended may go on, with the sessions and keys that it had."""


class Tenant(Struct, frozen=True, kw_only=True):
    """State of a tenant; `version` counts the stream's events."""

    id: UUID
    version: int
    name: str
    created_at: datetime
    suspended: bool = False


def evolve(tenant: Tenant | None, event: Event, *, stream_id: UUID, at: datetime) -> Tenant:
    """Apply one event.

    Raises:
        TypeError: the event is none of a tenant's.
    """
    match tenant, event:
        case None, TenantRegistered(name=name):
            return Tenant(id=stream_id, version=1, name=name, created_at=at)
        case Tenant(), TenantSuspended() | TenantRestored():
            suspended = isinstance(event, TenantSuspended)
            return structs.replace(tenant, version=tenant.version + 1, suspended=suspended)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit the state of this tenant")
