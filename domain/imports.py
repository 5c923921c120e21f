"""An import: a file of contacts, what becomes of its columns, and how far it has got. Facts and state.

Where it stands is in its own stream: each portion of rows is appended together with the event that says so. So a
portion is written once or not at all, whoever works on it, and however often somebody starts again.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct, field, structs

from domain.event import Event
from domain.personal import Personal


class Policy(StrEnum):
    """What becomes of a row whose contact is there already."""

    SKIP = "skip"
    UPDATE = "update"
    MERGE = "merge"
    CREATE = "create"


class Status(StrEnum):
    """Where an import stands."""

    UPLOADED = "uploaded"
    READY = "ready"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDOING = "undoing"
    UNDONE = "undone"


class Counts(Struct, frozen=True, omit_defaults=True):
    """What became of rows; `suggested` are among the created ones, for there may be such a contact already."""

    created: int = 0
    updated: int = 0
    merged: int = 0
    skipped: int = 0
    failed: int = 0
    suggested: int = 0

    @property
    def done(self) -> int:
        """How many rows that is."""
        return self.created + self.updated + self.merged + self.skipped + self.failed

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(*map(sum, zip(structs.astuple(self), structs.astuple(other), strict=True)))


class UndoCounts(Struct, frozen=True, omit_defaults=True):
    """What became of contacts that an import had written, and how many of the companies that it made were deleted.

    `refused` counts fields that others have changed since, and companies that are in use.
    """

    deleted: int = 0
    restored: int = 0
    refused: int = 0
    companies: int = 0

    def plus(self, other: "UndoCounts") -> "UndoCounts":
        """Both together."""
        return UndoCounts(*map(sum, zip(structs.astuple(self), structs.astuple(other), strict=True)))


class ImportReceived(Event, topic="import.received.v1", data_class="import"):
    """A file came.

    `portions` is how many it is kept in, `dates` says of a column which of day and month comes first, `country` is that
    of phone numbers without country code, `owner_id` the user who sent it.
    """

    mapping: Personal[dict[str, str | None]]
    policy: Policy
    encoding: str
    delimiter: str
    rows: int
    portions: int
    ready: bool
    file_name: Personal[str | None] = None
    columns: Personal[tuple[str, ...]] = ()
    dates: Personal[dict[str, str]] = field(default_factory=dict)
    country: str | None = None
    owner_id: UUID | None = None


class ImportMapped(Event, topic="import.mapped.v1", data_class="import"):
    """Somebody said what the columns are."""

    mapping: Personal[dict[str, str | None]]
    ready: bool


class ImportStarted(Event, topic="import.started.v1"):
    """Its rows become contacts from now on."""


class ImportAdvanced(Event, topic="import.advanced.v1"):
    """One portion of rows more was worked through: in the same append as what came of them."""

    portion: int
    counts: Counts


class ImportCompleted(Event, topic="import.completed.v1"):
    """All rows were worked through."""


class ImportFailed(Event, topic="import.failed.v1"):
    """It can't go on; what was written stays, and can be undone."""

    code: str


class ImportCancelled(Event, topic="import.cancelled.v1"):
    """Somebody stopped it; what was written stays, and can be undone."""


class ImportUndoStarted(Event, topic="import.undo_started.v1"):
    """What it wrote is taken back from now on."""


class ImportUndoAdvanced(Event, topic="import.undo_advanced.v1"):
    """What it had written up to a position of the log was looked at: in the same append as what was taken back.

    Contacts first, and when they are through, `companies`.
    """

    position: int
    counts: UndoCounts
    companies: bool = False


class ImportUndone(Event, topic="import.undone.v1"):
    """All that it wrote was taken back, but for what others have changed since."""


class Import(Struct, frozen=True, kw_only=True):
    """State of an import; `version` counts the stream's events.

    `portion` is the next to work through, `undone_to` the position up to which its contacts were taken back, and then
    `companies_undone_to` its companies.
    """

    id: UUID
    version: int
    status: Status
    file_name: str | None = None
    columns: tuple[str, ...] = ()
    mapping: dict[str, str | None]
    dates: dict[str, str]
    country: str | None = None
    owner_id: UUID | None = None
    policy: Policy
    encoding: str
    delimiter: str
    rows: int
    portions: int
    portion: int = 0
    counts: Counts = Counts()
    undone: UndoCounts = UndoCounts()
    undone_to: int = 0
    companies_undone_to: int = 0
    failure: str | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


EVENTS = (
    *(ImportReceived, ImportMapped, ImportStarted, ImportAdvanced, ImportCompleted, ImportFailed, ImportCancelled),
    *(ImportUndoStarted, ImportUndoAdvanced, ImportUndone),
)

_BECOMES: dict[type[Event], Status] = {
    ImportStarted: Status.RUNNING,
    ImportCompleted: Status.COMPLETED,
    ImportFailed: Status.FAILED,
    ImportCancelled: Status.CANCELLED,
    ImportUndoStarted: Status.UNDOING,
    ImportUndone: Status.UNDONE,
}


def evolve(state: Import | None, event: Event, *, stream_id: UUID, at: datetime) -> Import:
    """Apply one event, recorded at `at`.

    Raises:
        TypeError: the event is none of an import's, or comes where it can't.
    """
    if isinstance(event, ImportReceived) and state is None:
        members = structs.asdict(event)
        status = Status.READY if members.pop("ready") else Status.UPLOADED
        return Import(id=stream_id, version=1, status=status, created_at=at, updated_at=at, **members)
    if state is None or not isinstance(event, EVENTS):
        raise TypeError(f"{type(event).__name__} does not fit the state of this import")
    state = structs.replace(state, version=state.version + 1, updated_at=at)
    match event:
        case ImportMapped(mapping=mapping, ready=ready):
            return structs.replace(state, mapping=mapping, status=Status.READY if ready else Status.UPLOADED)
        case ImportAdvanced(portion=portion, counts=counts):
            return structs.replace(state, portion=portion + 1, counts=state.counts.plus(counts))
        case ImportUndoAdvanced(position=position, counts=undone, companies=companies):
            reached = {"companies_undone_to" if companies else "undone_to": position}
            return structs.replace(state, undone=state.undone.plus(undone), **reached)
        case ImportFailed(code=code):
            return structs.replace(state, status=Status.FAILED, failure=code)
        case _:
            return structs.replace(state, status=_BECOMES[type(event)])
