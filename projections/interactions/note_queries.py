"""What is read of notes: one, as it is or was, and its versions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.note import Note
from domain.rich_text import plain
from projections.interactions.note import Row
from projections.ports import Connection
from projections.position import Moment

# The newest version, also of a note that was removed; as of a moment, what stood then.
_NOW = """
SELECT coalesce(json_agg(v), '[]')::text FROM (
    SELECT * FROM read.note_v1 n WHERE n.tenant_id = %s AND n.id = %s AND n.since <= %s ORDER BY n.since DESC LIMIT 1) v
"""
_VERSIONS = """
SELECT coalesce(json_agg(v), '[]')::text FROM (
    SELECT * FROM read.note_v1 n WHERE n.tenant_id = %s AND n.id = %s AND n.version < %s AND n.since <= %s
     ORDER BY n.since DESC LIMIT %s) v
"""
_LAST = 2**62
_LAST_VERSION = 2**31 - 1


class NoteView(Struct, frozen=True, kw_only=True):
    """A note as clients see it. `text` is what its `html` says; it was changed so many times, last at `edited_at`."""

    id: UUID
    version: int
    contact_id: UUID
    html: str
    text: str
    author_id: UUID | None
    mentions: tuple[UUID, ...]
    edits: int
    edited_at: datetime | None
    created_at: datetime
    updated_at: datetime


class NoteVersion(Struct, frozen=True, kw_only=True):
    """What a note said from a time on, and who wrote that."""

    version: int
    html: str
    text: str
    author_id: UUID | None
    at: datetime


_rows = msgspec.json.Decoder(list[Row])


def view(note: Note) -> NoteView:
    """A note's state as clients see it."""
    return NoteView(
        id=note.id,
        version=note.version,
        contact_id=note.contact_id,
        html=note.html,
        text=plain(note.html),
        author_id=note.author_id,
        mentions=note.mentions,
        edits=note.edits,
        edited_at=note.edited_at,
        created_at=note.created_at,
        updated_at=note.updated_at,
    )


def view_of_row(row: Row) -> NoteView:
    """A version in the read model as clients see it."""
    edits = row.version - 1
    return NoteView(
        id=row.id,
        version=row.version,
        contact_id=row.contact_id,
        html=row.html,
        text=plain(row.html),
        author_id=row.author_id,
        mentions=row.mentions,
        edits=edits,
        edited_at=row.at if edits else None,
        created_at=row.created_at,
        updated_at=row.at,
    )


async def by_id(connection: Connection, tenant_id: UUID, note_id: UUID, as_of: Moment | None = None) -> Row | None:
    """A note as it is, or was as of a moment; with `until` where it is not there any more."""
    position = as_of.position if as_of else _LAST
    found = await (await connection.execute(_NOW, (tenant_id, note_id, position))).fetchone()
    row = next(iter(_rows.decode(found[0])), None)
    if row and row.until is not None and row.until > position:
        row.until = None
    return row


async def versions(
    connection: Connection,
    tenant_id: UUID,
    note_id: UUID,
    *,
    before: int | None,
    limit: int,
    as_of: Moment | None = None,
) -> tuple[Sequence[NoteVersion], int | None]:
    """A page of a note's versions, or of those until a moment, the newest first, and where the next page goes on."""
    asked = (tenant_id, note_id, before or _LAST_VERSION, as_of.position if as_of else _LAST, limit + 1)
    found = await (await connection.execute(_VERSIONS, asked)).fetchone()
    rows = _rows.decode(found[0])
    made = [
        NoteVersion(version=row.version, html=row.html, text=plain(row.html), author_id=row.editor_id, at=row.at)
        for row in rows[:limit]
    ]
    return made, made[-1].version if len(rows) > limit else None
