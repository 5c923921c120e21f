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
    tenant_id = principal_of(request).tenant_id
    ask = partial(user_queries.by_id, tenant_id=tenant_id, user_id=user.id)
    row = await services_of(request).reads.ask(tenant_id, ask)
    access = await services_of(request).authorization.access(tenant_id)
    return view(user, row.last_login_at if row else None, access.teams_of(user.id))
