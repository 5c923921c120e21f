"""Sessions: signed in with a password, kept with refresh tokens that are good once, ended.

A refresh token is the HMAC of its session and its generation in it, so none is stored, and the successor of one can be
given again: a client whose answer was lost, or that asked twice at once, gets the same one for a few seconds. Whatever
comes later with a used token has a copy of it, or has lost control of one: the session ends.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from msgspec import Struct

from commands.identity.access import (
    Authorization,
    Claims,
    InvalidTokenError,
    Principal,
    Tokens,
    session_ended,
    tenant_suspended,
)
from commands.ports import Append, Clock, EventStore, NewId, StreamEvents
from domain.errors import DomainError, GoneError, NotFoundError
from domain.event import Actor, Event, Metadata
from domain.security import RefreshReused
from domain.session import Ending, SessionEnded, SessionStarted


class RefreshToken(Struct, frozen=True):
    """What a refresh token says: the how-manieth it is of its session."""

    tenant_id: UUID
    session_id: UUID
    generation: int


class RefreshTokens(Protocol):
    """Spelling of refresh tokens; the same token is always spelt the same."""

    def spell(self, token: RefreshToken) -> str:
        """As clients have it."""
        ...

    def read(self, text: str) -> RefreshToken:
        """What it says. Raises InvalidTokenError when it was not spelt here."""
        ...


class NewSession(Struct, frozen=True, kw_only=True):
    """A session that begins; `client` is what the program says of itself."""

    id: UUID
    user_id: UUID
    epoch: int
    client: str | None
    address: str | None


class Session(Struct, frozen=True, kw_only=True):
    """A session that lasts."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    client: str | None
    address: str | None


class Refreshed(Struct, frozen=True):
    """What became of a refresh; of "unknown" the rest says nothing. `fresh`: it is this that ended the session."""

    outcome: Literal["rotated", "repeated", "reused", "ended", "unknown"]
    generation: int | None
    user_id: UUID | None
    epoch: int | None
    fresh: bool


class SessionRows(Protocol):
    """What changes with every refresh. Every method is one atomic step, whoever else asks at the same time."""

    async def start(self, tenant_id: UUID, session: NewSession) -> None:
        """Begin a session, with generation 1."""
        ...

    async def refresh(self, tenant_id: UUID, session_id: UUID, generation: int) -> Refreshed:
        """Rotate, repeat, or end."""
        ...

    async def end(self, tenant_id: UUID, session_id: UUID, user_id: UUID) -> Literal["ended", "over", "unknown"]:
        """End a session of a user, unless it is over already, or none of theirs."""
        ...

    async def of_user(self, tenant_id: UUID, user_id: UUID, epoch: int) -> Sequence[Session]:
        """Sessions of a user that last, newest first."""
        ...


class SignedIn(Struct, frozen=True, kw_only=True):
    """Both tokens; the access token lives `expires_in` seconds."""

    access_token: str
    refresh_token: str
    expires_in: int


class Sessions:
    """Begins, keeps and ends sessions.

    Events of a beginning come before its row, those of an end after: what fails half-way lets nobody in.
    """

    def __init__(
        self,
        store: EventStore,
        rows: SessionRows,
        authorization: Authorization,
        access: Tokens,
        refresh: RefreshTokens,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._store = store
        self._rows = rows
        self._authorization = authorization
        self._access = access
        self._refresh = refresh
        self._clock = clock
        self._new_id = new_id

    async def begin(
        self, metadata: Metadata, tenant_id: UUID, user_id: UUID, epoch: int, client: str | None
    ) -> SignedIn:
        """Sign a user in, whose credentials were right when the user was in this epoch.

        Raises:
            DomainError: tenant.suspended.
        """
        await self._let_in(tenant_id)
        session_id = self._new_id()
        await self._append(metadata, tenant_id, session_id, SessionStarted(user_id=user_id))
        return await self.begun(metadata, Claims(tenant_id, user_id, session_id, epoch), client)

    async def begun(self, metadata: Metadata, claims: Claims, client: str | None) -> SignedIn:
        """The tokens of a session whose first event is in the log."""
        row = NewSession(
            id=claims.session_id, user_id=claims.user_id, epoch=claims.epoch, client=client, address=metadata.address
        )
        await self._rows.start(claims.tenant_id, row)
        return self._tokens(claims, 1)

    async def refresh(self, text: str, correlated: Metadata) -> SignedIn:
        """The next tokens for a refresh token. `correlated` is how the request is traced; its actor is found here.

        Raises:
            DomainError: auth.refresh_invalid, auth.refresh_reused, auth.session_ended or tenant.suspended.
        """
        try:
            token = self._refresh.read(text)
        except InvalidTokenError:
            raise _invalid() from None
        await self._let_in(token.tenant_id)  # before the token is spent: the session goes on when the tenant does
        found = await self._rows.refresh(token.tenant_id, token.session_id, token.generation)
        if found.user_id is None or found.generation is None or found.epoch is None:
            raise _invalid()
        if found.outcome == "reused":
            if found.fresh:
                await self._reused(token, found.user_id, correlated)
            raise _reused()
        claims = Claims(token.tenant_id, found.user_id, token.session_id, found.epoch)
        if found.outcome == "ended":
            raise session_ended()
        await self._authorization.principal(claims)
        return self._tokens(claims, found.generation)

    async def end(self, metadata: Metadata, user: Principal, session_id: UUID, reason: Ending) -> int:
        """End one session of a user; answers the tenant's position after it.

        Raises:
            DomainError: session.not_found, session.deleted.
        """
        outcome = await self._rows.end(user.tenant_id, session_id, user.user_id)
        if outcome == "unknown":
            raise NotFoundError("session")
        self._authorization.forget(session_id)
        if outcome == "over":
            raise GoneError("session")
        ended = SessionEnded(user_id=user.user_id, reason=reason)
        return await self._append(metadata, user.tenant_id, session_id, ended, after=1)

    async def of_user(self, user: Principal) -> Sequence[Session]:
        """The sessions of a user that last, newest first."""
        return await self._rows.of_user(user.tenant_id, user.user_id, user.epoch)

    async def _let_in(self, tenant_id: UUID) -> None:
        if (await self._authorization.access(tenant_id)).suspended:
            raise tenant_suspended()

    async def _reused(self, token: RefreshToken, user_id: UUID, correlated: Metadata) -> None:
        metadata = Metadata(
            actor=Actor("user", user_id), correlation_id=correlated.correlation_id, address=correlated.address
        )
        reused = RefreshReused(user_id=user_id, session_id=token.session_id)
        ended = SessionEnded(user_id=user_id, reason=Ending.TOKEN_REUSED)
        streams = (StreamEvents(token.session_id, 1, (ended,)), StreamEvents(self._new_id(), 0, (reused,)))
        await self._store.append(self._appending(metadata, token.tenant_id, streams))

    async def _append(
        self, metadata: Metadata, tenant_id: UUID, stream_id: UUID, event: Event, *, after: int = 0
    ) -> int:
        streams = (StreamEvents(stream_id, after, (event,)),)
        return (await self._store.append(self._appending(metadata, tenant_id, streams))).position

    def _appending(self, metadata: Metadata, tenant_id: UUID, streams: tuple[StreamEvents, ...]) -> Append:
        return Append(
            tenant_id=tenant_id,
            command_id=self._new_id(),
            metadata=metadata,
            streams=streams,
            occurred_at=self._clock(),
        )

    def _tokens(self, claims: Claims, generation: int) -> SignedIn:
        access, lives = self._access.issue(claims)
        refresh = self._refresh.spell(RefreshToken(claims.tenant_id, claims.session_id, generation))
        return SignedIn(access_token=access, refresh_token=refresh, expires_in=lives)


def _invalid() -> DomainError:
    return DomainError("auth.refresh_invalid", "the refresh token is not valid", hint="Sign in again.")


def _reused() -> DomainError:
    return DomainError(
        "auth.refresh_reused",
        "this refresh token was used before, so its session has ended",
        hint="Sign in again. If the token was not sent twice by your own program, somebody may have a copy of it.",
    )
