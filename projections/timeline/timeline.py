"""What happened with contacts, companies and leads, each of it an entry: what timelines show.

An entry keeps the ids of the records that it was written with; a contact that others were merged into is asked for by
all their ids. A row is written once and closed once, with the positions from and until which it stood, so that a
timeline as of a moment comes of the same table.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import msgspec
from msgspec import structs

from domain.company import CompanyDeleted, CompanyRegistered, CompanyRestored
from domain.event import Event, Recorded, topics
from domain.interaction import InteractionChanged, InteractionLogged
from domain.note import EVENTS as NOTES
from domain.note import NoteAdded, NoteEdited, NoteRemoved
from domain.rich_text import plain, title
from projections.folding import from_lists, json_text
from projections.ports import Connection
from projections.projection import Projection
from projections.timeline import leads, system
from projections.timeline.rows import COLUMNS, Entry, Row, rows_of, said
from projections.timeline.system import Refs

_ABOUT = ("contact_id", "company_id", "lead_id")
"""Which records an entry is shown with."""

# Of a stream's entries only the first, which has its id, says what the others are about.
_LOAD = """
SELECT coalesce(json_agg(t), '[]')::text
  FROM (SELECT DISTINCT ON (stream_id) * FROM timeline_v1
         WHERE tenant_id = %s AND stream_id = ANY(%s) AND id = stream_id AND until IS NULL
         ORDER BY stream_id, record_id) t
"""
_SAVE = f"""
WITH new AS (
    {from_lists(COLUMNS)}
), closed AS (
    UPDATE timeline_v1 t SET until = over.since
      FROM unnest(%s::uuid[], %s::bigint[]) AS over (id, since)
     WHERE t.tenant_id = %s AND t.stream_id = over.id AND t.id = over.id AND t.until IS NULL
)
INSERT INTO timeline_v1 SELECT * FROM new
"""

_OF_COMPANIES: Mapping[type[Event], str] = {
    CompanyRegistered: "created",
    CompanyDeleted: "deleted",
    CompanyRestored: "restored",
}


_entries = msgspec.json.Decoder(list[Entry])


def _all_told(first: Entry | None, item: Recorded[Any]) -> list[Entry]:
    """The entries that an event makes, or makes of the stream's first one."""
    if isinstance(item.event, leads.EVENTS):
        return _of_lead(first, item)
    entry = _of_note(first, item) if isinstance(item.event, NOTES) else _told(first, item)
    return [] if entry is None else [entry]


def _of_lead(first: Entry | None, item: Recorded[Any]) -> list[Entry]:
    """What a lead's event makes: an entry, and the first one anew where it changes whom the lead is of."""
    before = first.refs if first else {}
    after, found = leads.of(before, item.event, item.stream_id), []
    if first and after != before:
        found.append(structs.replace(first, refs=after))
    if kind := leads.kind(item.event):
        outcome = leads.MOVES.get(type(item.event))
        refs = after if item.version == 1 else leads.where(kind, before, after, item.stream_id)
        found.append(structs.replace(_entry(item, kind, refs), outcome=outcome))
    return found


def _of_note(first: Entry | None, item: Recorded[Any]) -> Entry | None:
    """A note, what it says now, or that it is gone."""
    match item.event:
        case NoteAdded(contact_id=contact_id, author_id=author_id, html=html):
            made = _entry(item, "note", {"contact_id": contact_id})
            return _written(structs.replace(made, author_id=author_id, type="note"), html)
        case NoteEdited(html=html) if first:
            return _written(first, html)
        case NoteRemoved() if first:
            return structs.replace(first, gone=True)
        case _:
            return None


def _told(first: Entry | None, item: Recorded[Any]) -> Entry | None:
    """The entry that an event makes, or makes of the stream's first one; None for what is not shown."""
    match item.event:
        case InteractionLogged():
            return _logged(item, item.event)
        case InteractionChanged() if first:
            return _changed(first, item.event.changes())
        case event if kind := _OF_COMPANIES.get(type(event)):
            return _entry(item, kind, {"company_id": item.stream_id})
        case _ if shown := system.of_contact(item):
            return _entry(item, *shown)
        case _:
            return None


def _entry(item: Recorded[Any], kind: str, refs: Refs) -> Entry:
    """An entry of its own for an event; the first of a stream has the stream's id."""
    actor = item.metadata.actor
    return Entry(
        id=_id(item),
        stream_id=item.stream_id,
        kind=kind,
        at=item.occurred_at,
        told_at=item.recorded_at,
        author_id=actor.id if actor.kind == "user" else None,
        refs=refs,
    )


def _id(item: Recorded[Any]) -> UUID:
    return item.stream_id if item.version == 1 else uuid5(item.stream_id, str(item.version))


def _logged(item: Recorded[Any], event: InteractionLogged) -> Entry:
    """What starts an interaction. There are many of them, so it is made at once."""
    refs: Refs = {name: found for name in _ABOUT if (found := getattr(event, name))}
    return Entry(
        id=_id(item),
        stream_id=item.stream_id,
        kind="interaction",
        at=event.occurred_at or item.recorded_at,
        told_at=item.recorded_at,
        type=event.type,
        channel=event.channel,
        author_id=event.author_id,
        outcome=event.outcome,
        title=event.subject,
        said=said(event.body or ""),
        next=event.next_action,
        refs=system.with_participants(refs, event.participants) if event.participants else refs,
    )


def _changed(entry: Entry, values: Mapping[str, Any]) -> Entry:
    """An entry with what an interaction says of itself."""
    refs = dict(entry.refs) | {name: values[name] for name in _ABOUT if name in values}
    new: dict[str, Any] = {"refs": {name: found for name, found in refs.items() if found}}
    if "participants" in values:
        new["refs"] = system.with_participants(new["refs"], values["participants"])
    new |= {name: values[name] for name in ("type", "channel", "author_id", "outcome") if name in values}
    if "occurred_at" in values:
        new["at"] = values["occurred_at"] or entry.told_at
    if "subject" in values:
        new["title"] = values["subject"]
    if "next_action" in values:
        new["next"] = values["next_action"]
    if "body" in values:
        new["said"] = said(values["body"] or "")
    return structs.replace(entry, **new)


def _written(entry: Entry, html: str) -> Entry:
    """An entry with what a note says."""
    text = plain(html)
    return structs.replace(entry, title=title(text), said=said(text))


def _versions(first: dict[UUID, Entry], events: Sequence[Recorded[Event]]) -> tuple[list[Row], dict[UUID, int]]:
    """The rows that events make, from the first entries of their streams; those of an entry end with the next ones.

    Also where the rows end that stood before.
    """
    rows: list[Row] = []
    last: dict[UUID, list[Row]] = {}
    ends: dict[UUID, int] = {}
    for item in events:
        for entry in _all_told(first.get(item.stream_id), item):
            if entry.id in first and entry.id not in last:
                ends[entry.id] = item.position
            if entry.id == item.stream_id:
                first[item.stream_id] = entry
            for row in last.get(entry.id, ()):
                row.until = item.position
            last[entry.id] = rows_of(item.tenant_id, entry, item.position)
            rows += last[entry.id]
    return rows, ends


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id, events = events[0].tenant_id, [item for item in events if not system.is_silent(item)]
    if not events:
        return
    started = {item.stream_id for item in events if item.version == 1}
    known = {item.stream_id for item in events} - started
    standing = await _standing(connection, tenant_id, known) if known else {}
    rows, ends = _versions(standing, events)
    await connection.execute(_SAVE, (json_text(rows), list(ends), list(ends.values()), tenant_id))


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    rows, _ = _versions({}, events)
    return {"timeline_v1": [structs.astuple(structs.replace(row, refs=json_text(row.refs))) for row in rows]}


async def _standing(connection: Connection, tenant_id: UUID, streams: Iterable[UUID]) -> dict[UUID, Entry]:
    """The first entries of streams as they stand."""
    found = await (await connection.execute(_LOAD, (tenant_id, list(streams)))).fetchone()
    return {entry.id: entry for entry in _entries.decode(found[0])}


PROJECTION = Projection(
    name="timeline",
    version=1,
    topics=topics([InteractionLogged, InteractionChanged, *NOTES, *system.EVENTS, *_OF_COMPANIES, *leads.EVENTS]),
    tables=("timeline_v1",),
    ddl=Path(__file__).with_suffix(".sql").read_text(),
    apply=_apply,
    fold=_fold,
    stream_column="stream_id",
)
