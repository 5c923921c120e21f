"""What imports need from the outside."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct

ROWS, ERRORS, UNDO = "rows", "errors", "undo"
"""Kinds of parts: the file's rows, what was wrong with them, and what could not be taken back."""


class Parts(Protocol):
    """What is kept of a file: sealed, in parts that are numbered from 0, for some days."""

    async def begin(self, tenant_id: UUID, import_id: UUID) -> None:
        """Make the key of a new import. Raises StoreUnavailableError, like all of these."""
        ...

    async def put(self, tenant_id: UUID, import_id: UUID, kind: str, number: int, data: bytes) -> None:
        """Keep a part, in place of one of that number."""
        ...

    async def get(self, tenant_id: UUID, import_id: UUID, kind: str, number: int) -> bytes | None:
        """A part; None when there is none, or no more."""
        ...

    async def numbers(self, tenant_id: UUID, import_id: UUID, kind: str) -> Sequence[int]:
        """Which parts of a kind there are, in order."""
        ...

    async def drop(self, tenant_id: UUID, import_id: UUID) -> None:
        """Delete all of an import."""
        ...


class Addressed(Protocol):
    """How far the read model is that says who has an e-mail or a phone."""

    def known(self, tenant_id: UUID) -> int:
        """The position of the log that it is known to have reached."""
        ...

    async def reached(self, tenant_id: UUID, position: int) -> bool:
        """Wait for a moment until it includes a position; whether it does."""
        ...


class Job(Struct, frozen=True):
    """An import that a worker has the turn with."""

    tenant_id: UUID
    import_id: UUID


class Jobs(Protocol):
    """Imports that workers are to go on with, one turn after another, no tenant ahead of the others."""

    async def take(self) -> Job | None:
        """A turn with one; None when nobody waits."""
        ...

    async def hold(self, job: Job) -> bool:
        """Whether the turn may go on; to be asked every few seconds."""
        ...

    async def leave(self, job: Job, *, done: bool) -> None:
        """The turn is over, and maybe the whole import."""
        ...

    async def sweep(self) -> int:
        """Delete what was kept for long enough; how many parts that were."""
        ...


class Queue(Protocol):
    """The way into the jobs."""

    async def queue(self, tenant_id: UUID, import_id: UUID) -> None:
        """Have a worker go on with an import."""
        ...


class StoppedError(Exception):
    """The turn is over: somebody has stopped the import or changed what it is about, or another worker is ahead."""
