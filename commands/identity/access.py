"""Who asks, by what token, and what they may do: the words for it, and the ports that find out."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from domain.access import Grants, Scope
from domain.authorization import Access, teams_of
from domain.custom_field import CustomField
from domain.errors import DomainError
from domain.event import Actor
from domain.field_rules import FREE, Fields, Rights
from domain.tenant_settings import USUAL, Settings


class Claims(Struct, frozen=True, cache_hash=True):
    """What an access token says: whose it is, of which session, begun in which epoch of the user."""

    tenant_id: UUID
    user_id: UUID
    session_id: UUID
    epoch: int


class Principal(Struct, frozen=True, kw_only=True):
    """Who a request speaks for, and what they may do now, whatever was so when the token was given."""

    tenant_id: UUID
    user_id: UUID
    session_id: UUID
    epoch: int
    roles: tuple[str, ...]
    grants: Grants
    fields: Fields = FREE
    """Fields that they may not write, or not even see."""
    colleagues: frozenset[UUID] = frozenset()
    """Who shares a team with them, where that matters."""
    key_id: UUID | None = None
    """The API key that acts for the user, with roles of its own; it is its own session."""
    custom: Mapping[str, Mapping[str, CustomField]] = MappingProxyType({})
    """The tenant's custom fields by kind of record and key, deleted ones too, as of the same moment."""
    settings: Settings = USUAL
    """What the tenant has set, as of the same moment."""
    teams: Mapping[UUID, frozenset[UUID]] = MappingProxyType({})
    """Who is in the tenant's teams, as of the same moment."""
    head: int = 0
    """How far the tenant's log went at that moment; 0 where it was not asked."""

    @property
    def actor(self) -> Actor:
        """As events name who acted."""
        return Actor("api_key", self.key_id) if self.key_id else Actor("user", self.user_id)

    @property
    def rights(self) -> Rights:
        """All that they may do, and so hand on."""
        return Rights(self.grants, self.fields)

    def teams_of(self, user_id: UUID) -> list[UUID]:
        """The teams that a user of the tenant is in."""
        return teams_of(self.teams, user_id)

    def may(self, permission: str) -> bool:
        """Whether they hold a permission for every record that there is."""
        return self.grants.get(permission) is Scope.ALL

    def owners(self, permission: str) -> tuple[UUID, ...] | None:
        """Whose records they hold a permission for: None is everybody's, and nobody's too."""
        match self.grants.get(permission):
            case Scope.ALL:
                return None
            case Scope.TEAM:
                return tuple(sorted({self.user_id, *self.colleagues}))
            case Scope.OWN:
                return (self.user_id,)
            case _:
                return ()

    def reaches(self, permission: str, owner_id: UUID | None) -> bool:
        """Whether they hold a permission for the records of an owner."""
        match self.grants.get(permission):
            case Scope.ALL:
                return True
            case Scope.TEAM:
                return owner_id == self.user_id or owner_id in self.colleagues
            case Scope.OWN:
                return owner_id == self.user_id
            case _:
                return False


class KeyClaims(Struct, frozen=True, cache_hash=True):
    """What an API key says: whose it is, and the digest of its secret."""

    tenant_id: UUID
    key_id: UUID
    digest: str


def speaking(
    access: Access, claims: Claims, roles: tuple[str, ...], *, key_id: UUID | None = None, head: int = 0
) -> Principal:
    """Who a request with these claims speaks for, in these roles, in a tenant with this access."""
    rights = access.rights(roles)
    return Principal(
        tenant_id=claims.tenant_id,
        user_id=claims.user_id,
        session_id=claims.session_id,
        epoch=claims.epoch,
        roles=roles,
        grants=rights.grants,
        fields=rights.fields,
        colleagues=access.colleagues_of(claims.user_id) if Scope.TEAM in rights.grants.values() else frozenset(),
        key_id=key_id,
        custom=access.custom,
        settings=access.settings,
        teams=access.teams,
        head=head,
    )


class InvalidTokenError(Exception):
    """A token that is no good."""

    def __init__(self, *, expired: bool = False) -> None:
        super().__init__("expired" if expired else "invalid")
        self.expired = expired


class Tokens(Protocol):
    """Access tokens."""

    def issue(self, claims: Claims) -> tuple[str, int]:
        """A token, and the seconds that it lives."""
        ...

    async def verify(self, token: str) -> Claims:
        """What a token says. Raises InvalidTokenError, StoreUnavailableError."""
        ...


class Authorization(Protocol):
    """Whether what a token says still holds, and what its user may do now.

    As of the last commit: an adapter may keep what it has read, but never past an event that changed it.
    """

    async def principal(self, claims: Claims) -> Principal:
        """Who a request with this token speaks for.

        Raises:
            DomainError: auth.session_ended, or the user is suspended or not there (the same answer); tenant.suspended.
            StoreUnavailableError: it can't be found out; nobody is let in on what was so a while ago.
        """
        ...

    async def of_key(self, claims: KeyClaims) -> Principal:
        """Who a request with this API key speaks for.

        Raises:
            DomainError: auth.key_ended, it was revoked, has expired, or the user it acts for is suspended;
                tenant.suspended.
            StoreUnavailableError: it can't be found out; nobody is let in on what was so a while ago.
        """
        ...

    def was_let_in(self, claims: Claims | KeyClaims) -> bool:
        """Whether the answer for these claims was a principal when it was last asked for, as far as is known here."""
        ...

    def forget(self, session_id: UUID) -> None:
        """Know nothing of a session any more: it has ended."""
        ...

    async def access(self, tenant_id: UUID) -> Access:
        """Who may do what in a tenant. Raises StoreUnavailableError."""
        ...


class PastAccess(Protocol):
    """Who might do what in the past, from the log."""

    async def at(self, tenant_id: UUID, position: int) -> Access:
        """A tenant's access as of a position. Raises StoreUnavailableError."""
        ...


def lacking(permission: str) -> DomainError:
    """The refusal of an act that needs a permission, or a wider one."""
    return DomainError(
        "permission.missing",
        f"this needs the permission {permission}",
        hint="Ask an admin of your company for a role that has it.",
        members={"permission": permission},
    )


def session_ended() -> DomainError:
    """The refusal of a token that was good, of a session that is over."""
    return DomainError("auth.session_ended", "this session is over", hint="Sign in again.")


def tenant_suspended() -> DomainError:
    """The refusal of everybody of a tenant that the platform's operator has suspended."""
    return DomainError(
        "tenant.suspended",
        "this company is suspended",
        hint="Ask whoever runs this installation.",
    )


def key_ended() -> DomainError:
    """The refusal of an API key that was good once."""
    return DomainError(
        "auth.key_ended",
        "this API key was revoked, has expired, or its user is suspended",
        hint="Ask an admin of your company for another key.",
    )
