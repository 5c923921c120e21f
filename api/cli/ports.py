"""What the commands of the command line work with. Whatever can't be done raises domain.errors.DomainError."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from commands.identity import Passwords
from commands.ports import EventStore
from projections.ports import Log, Sessions
from projections.projection import Projection


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

    def migrate(self) -> list[str]:
        """Bring the database to the current schema; returns what was applied."""
        ...

    def writing(self) -> AbstractAsyncContextManager[Writing]:
        """The event store and what belongs to it."""
        ...

    def projecting(self) -> AbstractAsyncContextManager[Projecting]:
        """The log as projections read it, and where they write."""
        ...
