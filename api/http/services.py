"""What the routes work with; bootstrap fills it."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from api.http.cursor import Cursors
from commands.handle import Handler
from commands.identity import Passwords, Tokens
from commands.ports import EventStore, NewId
from projections.contact_search import AnyContactSearch
from projections.ports import Connection


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

    def of(self, tenant_id: UUID) -> AbstractAsyncContextManager[Connection]:
        """A transaction that sees one tenant's rows."""
        ...

    async def rows(self, tenant_id: UUID, query: Any, parameters: tuple[Any, ...]) -> list[Any]:
        """One query under a tenant."""
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
    reads: Reads
    progress: Progress
    search: AnyContactSearch
    passwords: Passwords
    tokens: Tokens
    jwks: Mapping[str, Any]
    new_id: NewId
    cursors: Cursors
    in_progress: InProgress
    health: Callable[[], Awaitable[Mapping[str, Component]]]
    max_body: int
