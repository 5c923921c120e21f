"""Roles that a tenant defines beside the built-in ones, and the guard that keeps it from losing its last admin."""

from datetime import datetime
from uuid import UUID, uuid5

from msgspec import UNSET, Struct, UnsetType, structs

from domain.event import Event
from domain.field_rules import FieldRule


class RoleDefined(Event, topic="role.defined.v1"):
    """A role, under a key that users hold it by. Permissions are spelt with their scope: "leads.write:own"."""

    key: str
    name: str
    permissions: tuple[str, ...]
    field_rules: tuple[FieldRule, ...] = ()


class RoleChanged(Event, topic="role.changed.v1"):
    """A role is called otherwise, or allows something else from now on."""

    name: str | UnsetType = UNSET
    permissions: tuple[str, ...] | UnsetType = UNSET
    field_rules: tuple[FieldRule, ...] | UnsetType = UNSET


class RoleDeleted(Event, topic="role.deleted.v1"):
    """A role allows nothing any more."""


class AdminRemoved(Event, topic="admin.removed.v1"):
    """A user is an admin no more, by roles or suspension.

    All such events of a tenant are one stream, so that of two at once the second sees the first: somebody stays.
    """

    user_id: UUID


class Role(Struct, frozen=True, kw_only=True):
    """State of a role that a tenant defined; `version` counts the stream's events."""

    id: UUID
    version: int
    key: str
    name: str
    permissions: tuple[str, ...]
    field_rules: tuple[FieldRule, ...] = ()
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


EVENTS = (RoleDefined, RoleChanged, RoleDeleted)


def admins_stream(tenant_id: UUID) -> UUID:
    """The stream of AdminRemoved."""
    return uuid5(tenant_id, "admins")


def evolve(role: Role | None, event: Event, *, stream_id: UUID, at: datetime) -> Role:
    """Apply one event.

    Raises:
        TypeError: the event is none of a role's, or comes where it can't.
    """
    match role, event:
        case None, RoleDefined():
            return Role(id=stream_id, version=1, created_at=at, updated_at=at, **structs.asdict(event))
        case Role(version=version), RoleChanged():
            changed = {name: value for name, value in structs.asdict(event).items() if value is not UNSET}
            return structs.replace(role, version=version + 1, updated_at=at, **changed)
        case Role(version=version), RoleDeleted():
            return structs.replace(role, version=version + 1, updated_at=at, deleted_at=at)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit the state of this role")
