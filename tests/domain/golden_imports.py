"""What the lines of the golden file about imports are read as."""

from uuid import UUID

from domain.event import Event
from domain.imports import (
    Counts,
    ImportAdvanced,
    ImportCancelled,
    ImportCompleted,
    ImportFailed,
    ImportMapped,
    ImportReceived,
    ImportStarted,
    ImportUndoAdvanced,
    ImportUndone,
    ImportUndoStarted,
    Policy,
    UndoCounts,
)

IMPORTS: dict[str, Event] = {
    "an import": ImportReceived(
        mapping={"Name": "name", "Junk": None},
        policy=Policy.UPDATE,
        encoding="utf-8",
        delimiter=",",
        rows=3,
        portions=1,
        ready=True,
        file_name="contacts.csv",
        columns=("Name", "Junk"),
        dates={"Name": "day"},
        country="DE",
        owner_id=UUID("01890000-0000-7000-8000-0000000000e1"),
    ),
    "the columns of an import": ImportMapped(mapping={"Name": None}, ready=False),
    "an import started": ImportStarted(),
    "a portion of an import": ImportAdvanced(
        portion=0, counts=Counts(created=2, updated=1, merged=1, skipped=1, failed=1, suggested=1)
    ),
    "an import completed": ImportCompleted(),
    "an import failed": ImportFailed(code="permission.missing"),
    "an import cancelled": ImportCancelled(),
    "an import taken back": ImportUndoStarted(),
    "a page of an import taken back": ImportUndoAdvanced(
        position=500, counts=UndoCounts(deleted=2, restored=1, refused=1)
    ),
    "an import gone": ImportUndone(),
}

IMPORTED_COMPANIES: dict[str, Event] = {
    "a page of companies of an import taken back": ImportUndoAdvanced(
        position=500, counts=UndoCounts(refused=1, companies=2), companies=True
    ),
}
