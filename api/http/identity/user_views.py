"""Users as clients see them."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from msgspec import Struct

from api.http.exchange import HttpRequest, principal_of, services_of
from domain.user import Status, User
from projections.identity.user import Row


class UserView(Struct, frozen=True, kw_only=True):
    """A user; `teams` are ids."""

    id: UUID
    version: int
    name: str
    email: str
    roles: Sequence[str]
    status: Status
    teams: Sequence[UUID]
    title: str | None
    phone: str | None
    timezone: str | None
    locale: str | None
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime


class MeView(UserView, frozen=True, kw_only=True):
    """The signed-in user; `totp_enabled` when signing in takes a second factor."""

    totp_enabled: bool


_SHARED = tuple(name for name in UserView.__struct_fields__ if name not in {"teams", "last_login_at"})
_values = attrgetter(*_SHARED)


def view(user: User | Row, last_login_at: datetime | None, teams: Sequence[UUID] = ()) -> UserView:
    """What clients see of a user's state, or row."""
    return UserView(**_members(user), last_login_at=last_login_at, teams=teams)


async def seen(request: HttpRequest, user: User) -> UserView:
    """A user's state with what only the read model knows."""
    return view(user, await _last_login(request, user), principal_of(request).teams_of(user.id))


async def seen_by_themselves(request: HttpRequest, user: User) -> MeView:
    """The same of the caller."""
    teams, last_login_at = principal_of(request).teams_of(user.id), await _last_login(request, user)
    return MeView(**_members(user), last_login_at=last_login_at, teams=teams, totp_enabled=user.totp_enabled)


def _members(user: User | Row) -> dict[str, Any]:
    return dict(zip(_SHARED, _values(user), strict=True))


async def _last_login(request: HttpRequest, user: User) -> datetime | None:
    principal = principal_of(request)
    services = services_of(request)
    return await services.last_logins.of(services.reads, principal.tenant_id, user.id, principal.head)
