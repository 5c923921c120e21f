"""A tenant: one company that uses Rapport, and the unit of isolation and ordering."""

from uuid import UUID

from domain.event import Event

PLATFORM = UUID("00000000-0000-7000-8000-000000000000")
"""The reserved tenant that holds what must be unique in the whole installation (users' e-mails)."""


class TenantRegistered(Event, topic="tenant.registered.v1"):
    """A company signed up. Its stream id is the tenant id."""

    name: str
