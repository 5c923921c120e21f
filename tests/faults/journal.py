"""What was asked of an installation, what became of it, and what was done to it meanwhile.

One JSON object a line, and one write a record: whatever was noted outlives the process that noted it, also when that
one is killed. A command without an outcome is one of which nobody knows.
"""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct, field


class Opened(Struct, frozen=True, tag="opened"):
    """A tenant as the load found it: what its log holds up to `position` is explained by that."""

    tenant: UUID
    position: int


class Asked(Struct, frozen=True, tag="asked"):
    """A command is about to be sent, under a mark of its own; `refusal` is the code that it has to be refused with, or
    `maybe` is."""

    mark: str
    tenant: UUID
    what: str
    refusal: str | None = None
    maybe: bool = False


class Acked(Struct, frozen=True, tag="acked"):
    """A command was acknowledged: its last event is at `position`, the record that it is about is `stream`."""

    mark: str
    position: int
    stream: UUID


class Refused(Struct, frozen=True, tag="refused"):
    """A command was refused with a code."""

    mark: str
    code: str


class Fault(Struct, frozen=True, tag="fault"):
    """Something was done to the installation."""

    what: str
    to: str


class Restored(Struct, frozen=True, tag="restored"):
    """An older copy of the database was put back; it ended at these positions."""

    heads: dict[UUID, int]


Record = Opened | Asked | Acked | Refused | Fault | Restored

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Record)


class Journal:
    """Adds records to a file; threads may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, record: Record) -> None:
        """Add a record."""
        os.write(self._file, _encoder.encode(record) + b"\n")

    def close(self) -> None:
        """Nothing more is noted."""
        os.close(self._file)


class Command(Struct):
    """One command with all that is known of it."""

    tenant: UUID
    what: str
    refusal: str | None
    maybe: bool
    acked: list[Acked] = field(default_factory=list)
    refused: str | None = None
    lost: bool = False
    """It was acknowledged, and then a copy of the database was put back that ends before it."""


class History(Struct):
    """A journal, read."""

    tenants: dict[UUID, int] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def acked(self) -> int:
        """Commands that were acknowledged."""
        return sum(bool(command.acked) for command in self.commands.values())

    @property
    def refused(self) -> int:
        """Commands that were refused."""
        return sum(command.refused is not None for command in self.commands.values())

    @property
    def unknown(self) -> int:
        """Commands of which nobody knows."""
        return len(self.commands) - self.acked - self.refused

    def take(self, record: Record) -> None:
        """Add a record."""
        match record:
            case Opened(tenant=tenant, position=position):
                self.tenants[tenant] = position
            case Asked(mark=mark, tenant=tenant, what=what, refusal=refusal, maybe=maybe):
                self.commands[mark] = Command(tenant, what, refusal, maybe)
            case Acked(mark=mark):
                self.commands[mark].acked.append(record)
            case Refused(mark=mark, code=code):
                self.commands[mark].refused = code
            case Fault(what=what):
                self.faults[what] += 1
            case Restored(heads=heads):
                self._restored(heads)

    def _restored(self, heads: dict[UUID, int]) -> None:
        for command in self.commands.values():
            if command.tenant in heads and any(acked.position > heads[command.tenant] for acked in command.acked):
                command.lost = True


def read(path: Path) -> History:
    """A journal as it lies there.

    Raises:
        msgspec.DecodeError: a line is none of a journal.
    """
    history = History()
    for record in _records(path):
        history.take(record)
    return history


def _records(path: Path) -> Iterator[Record]:
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):  # else the disk was full in the middle of it
            yield _decoder.decode(line)
