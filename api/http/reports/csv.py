"""Reports as CSV (RFC 4180): a line for each row, with a column for each type and outcome that there is."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from api.http.contacts.csv import MEDIA
from commands.cells import guarded
from projections.reports.figures import ReportRow

__all__ = ["MEDIA", "written"]

_BOM = "\ufeff"
_BY = ("by_type", "by_outcome")


def written(rows: Sequence[ReportRow], hides: Callable[[str], bool]) -> bytes:
    """The file, without the columns that `hides` says are hidden."""
    plain = [name for name in _COLUMNS if not hides(name.partition(".")[0])]
    each = [
        (member, value)
        for member in _BY
        if not hides(member)
        for value in sorted({value for row in rows for value in getattr(row, member)})
    ]
    text = io.StringIO()
    write = csv.writer(text).writerow  # its lines end as RFC 4180 wants it
    write([*(_HEADERS.get(name, name) for name in plain), *(guarded(f"{member}.{value}") for member, value in each)])
    for row in rows:
        write([_COLUMNS[name](row) for name in plain] + [getattr(row, member).get(value, 0) for member, value in each])
    return (_BOM + text.getvalue()).encode()


def _number(value: float | None) -> Any:
    return "" if value is None else value


_COLUMNS: dict[str, Callable[[ReportRow], Any]] = {
    "key": lambda row: guarded(row.key or ""),
    "label": lambda row: guarded(row.label or ""),
    "count": lambda row: row.count,
    "responses": lambda row: row.responses,
    "response_seconds.median": lambda row: _number(row.response_seconds.median),
    "response_seconds.p90": lambda row: _number(row.response_seconds.p90),
    "next_actions.due": lambda row: row.next_actions.due,
    "next_actions.overdue": lambda row: row.next_actions.overdue,
}
_HEADERS = {name: name.replace(".", "_") for name in _COLUMNS}
