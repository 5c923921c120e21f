"""What the routes work with; bootstrap fills it."""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from typing import Any, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct, field

from api.http.address import Networks
from api.http.cursor import Cursors
from commands.batch.batches import Batches
from commands.handle import Handler
from commands.identity.access import Authorization, PastAccess, Tokens
from commands.identity.api_keys import ApiKeys, KeyUses
from commands.identity.codes import Codes
from commands.identity.passwords import Passwords
from commands.identity.sessions import Sessions
from commands.identity.sign_in import SignIn
from commands.identity.throttle import SignInAttempts
from commands.imports.portion import Imports
from commands.inbound.people import Inbound
from commands.limits import Limiter, Limits
from commands.notifications.mail import Mailer
from commands.ports import Clock, EventStore, NewId
from commands.violations import Tried
from projections.audit import AuditLog
from projections.contacts.search import AnyContactSearch
from projections.identity.last_logins import LastLogins
from projections.ports import Connection
from projections.position import Level

T = TypeVar("T")


class Progress(Protocol):
    """How far read models are."""

    def known(self, tenant_id: UUID, checkpoints: Collection[str]) -> int:
        """The position that all of these checkpoints are known to have reached, without asking."""
        ...

    async def reached(
        self,
        tenant_id: UUID,
        checkpoints: Collection[str],
        position: int,
        timeout: float,  # noqa: ASYNC109  not reaching it is an answer, not an error
    ) -> bool:
        """Wait until all of these checkpoints include a position; False when `timeout` seconds were not enough."""
        ...


class Reads(Protocol):
    """Connections to the read models, never without a tenant."""

    async def ask(
        self, tenant_id: UUID, query: Callable[[Connection], Awaitable[T]], *, at_least: Level | None = None
    ) -> T:
        """What a query finds, each statement in a transaction that sees one tenant's rows.

        A copy of the database may answer, a moment behind; what must be included is told by `at_least`. The query may
        be run twice, the second time elsewhere.
        """
        ...


class InProgress(Protocol):
    """Which idempotency keys are being worked on now: a courtesy, the event store decides."""

    async def begin(self, digest: bytes) -> bool:
        """Mark a key; False when it is marked already."""
        ...

    async def end(self, digest: bytes) -> None:
        """Take the mark away."""
        ...


class Component(Struct, frozen=True, omit_defaults=True):
    """State of one part, for /health/ready."""

    status: str
    backend: str | None = None


class Services(Struct, frozen=True, kw_only=True):
    """Everything that routes use."""

    store: EventStore
    handler: Handler
    batches: Batches
    reads: Reads
    audit: AuditLog
    progress: Progress
    search: AnyContactSearch
    passwords: Passwords
    tokens: Tokens
    authorization: Authorization
    past_access: PastAccess
    api_keys: ApiKeys
    key_uses: KeyUses
    sessions: Sessions
    sign_in: SignIn
    codes: Codes
    attempts: SignInAttempts
    mailer: Mailer
    later: Callable[[Coroutine[Any, Any, None]], None]
    jwks: Callable[[], Mapping[str, Any]]
    clock: Clock
    new_id: NewId
    cursors: Cursors
    imports: Imports
    inbound: Inbound
    in_progress: InProgress
    health: Callable[[], Awaitable[Mapping[str, Component]]]
    tried: Callable[[Tried], None]
    """Takes note of ids that were told to be of nothing; returns at once."""
    metrics: Callable[[], Awaitable[bytes]]
    metrics_token: str | None
    max_body: int
    body_seconds: float
    limits: Limits
    limiter: Limiter
    last_logins: LastLogins = field(default_factory=LastLogins)
    proxies: Networks
