"""Who may see a record, and why: by the same rule that lets requests in."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from commands.identity.access import Claims, Principal, speaking
from domain.access import Scope
from domain.authorization import Access

SEEING = "contacts.read"
"""The permission to see a contact."""
_NO_SESSION = UUID(int=0)


class Sight(Struct, frozen=True, kw_only=True):
    """Somebody who may see a record: how far the permission reaches, and the roles that give it so far.

    `key_id` is the API key that may, on the user's behalf.
    """

    user_id: UUID
    key_id: UUID | None = None
    scope: Scope
    roles: tuple[str, ...]


def who_sees(tenant_id: UUID, access: Access, owner_id: UUID | None, at: datetime) -> list[Sight]:
    """Everybody who may see a contact of an owner, in the order of their ids; `access` is that of a moment, `at`."""
    found = [
        Sight(user_id=one.user_id, key_id=one.key_id, scope=one.grants[SEEING], roles=_giving(access, one))
        for one in _admitted(tenant_id, access, at)
        if one.reaches(SEEING, owner_id)
    ]
    return sorted(found, key=place)


def place(sight: Sight) -> tuple[str, str]:
    """Where somebody stands in the list: users before their keys."""
    return str(sight.user_id), str(sight.key_id or "")


def _admitted(tenant_id: UUID, access: Access, at: datetime) -> Iterator[Principal]:
    """Whom a request may speak for."""
    if access.suspended:
        return
    inside = {user_id for user_id, member in access.members.items() if member.joined and not member.suspended}
    for user_id in inside:
        member = access.members[user_id]
        yield speaking(access, Claims(tenant_id, user_id, _NO_SESSION, member.epoch), member.roles)
    for key_id, key in access.keys.items():
        if key.user_id in inside and key.is_good(at):
            claims = Claims(tenant_id, key.user_id, key_id, access.members[key.user_id].epoch)
            yield speaking(access, claims, key.roles, key_id=key_id)


def _giving(access: Access, one: Principal) -> tuple[str, ...]:
    scope = one.grants[SEEING]
    return tuple(role for role in one.roles if access.granted([role]).get(SEEING) is scope)
