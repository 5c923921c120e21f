"""Imports as clients see them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain.imports import Import, Policy, Status


class Progress(Struct, frozen=True):
    """How many rows are done, of how many."""

    done: int
    total: int


class Counted(Struct, frozen=True):
    """What became of rows. `suggested` are among the created ones: somebody much like them was there."""

    total: int
    created: int
    updated: int
    merged: int
    skipped: int
    failed: int
    suggested: int


class Undone(Struct, frozen=True):
    """What became of contacts when it was taken back, and how many of the companies that it had made were deleted.

    `refused` counts fields that others had changed since, and companies that are in use or were changed.
    """

    deleted: int
    restored: int
    refused: int
    companies: int


class ImportView(Struct, frozen=True, kw_only=True):
    """An import."""

    id: UUID
    version: int
    status: Status
    file_name: str | None
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    mapping: dict[str, str | None]
    dates: dict[str, str]
    country: str | None
    policy: Policy
    owner_id: UUID | None
    progress: Progress
    counts: Counted
    undone: Undone
    failure: str | None
    created_at: datetime
    updated_at: datetime


class PreviewRow(Struct, frozen=True, kw_only=True):
    """What would become of a row: `action` is create, update, merge, skip or fail. `match` is who is there already."""

    row: int
    action: str
    contact: dict[str, Any] | None
    match: dict[str, Any] | None
    errors: list[dict[str, Any]]


class Preview(Struct, frozen=True):
    """The first rows as they would become."""

    rows: list[PreviewRow]


def view(state: Import) -> ImportView:
    """An import as clients see it."""
    counts, undone = state.counts, state.undone
    return ImportView(
        id=state.id,
        version=state.version,
        status=state.status,
        file_name=state.file_name,
        encoding=state.encoding,
        delimiter=state.delimiter,
        columns=state.columns,
        mapping=state.mapping,
        dates=state.dates,
        country=state.country,
        policy=state.policy,
        owner_id=state.owner_id,
        progress=Progress(counts.done, state.rows),
        counts=Counted(
            total=state.rows,
            created=counts.created,
            updated=counts.updated,
            merged=counts.merged,
            skipped=counts.skipped,
            failed=counts.failed,
            suggested=counts.suggested,
        ),
        undone=Undone(undone.deleted, undone.restored, undone.refused, undone.companies),
        failure=state.failure,
        created_at=state.created_at,
        updated_at=state.updated_at,
    )
