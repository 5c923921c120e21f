"""Users as clients see them."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from msgspec import Struct

from api.http.exchange import HttpRequest, principal_of, services_of
from domain.user import Status, User
from projections.identity.user import Row


class UserView(Struct, frozen=True):
    """A user; `teams` are ids."""

    id: UUID
    version: int
    name: str
    email: str
    roles: Sequence[str]
    status: Status
    title: str | None
    phone: str | None
    timezone: str | None
    locale: str | None
    created_at: datetime
    updated_at: datetime
    teams: Sequence[UUID]
    last_login_at: datetime | None


class MeView(UserView, frozen=True):
    """The signed-in user; `totp_enabled` when signing in takes a second factor."""

    totp_enabled: bool


_of_user = attrgetter(*(name for name in UserView.__struct_fields__ if name not in {"teams", "last_login_at"}))


def view(user: User | Row, last_login_at: datetime | None, teams: Sequence[UUID] = ()) -> UserView:
    """What clients see of a user's state, or row."""
    return UserView(*(*_of_user(user), teams, last_login_at))


async def seen(request: HttpRequest, user: User) -> UserView:
    """A user's state with what only the read model knows."""
    return view(user, await _last_login(request, user), principal_of(request).teams_of(user.id))


async def seen_by_themselves(request: HttpRequest, user: User) -> MeView:
    """The same of the caller."""
    teams, last_login_at = principal_of(request).teams_of(user.id), await _last_login(request, user)
    return MeView(*(*_of_user(user), teams, last_login_at, user.totp_enabled))


def _last_login(request: HttpRequest, user: User) -> Awaitable[datetime | None]:
    principal = principal_of(request)
    services = services_of(request)
    return services.last_logins.of(services.reads, principal.tenant_id, user.id, principal.head)
