"""What users may do, changed: roles given and taken, access suspended and restored. Pure.

Nobody gives, or takes, what they don't hold themselves, and the last admin stays.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct

from commands.decision import Decision, Given
from commands.normalise import Problems
from commands.ports import StreamEvents
from domain.access import ADMIN, spelt
from domain.authorization import Access
from domain.errors import DomainError
from domain.field_rules import FieldAccess, Rights, excess
from domain.role import AdminRemoved, admins_stream
from domain.user import Status, User, UserRestored, UserRolesChanged, UserSuspended


class GiveRoles(Struct, forbid_unknown_fields=True, kw_only=True):
    """The roles that a user holds from now on, by their keys."""

    roles: list[str]


class RolesOf(Struct, frozen=True):
    """Roles to give, by somebody who holds these rights, in a tenant with this access."""

    roles: Sequence[str]
    by: Rights
    access: Access


class Suspend(Struct, frozen=True):
    """Keep a user out, by somebody who holds these rights."""

    by: Rights
    access: Access


class Restore(Struct, frozen=True):
    """Let a user in again, by somebody who holds these rights."""

    by: Rights
    access: Access


def check_roles(roles: Iterable[object], access: Access, problems: Problems) -> tuple[str, ...]:
    """Roles that there are, each once."""
    known = access.roles
    for index, key in enumerate(roles):
        if isinstance(key, str) and key not in known:
            problems.add(f"/roles/{index}", "role.not_found", f"is no role here; there are {', '.join(sorted(known))}")
    return tuple(dict.fromkeys(key for key in roles if isinstance(key, str)))


def require_held(needed: Rights, by: Rights) -> None:
    """Refuse to hand on, or take away, what one does not hold.

    Raises:
        DomainError: permission.missing.
    """
    for name, scope in needed.grants.items():
        if by.grants.get(name, 0) < scope:
            (lacking,) = spelt({name: scope})
            raise _not_held(lacking, name)
    for rule in excess(needed, by):
        act = "read" if rule.access is FieldAccess.HIDDEN else "write"
        raise _not_held(f"{rule.field} of {rule.resource}", f"{rule.resource}.{act}")


def _not_held(what: str, permission: str) -> DomainError:
    return DomainError(
        "permission.missing",
        f"this gives or takes {what}, which you don't hold yourself",
        hint="Ask somebody who holds it.",
        members={"permission": permission},
    )


def give_roles(command: RolesOf, given: Given[User]) -> Decision:
    """Other roles; nothing when they are the same.

    Raises:
        InvalidError, DomainError: an unknown role, permission.missing or user.last_admin.
    """
    user = _there(given.state)
    problems = Problems(given.errors)
    roles = check_roles(command.roles, command.access, problems)
    problems.raise_if_any()
    moved = set(roles) ^ set(user.roles)
    require_held(command.access.rights(moved), command.by)
    if not moved:
        return Decision()
    lost = ADMIN in user.roles and ADMIN not in roles and user.status is Status.ACTIVE
    related = _without_admin(command.access, given, user.id) if lost else ()
    return Decision(events=(UserRolesChanged(roles=roles),), related=related)


def suspend(command: Suspend, given: Given[User]) -> Decision:
    """Out, from the very next request on; nothing when the user is out already.

    Raises:
        DomainError: permission.missing or user.last_admin.
    """
    user = _there(given.state)
    require_held(command.access.rights(user.roles), command.by)
    if user.status is Status.SUSPENDED:
        return Decision()
    lost = ADMIN in user.roles and user.status is Status.ACTIVE
    related = _without_admin(command.access, given, user.id) if lost else ()
    return Decision(events=(UserSuspended(),), related=related)


def restore(command: Restore, given: Given[User]) -> Decision:
    """In again, after a new sign-in; nothing when the user is.

    Raises:
        DomainError: permission.missing.
    """
    user = _there(given.state)
    require_held(command.access.rights(user.roles), command.by)
    return Decision(events=(UserRestored(),)) if user.status is Status.SUSPENDED else Decision()


def _without_admin(access: Access, given: Given[User], user_id: UUID) -> tuple[StreamEvents, ...]:
    if not access.admins - {user_id}:
        raise DomainError(
            "user.last_admin",
            "this is the last admin, without whom nobody could manage users any more",
            hint="Make somebody else an admin first.",
        )
    return (StreamEvents(admins_stream(given.tenant_id), access.removals, (AdminRemoved(user_id=user_id),)),)


def _there(user: User | None) -> User:
    assert user is not None  # noqa: S101  a use case that does not create always has a state
    return user
