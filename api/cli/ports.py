"""What the commands of the command line work with; the composition root implements it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from commands.identity import Passwords
from commands.ports import Clock, EventStore, NewId
from projections.ports import Log, Sessions
from projections.projection import Projection


class UpOptions(Struct, frozen=True, kw_only=True):
    """The options of `rapport up`; None leaves a setting as the environment has it."""

    data: Path | None
    port: int
    search: str | None
    roles: tuple[str, ...]
    migrate: bool


class Ready(Struct, frozen=True, kw_only=True):
    """The line of `rapport up --json`: addresses of what runs, null for what is not there (yet)."""

    url: str | None
    grpc: str | None
    postgres: str | None
    postgres_admin: str | None
    nats: str | None
    valkey: str | None
    opensearch: str | None
    mail_folder: str | None
    pid: int


class Refused(Exception):  # noqa: N818  what is refused is not the program's error
    """A command can't be carried out; the message says why and the hint what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Writing(Struct, frozen=True):
    """What it takes to carry out commands."""

    store: EventStore
    passwords: Passwords
    clock: Clock
    new_id: NewId


class Projecting(Struct, frozen=True):
    """What it takes to look at read models and to build them."""

    log: Log
    sessions: Sessions
    projections: Sequence[Projection]


class Installation(Protocol):
    """An installation that `up` has started."""

    def ready(self) -> Ready:
        """Its addresses as of now."""
        ...

    def watch(self) -> None:
        """Look after its processes; to be called a few times a second."""
        ...

    def stop(self) -> None:
        """Drain requests and stop everything."""
        ...


class Tools(Protocol):
    """What the commands work with. Everything may raise Refused."""

    def start(self, options: UpOptions, tell: Callable[[str], None]) -> Installation:
        """Start everything; returns when it serves. The other tools then work on what was started."""
        ...

    def run_role(self, role: str, port: int | None) -> None:
        """Run one role in this process until SIGTERM."""
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
