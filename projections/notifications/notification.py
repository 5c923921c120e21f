"""What users are told of, a row each, and what they have read of it.

A notification follows from one event, and what is read is kept apart from it: so each row is of one stream.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain.event import Event, Recorded, topics
from domain.lead import LeadAssigned, LeadFlaggedInactive, LeadRegistered
from domain.note import NoteAdded, NoteEdited
from domain.notification import InboxRead, Kind, NotificationRead, notification_id
from projections.folding import json_text
from projections.ports import Connection
from projections.projection import Projection

_DDL = """
CREATE TABLE read.notification_v1 (
    tenant_id uuid NOT NULL,
    id        uuid NOT NULL,
    stream_id uuid NOT NULL,
    user_id   uuid NOT NULL,
    kind      text NOT NULL,
    position  bigint NOT NULL,
    at        timestamptz NOT NULL,
    actor_id  uuid,
    refs      jsonb NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ON read.notification_v1 (tenant_id, user_id, position);
CREATE INDEX ON read.notification_v1 (tenant_id, position);
CREATE INDEX ON read.notification_v1 (tenant_id, stream_id);
-- `stream_id` is the notification that was read or, with a position up to which all are, the user's inbox.
CREATE TABLE read.notification_read_v1 (
    tenant_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    user_id   uuid NOT NULL,
    up_to     bigint,
    read_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, stream_id)
);

-- Tenants with notifications of which nobody has made mails yet.
CREATE FUNCTION store.notification_news_v1(most integer) RETURNS TABLE (tenant_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT h.tenant_id FROM store.tenant_head h LEFT JOIN store.mail_turn t ON t.tenant_id = h.tenant_id
     WHERE EXISTS (SELECT FROM read.notification_v1 n
                    WHERE n.tenant_id = h.tenant_id AND n.position > coalesce(t.position, 0))
     LIMIT most
$$;
REVOKE EXECUTE ON FUNCTION store.notification_news_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.notification_news_v1 TO rapport_append;
"""
_SAVE = """
INSERT INTO notification_v1 SELECT * FROM jsonb_to_recordset(%s::jsonb)
  AS r (tenant_id uuid, id uuid, stream_id uuid, user_id uuid, kind text, position bigint, at timestamptz,
        actor_id uuid, refs jsonb)
ON CONFLICT (tenant_id, id) DO NOTHING
"""
_SAVE_READ = """
INSERT INTO notification_read_v1 AS n SELECT * FROM jsonb_to_recordset(%s::jsonb)
  AS r (tenant_id uuid, stream_id uuid, user_id uuid, up_to bigint, read_at timestamptz)
ON CONFLICT (tenant_id, stream_id) DO UPDATE SET up_to = excluded.up_to, read_at = excluded.read_at
 WHERE n.up_to IS NOT NULL
"""
_LATE = timedelta(days=1)


class Told(Struct, frozen=True):
    """What an event tells a user of."""

    user_id: UUID
    kind: Kind
    refs: Mapping[str, UUID]


def _inactive(item: Recorded[LeadFlaggedInactive]) -> Iterator[Told]:
    if item.event.owner_id:
        yield Told(item.event.owner_id, Kind.LEAD_INACTIVE, {"lead_id": item.stream_id})


def _assigned(item: Recorded[LeadAssigned]) -> Iterator[Told]:
    if item.event.owner_id and item.event.owner_id != item.metadata.actor.id:
        yield Told(item.event.owner_id, Kind.LEAD_ASSIGNED, {"lead_id": item.stream_id})


def _given(item: Recorded[LeadRegistered]) -> Iterator[Told]:
    """A new lead for somebody else. One of the past is no news, and what keys bring in is their user's own."""
    is_news = item.metadata.actor.kind == "user" and item.recorded_at - item.occurred_at < _LATE
    if is_news and item.event.owner_id and item.event.owner_id != item.metadata.actor.id:
        yield Told(item.event.owner_id, Kind.LEAD_ASSIGNED, {"lead_id": item.stream_id})


def _mentioned(item: Recorded[NoteAdded | NoteEdited]) -> Iterator[Told]:
    event = item.event
    for user_id in dict.fromkeys(event.mentions if isinstance(event, NoteAdded) else event.newly_mentioned):
        if user_id != item.metadata.actor.id:
            yield Told(user_id, Kind.MENTION, {"note_id": item.stream_id, "contact_id": event.subject_id})


TELLING: Mapping[type[Event], Callable[[Recorded[Any]], Iterator[Told]]] = {
    LeadFlaggedInactive: _inactive,
    LeadAssigned: _assigned,
    LeadRegistered: _given,
    NoteAdded: _mentioned,
    NoteEdited: _mentioned,
}
"""Whom each event tells of what: another one is a line here."""


def _rows(events: Sequence[Recorded[Any]]) -> Iterator[dict[str, Any]]:
    for item in events:
        telling = TELLING.get(type(item.event))
        for told in telling(item) if telling else ():
            yield {
                "tenant_id": item.tenant_id,
                "id": notification_id(item.stream_id, item.version, told.user_id),
                "stream_id": item.stream_id,
                "user_id": told.user_id,
                "kind": told.kind.value,
                "position": item.position,
                "at": item.recorded_at,
                "actor_id": item.metadata.actor.id,
                "refs": {name: str(found) for name, found in told.refs.items()},
            }


def _reads(events: Sequence[Recorded[Any]]) -> Iterator[dict[str, Any]]:
    """The last row of each stream, but of a notification the first: it is read once."""
    found: dict[UUID, dict[str, Any]] = {}
    for item in events:
        match item.event:
            case NotificationRead(user_id=user_id):
                found.setdefault(item.stream_id, _read(item, user_id, None))
            case InboxRead(user_id=user_id, up_to=up_to):
                found[item.stream_id] = _read(item, user_id, up_to)
    yield from found.values()


def _read(item: Recorded[Any], user_id: UUID, up_to: int | None) -> dict[str, Any]:
    return {
        "tenant_id": item.tenant_id,
        "stream_id": item.stream_id,
        "user_id": user_id,
        "up_to": up_to,
        "read_at": item.recorded_at,
    }


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    if rows := list(_rows(events)):
        await connection.execute(_SAVE, (json_text(rows),))
    if reads := list(_reads(events)):
        await connection.execute(_SAVE_READ, (json_text(reads),))


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    return {
        "notification_v1": [tuple((row | {"refs": json_text(row["refs"])}).values()) for row in _rows(events)],
        "notification_read_v1": [tuple(row.values()) for row in _reads(events)],
    }


PROJECTION = Projection(
    name="notification",
    version=1,
    topics=topics([*TELLING, NotificationRead, InboxRead]),
    tables=("notification_v1", "notification_read_v1"),
    ddl=_DDL,
    apply=_apply,
    fold=_fold,
    stream_column="stream_id",
)
