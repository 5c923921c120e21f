"""What can be asked of imports, and what becomes of it. Pure: state in, events out."""

from collections.abc import Mapping

from msgspec import Struct

from commands.decision import Decision, Given
from commands.imports import mapping as import_mapping
from commands.visible import View
from domain.errors import DomainError
from domain.event import Event
from domain.imports import (
    Import,
    ImportAdvanced,
    ImportCancelled,
    ImportCompleted,
    ImportFailed,
    ImportMapped,
    ImportReceived,
    ImportStarted,
    ImportUndoStarted,
    Status,
)

BEFORE = frozenset({Status.UPLOADED, Status.READY})
OVER = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})


class Receive(Struct, frozen=True):
    """A file was taken in; start at once where it can be."""

    event: ImportReceived
    start: bool = False


class Map(Struct, frozen=True, kw_only=True):
    """What the columns are; those that are not named are left out."""

    mapping: Mapping[str, str | None]
    customs: Mapping[str, str]
    view: View


class Start(Struct, frozen=True):
    """Make contacts of the rows."""


class Cancel(Struct, frozen=True):
    """Stop; what was written stays."""


class Undo(Struct, frozen=True):
    """Take back what was written."""


def receive(command: Receive, _: Given[Import]) -> Decision:
    """An import more."""
    started: tuple[Event, ...] = (ImportStarted(),) if command.start and command.event.ready else ()
    return Decision(events=(command.event, *started))


def map_columns(command: Map, given: Given[Import]) -> Decision:
    """The columns by what somebody says of them; nothing when that was known.

    Raises:
        InvalidError: a column is not there, or can't be what it is said to be.
        DomainError: import.state, it has begun already.
    """
    state = _there(given)
    if state.status not in BEFORE:
        raise _refused(state, "its columns can't be changed", "Cancel or undo it, and upload the file again.")
    import_mapping.check(command.mapping, state.columns, command.customs, command.view)
    mapping = {column: command.mapping.get(column) for column in state.columns}
    if mapping == state.mapping:
        return Decision()
    return Decision(events=(ImportMapped(mapping=mapping, ready=import_mapping.is_ready(mapping)),))


def start(_: Start, given: Given[Import]) -> Decision:
    """It runs from now on; nothing when it does.

    Raises:
        DomainError: import.not_ready, import.state.
    """
    state = _there(given)
    if state.status is Status.RUNNING:
        return Decision()
    if state.status is Status.UPLOADED:
        raise DomainError(
            "import.not_ready",
            "no column is a name, an e-mail or a phone",
            hint="Say what the columns are with PUT /v1/imports/{id}/mapping first.",
        )
    if state.status is not Status.READY:
        raise _refused(state, "it can't be started", "Upload the file again.")
    return Decision(events=(ImportStarted(),))


def cancel(_: Cancel, given: Given[Import]) -> Decision:
    """It stops; nothing when it has.

    Raises:
        DomainError: import.state, it is over.
    """
    state = _there(given)
    if state.status is Status.CANCELLED:
        return Decision()
    if state.status not in {*BEFORE, Status.RUNNING}:
        raise _refused(state, "it can't be cancelled", "What it has written can be taken back with POST .../undo.")
    return Decision(events=(ImportCancelled(),))


def undo(_: Undo, given: Given[Import]) -> Decision:
    """It is taken back from now on; nothing when it is already.

    Raises:
        DomainError: import.state, it goes on, or never began.
    """
    state = _there(given)
    if state.status in {Status.UNDOING, Status.UNDONE}:
        return Decision()
    if state.status not in OVER:
        raise _refused(state, "it can't be undone", "Cancel it first.")
    return Decision(events=(ImportUndoStarted(),))


def advanced(state: Import, event: ImportAdvanced) -> tuple[Event, ...]:
    """A portion was worked through, the last one maybe."""
    return (event, ImportCompleted()) if event.portion + 1 >= state.portions else (event,)


def failed(code: str) -> tuple[Event, ...]:
    """It can't go on."""
    return (ImportFailed(code=code),)


def _there(given: Given[Import]) -> Import:
    assert given.state is not None  # noqa: S101  a use case that does not create always has a state
    return given.state


def _refused(state: Import, what: str, hint: str) -> DomainError:
    return DomainError(
        "import.state", f"the import is {state.status.value}: {what}", hint=hint, members={"state": state.status.value}
    )
