"""API keys: issued and revoked. Pure, but for the ports that spell them and note their use.

Nobody gives a key what they don't hold themselves. To revoke one takes the permission alone: a key that has leaked must
not have to wait for somebody who holds all that it does.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Protocol
from uuid import UUID

from msgspec import Meta, Struct

from commands import normalise
from commands.decision import Decision, Given
from commands.identity.access import KeyClaims
from commands.identity.members import check_roles, require_held
from commands.normalise import Problems
from domain.api_key import ApiKey, ApiKeyIssued, ApiKeyRevoked
from domain.authorization import Access
from domain.field_rules import Rights

PREFIX = "rk_"
"""How every API key begins: access tokens never do."""
_LONGEST = 100


class IssueKey(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new key: its name, its roles by their keys, and until when it is good (for ever, when absent)."""

    name: str
    roles: list[str]
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class Spelt(Struct, frozen=True):
    """A new key in full, which nobody sees again, what is shown of it, and what is stored of it."""

    text: str
    prefix: str
    digest: str


class NewKey(Struct, frozen=True, kw_only=True):
    """A key to issue, by somebody who holds these rights, in a tenant with this access; it acts for the user."""

    asked: IssueKey
    spelt: Spelt
    user_id: UUID
    by: Rights
    access: Access


class RevokeKey(Struct, frozen=True):
    """A key less."""


class ApiKeys(Protocol):
    """Spelling of API keys."""

    def make(self, tenant_id: UUID, key_id: UUID) -> Spelt:
        """A key with a new secret."""
        ...

    def read(self, text: str) -> KeyClaims:
        """What it says. Raises InvalidTokenError when it was not spelt here."""
        ...


class KeyUses(Protocol):
    """When keys were used last, to the minute."""

    async def note(self, tenant_id: UUID, key_id: UUID) -> None:
        """A key was used now."""
        ...

    async def last(self, tenant_id: UUID, key_ids: Sequence[UUID]) -> Mapping[UUID, datetime]:
        """When these were, those that ever were."""
        ...


def issue(command: NewKey, given: Given[ApiKey]) -> Decision:
    """A key more.

    Raises:
        InvalidError, DomainError: bad members or permission.missing.
    """
    asked, problems = command.asked, Problems(given.errors)
    name = ""
    if isinstance(asked.name, str):
        name = normalise.filled(asked.name, "/name", problems, longest=_LONGEST)
    roles = check_roles(asked.roles or (), command.access, problems)
    expires_at = _expiry(asked.expires_at, given.now, problems)
    problems.raise_if_any()
    require_held(command.access.rights(roles), command.by)
    issued = ApiKeyIssued(
        name=name,
        roles=roles,
        user_id=command.user_id,
        prefix=command.spelt.prefix,
        digest=command.spelt.digest,
        expires_at=expires_at,
    )
    return Decision(events=(issued,))


def revoke(_: RevokeKey, __: Given[ApiKey]) -> Decision:
    """A key less, from the very next request on."""
    return Decision(events=(ApiKeyRevoked(),))


def _expiry(asked: datetime | None, now: datetime, problems: Problems) -> datetime | None:
    if asked is None:
        return None
    try:
        expires_at = asked.astimezone(UTC)
    except OverflowError:
        problems.add("/expires_at", "type.wrong", "is out of range")
        return None
    if expires_at <= now:
        problems.add("/expires_at", "time.past", "must be a time that is yet to come")
    return expires_at
