"""Signing in with a password: the same answer, after the same time, whatever was wrong."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from commands.decision import Context
from commands.handle import Handler
from commands.identity import accounts as identity
from commands.identity import second_factor, throttle
from commands.identity.codes import Codes
from commands.identity.passwords import Passwords
from commands.identity.sessions import Sessions, SignedIn
from commands.identity.throttle import Count, SignInAttempts
from commands.identity.users import RehashPassword
from commands.ports import Append, Clock, EventStore, NewId, Owner, StreamEvents
from commands.registry_identity import REHASH_PASSWORD
from domain.errors import DomainError
from domain.event import Actor, Event, Metadata
from domain.security import SecondFactorFailed, SignInFailed
from domain.tenant import PLATFORM
from domain.user import Status, User, evolve

_NOBODY = Owner(PLATFORM, UUID(int=0))


class Login(Struct, forbid_unknown_fields=True, kw_only=True):
    """Sign in."""

    email: str
    password: str
    totp: str | None = None


class SignIn:
    """Lets in who knows the password, and has the second factor where one is asked for.

    Failures become security events of the tenant, off the way of the answer.
    """

    def __init__(
        self,
        store: EventStore,
        handler: Handler,
        passwords: Passwords,
        attempts: SignInAttempts,
        codes: Codes,
        sessions: Sessions,
        clock: Clock,
        new_id: NewId,
        later: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._store = store
        self._handler = handler
        self._passwords = passwords
        self._attempts = attempts
        self._codes = codes
        self._sessions = sessions
        self._clock = clock
        self._new_id = new_id
        self._later = later

    async def with_password(self, asked: Login, correlated: Metadata, client: str | None) -> SignedIn:
        """The tokens of a new session. `correlated` is how the request is traced; its actor is found here.

        Raises:
            DomainError: auth.invalid_credentials, auth.totp_required, auth.throttled or auth.busy.
        """
        login, address = identity.login_name(asked.email), correlated.address or ""
        owner = await self._store.holder(PLATFORM, identity.EMAIL_CLAIM, login) or _NOBODY
        known = await self._attempts.is_known(owner.tenant_id, owner.stream_id, address)
        counts = throttle.counts(login, address, known=known)
        if wait := await self._attempts.begin(counts):
            raise throttle.throttled(wait)
        # Only now: a refusal above takes as long for nobody, whose stream is read below all the same.
        person = await self._person(owner)
        right = await self._passwords.verify(asked.password, person.password_hash if person else None)
        if person is None or not right or person.status is not Status.ACTIVE:
            if person:
                self._later(self._note(owner.tenant_id, SignInFailed(user_id=person.id), correlated))
            raise identity.invalid_credentials()
        metadata = Metadata(
            actor=Actor("user", person.id),
            correlation_id=correlated.correlation_id,
            traceparent=correlated.traceparent,
            address=correlated.address,
        )
        context = Context(tenant_id=owner.tenant_id, metadata=metadata)
        if person.totp_enabled:
            await self._second_factor(context, person, asked.totp, counts, correlated)
        await self._attempts.succeeded(counts)
        if self._passwords.is_outdated(person.password_hash):
            await self._rehash(context, person, asked.password)
        return await self._sessions.begin(metadata, owner.tenant_id, person.id, person.epoch, client)

    async def _second_factor(
        self, context: Context, person: User, code: str | None, counts: Sequence[Count], correlated: Metadata
    ) -> None:
        if not code:
            # No guess, but nothing that makes up for guesses either: who has the password could ask in between.
            await self._attempts.taken_back(counts)
            raise second_factor.required()
        if not await self._codes.let_in(context, person, code):
            self._later(self._note(context.tenant_id, SecondFactorFailed(user_id=person.id), correlated))
            raise identity.invalid_credentials()

    async def _person(self, owner: Owner) -> User | None:
        state: User | None = None
        for item in await self._store.load(owner.tenant_id, owner.stream_id):
            state = evolve(state, item.event, stream_id=item.stream_id, at=item.recorded_at)
        return state

    async def _rehash(self, context: Context, person: User, password: str) -> None:
        command = RehashPassword(await self._passwords.hash(password))
        unchanged = frozenset({person.version})
        try:
            await self._handler.handle(
                context, REHASH_PASSWORD, lambda: (command, ()), stream_id=person.id, if_match=unchanged
            )
        except DomainError as error:
            # The user was changed meanwhile, perhaps the password itself: the next sign-in comes back to it.
            if error.code != "precondition.version":
                raise

    async def _note(self, tenant_id: UUID, failed: Event, correlated: Metadata) -> None:
        append = Append(
            tenant_id=tenant_id,
            command_id=self._new_id(),
            metadata=correlated,
            streams=(StreamEvents(self._new_id(), 0, (failed,)),),
            occurred_at=self._clock(),
        )
        await self._store.append(append)
