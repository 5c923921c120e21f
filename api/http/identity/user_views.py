"""Users as clients see them."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from msgspec import Struct

from api.http.exchange import HttpRequest, principal_of, services_of
from domain.user import Status, User
from projections.identity import user_queries
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


_SHARED = tuple(name for name in UserView.__struct_fields__ if name not in {"teams", "last_login_at"})


def view(user: User | Row, last_login_at: datetime | None, teams: Sequence[UUID] = ()) -> UserView:
    """What clients see of a user's state, or row."""
    shared = {name: getattr(user, name) for name in _SHARED}
    return UserView(**shared, last_login_at=last_login_at, teams=teams)


async def seen(request: HttpRequest, user: User) -> UserView:
    """A user's state with what only the read model knows."""
    principal = principal_of(request)
    ask = partial(user_queries.last_login, tenant_id=principal.tenant_id, user_id=user.id)
    last_login_at = await services_of(request).reads.ask(principal.tenant_id, ask)
    return view(user, last_login_at, principal.teams_of(user.id))
