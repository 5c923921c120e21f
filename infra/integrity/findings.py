"""What verification is about, and what it says."""

from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from infra.integrity.records import Checkpoint


class Kind(StrEnum):
    """What can be wrong."""

    HASH = "hash"
    """An event is not what it was when its hash was computed, or the event before it is another one."""
    POSITION = "position"
    """A position is missing."""
    VERSION = "version"
    """A stream's versions have a gap or are out of order."""
    HEAD = "head"
    """The head of a tenant's log is not its last event."""
    CHECKPOINT = "checkpoint"
    """The log is not what was signed, or the signature is not this installation's."""


class Finding(Struct, frozen=True, order=True):
    """Something wrong, and where it begins; position 0 when that can't be said."""

    tenant: UUID
    position: int
    kind: Kind
    message: str


class Segment(Struct, frozen=True):
    """A stretch of a tenant's log, with every checkpoint that lies within; `streams`: and its streams' versions."""

    tenant: UUID
    first: int
    last: int
    checkpoints: tuple[Checkpoint, ...] = ()
    streams: bool = False

    @property
    def events(self) -> int:
        """How many events that should be."""
        return self.last - self.first + 1


class Report(Struct):
    """What was looked at and found. `restores` counts the signed restores that explain checkpoints beyond the log."""

    tenants: int = 0
    events: int = 0
    checkpoints: int = 0
    restores: int = 0
    seconds: float = 0.0
    findings: list[Finding] = []
