"""Roles and teams as clients see them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain import role, team
from domain.access import BUILT_IN_ROLES, spelt
from domain.field_rules import FieldRule


class RoleView(Struct, frozen=True, kw_only=True):
    """A role; built-in ones have neither id nor times, no field rules, and don't change."""

    id: UUID | None
    version: int
    key: str
    name: str
    built_in: bool
    permissions: Sequence[str]
    field_rules: Sequence[FieldRule] = ()
    created_at: datetime | None
    updated_at: datetime | None


class TeamView(Struct, frozen=True, kw_only=True):
    """A team and its members."""

    id: UUID
    version: int
    name: str
    user_ids: Sequence[UUID]
    created_at: datetime
    updated_at: datetime


def built_in_view(key: str) -> RoleView:
    """A role that every tenant has."""
    return RoleView(
        id=None,
        version=1,
        key=key,
        name=key.capitalize(),
        built_in=True,
        permissions=spelt(BUILT_IN_ROLES[key]),
        created_at=None,
        updated_at=None,
    )


def role_view(state: role.Role) -> RoleView:
    """A role that the tenant defined."""
    shared = {name: getattr(state, name) for name in ("id", "version", "key", "name", "permissions", "field_rules")}
    return RoleView(**shared, built_in=False, created_at=state.created_at, updated_at=state.updated_at)


def team_view(state: team.Team) -> TeamView:
    """A team."""
    return TeamView(**{name: getattr(state, name) for name in TeamView.__struct_fields__})
