"""Places in a tenant's log that reads go by."""

from datetime import datetime

from msgspec import Struct


class Level(Struct, frozen=True):
    """What a read has to include: the log up to a position, in the read models that have these checkpoints."""

    checkpoints: tuple[str, ...]
    position: int


class Moment(Struct, frozen=True):
    """A moment of the past, and the position that the log had reached by then (0: the tenant was not there yet)."""

    time: datetime
    position: int
