"""What a tenant has set for all of its people: facts and state."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from msgspec import UNSET, Struct, UnsetType, structs

from domain.event import Event


class SettingsChanged(Event, topic="settings.changed.v1"):
    """Settings of a tenant got new values; what is absent stayed as it was."""

    timezone: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    inactivity_days: int | UnsetType = UNSET
    digest_hour: int | UnsetType = UNSET

    def changes(self) -> dict[str, Any]:
        """The settings that changed, by name."""
        return {name: value for name, value in structs.asdict(self).items() if value is not UNSET}


class Settings(Struct, frozen=True, kw_only=True):
    """What a tenant has set; until then, what is usual.

    `timezone` is a name of the tz database, `currency` one of ISO 4217, `digest_hour` the hour of the day there.
    """

    timezone: str = "UTC"
    currency: str = "EUR"
    inactivity_days: int = 30
    digest_hour: int = 7


class TenantSettings(Settings, frozen=True, kw_only=True):
    """State of a tenant's settings; version 0 where none were ever set."""

    id: UUID
    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None


USUAL = Settings()


def settings_id(tenant_id: UUID) -> UUID:
    """The stream of a tenant's settings."""
    return uuid5(tenant_id, "settings")


def evolve(settings: TenantSettings | None, event: Event, *, stream_id: UUID, at: datetime) -> TenantSettings:
    """Apply one event.

    Raises:
        TypeError: the event is not about settings.
    """
    if not isinstance(event, SettingsChanged):
        raise TypeError(f"{type(event).__name__} changes no settings")
    before = settings or TenantSettings(id=stream_id, created_at=at)
    return structs.replace(before, version=before.version + 1, updated_at=at, **event.changes())
