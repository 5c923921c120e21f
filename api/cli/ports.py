"""What the commands of the command line work with. Whatever can't be done raises domain.errors.DomainError."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from commands.identity.access import PastAccess
from commands.identity.passwords import Passwords
from commands.ports import EventStore
from projections.aside import Aside, Scratch
from projections.audit import AuditLog
from projections.ports import Log, Sessions
from projections.projection import Projection
from projections.rebuild import Fill, OnProgress


class Writing(Protocol):
    """What it takes to carry out commands."""

    @property
    def store(self) -> EventStore:
        """The log."""
        ...

    @property
    def passwords(self) -> Passwords:
        """Hashes of passwords."""
        ...


class Operating(Protocol):
    """What the operator of the platform looks at, which is no tenant's."""

    @property
    def audit(self) -> AuditLog:
        """Logs from their ends."""
        ...

    @property
    def store(self) -> EventStore:
        """The logs."""
        ...

    @property
    def log(self) -> Log:
        """All tenants."""
        ...

    @property
    def past_access(self) -> PastAccess:
        """Who may do what in a tenant."""
        ...


class Projecting(Protocol):
    """What it takes to look at read models and to build them."""

    @property
    def log(self) -> Log:
        """The log as projections read it."""
        ...

    @property
    def sessions(self) -> Sessions:
        """Where projections write."""
        ...

    @property
    def projections(self) -> Sequence[Projection]:
        """All of them."""
        ...


class Index(Protocol):
    """The search index, as rebuilding sees it."""

    async def rebuild(self, on_progress: OnProgress | None = None) -> int:
        """Fill a new index beside the live one and put it in its place; returns the records."""
        ...


class Rebuilding(Projecting, Protocol):
    """What it takes to build read models anew, and to compare them."""

    @property
    def aside(self) -> Aside:
        """Tables beside those that are read."""
        ...

    @property
    def scratch(self) -> Scratch:
        """Tables for one session."""
        ...

    @property
    def fill(self) -> Callable[[int], Fill]:
        """What fills rows aside, in up to so many processes."""
        ...

    @property
    def search_index(self) -> Index | None:
        """None where contacts are searched in Postgres alone."""
        ...


class Finding(Protocol):
    """Something wrong with the log, and where it begins; position 0 when that can't be said."""

    @property
    def tenant(self) -> UUID:
        """Whose log."""
        ...

    @property
    def position(self) -> int:
        """The first position concerned."""
        ...

    @property
    def kind(self) -> str:
        """hash, position, version, head or checkpoint."""
        ...

    @property
    def message(self) -> str:
        """For people."""
        ...


class Verified(Protocol):
    """What verification has looked at and found; can be encoded as JSON."""

    tenants: int
    events: int
    checkpoints: int
    restores: int
    seconds: float

    @property
    def findings(self) -> Sequence[Finding]:
        """What is wrong, in order; empty when all is well."""
        ...


class Exported(Protocol):
    """Checkpoints signed, events in them, and tenants of which nothing was signed, with the reason."""

    checkpoints: int
    events: int
    refused: dict[UUID, str]


class Integrity(Protocol):
    """The log against what was signed of it."""

    def verify(
        self,
        *,
        tenants: Sequence[UUID] | None,
        checkpoints: Path | None,
        jobs: int,
        on_start: Callable[[int], None],
        on_progress: Callable[[int], None],
    ) -> Verified:
        """Look at all tenants, or some; the callbacks are told how many events there are, and of those done."""
        ...

    async def checkpoint(self, tenants: Collection[UUID] | None) -> Exported:
        """Sign and export what has come since the last checkpoints."""
        ...

    async def proof(self, tenant_id: UUID, position: int) -> bytes:
        """The proof that an event is in the log, as a file."""
        ...

    def check_proof(self, content: bytes, pem: bytes) -> dict[str, Any]:
        """What is in a proof that holds under a public key."""
        ...


class Turn(Protocol):
    """A key that signs access tokens; can be encoded as JSON."""

    @property
    def kid(self) -> str:
        """As tokens name it."""
        ...

    @property
    def state(self) -> str:
        """published, signs, verifies or retired."""
        ...

    @property
    def signs_from(self) -> datetime:
        """Until another one does."""
        ...

    @property
    def retires_at(self) -> datetime | None:
        """When it leaves the JWKS; None where none follows it yet."""
        ...


class Keys(Protocol):
    """Keys of the installation."""

    def rotate(self, *, at_once: bool) -> str:
        """Make a new key that signs access tokens; answers its id."""
        ...

    def turns(self) -> Sequence[Turn]:
        """Every such key, by the time from which it signs."""
        ...

    def rewrap(self, *, on_start: Callable[[int], None], on_progress: Callable[[int], None]) -> int:
        """Wrap tenants' keys by the current master key; answers, and tells at the start, how many there were."""
        ...


class Installation(Protocol):
    """An installation that `up` has started."""

    def ready(self) -> dict[str, Any]:
        """The line of `rapport up --json`: addresses as of now, None for what is not there (yet)."""
        ...

    def watch(self) -> None:
        """Look after its processes; to be called a few times a second."""
        ...

    def stop(self) -> None:
        """Drain requests and stop everything."""
        ...


class Tools(Protocol):
    """What the commands work with."""

    def clock(self) -> datetime:
        """The time, in UTC."""
        ...

    def new_id(self) -> UUID:
        """A new id."""
        ...

    def start(
        self,
        *,
        data: Path | None,
        port: int,
        search: str | None,
        roles: Sequence[str],
        migrated: bool,
        tell: Callable[[str], None],
    ) -> Installation:
        """Start everything; returns when it serves. The other tools then work on what was started.

        None leaves a setting as the environment has it. `migrated` says that the schema is known to be current.
        """
        ...

    def migrate(self, *, restored: bool = False) -> list[str]:
        """Bring the database to the current schema; returns what was applied.

        One that is known to be `restored` from a backup begins another incarnation.
        """
        ...

    def writing(self) -> AbstractAsyncContextManager[Writing]:
        """The event store and what belongs to it."""
        ...

    def operating(self) -> AbstractAsyncContextManager[Operating]:
        """What the operator of the platform looks at."""
        ...

    def projecting(self) -> AbstractAsyncContextManager[Projecting]:
        """The log as projections read it, and where they write."""
        ...

    def rebuilding(self) -> AbstractAsyncContextManager[Rebuilding]:
        """The same, with tables beside those that are read."""
        ...

    @property
    def integrity(self) -> Integrity:
        """Verification, checkpoints and proofs."""
        ...

    @property
    def keys(self) -> Keys:
        """Turns of signing keys, and the master key."""
        ...
