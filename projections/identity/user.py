"""Users as they are now: one row each, without what signs them in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from domain.event import Event, Recorded, topics
from domain.session import SessionStarted
from domain.user import (
    EVENTS,
    Status,
    UserChanged,
    UserInvited,
    UserJoined,
    UserRegistered,
    UserRestored,
    UserRolesChanged,
    UserSuspended,
)
from projections.ports import Connection
from projections.projection import Projection

_DDL = """
CREATE TABLE read.user_v1 (
    tenant_id     uuid NOT NULL,
    id            uuid NOT NULL,
    version       integer NOT NULL,
    name          text NOT NULL,
    email         text NOT NULL,
    roles         text[] NOT NULL,
    status        text NOT NULL,
    title         text,
    phone         text,
    timezone      text,
    locale        text,
    last_login_at timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80);
CREATE INDEX ON read.user_v1 (tenant_id, created_at, id);
"""

_LOAD = """
SELECT coalesce(json_agg(u), '[]')::text FROM user_v1 u WHERE u.tenant_id = %s AND u.id = ANY(%s)
"""
_SAVE = """
INSERT INTO user_v1
SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r (
    tenant_id uuid, id uuid, version integer, name text, email text, roles text[], status text, title text, phone text,
    timezone text, locale text, last_login_at timestamptz, created_at timestamptz, updated_at timestamptz)
ON CONFLICT (tenant_id, id) DO UPDATE
   SET version = excluded.version, name = excluded.name, roles = excluded.roles, status = excluded.status,
       title = excluded.title, phone = excluded.phone, timezone = excluded.timezone, locale = excluded.locale,
       last_login_at = excluded.last_login_at, updated_at = excluded.updated_at
"""


class Row(Struct, frozen=True, kw_only=True):
    """A row of read.user_v1."""

    tenant_id: UUID
    id: UUID
    version: int
    name: str
    email: str
    roles: tuple[str, ...]
    status: Status = Status.ACTIVE
    title: str | None = None
    phone: str | None = None
    timezone: str | None = None
    locale: str | None = None
    last_login_at: datetime | None = None
    created_at: datetime
    updated_at: datetime


_rows = msgspec.json.Decoder(list[Row])


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    ids = {_user_of(item) for item in events}
    found = await (await connection.execute(_LOAD, (events[0].tenant_id, list(ids)))).fetchone()
    rows = {row.id: row for row in _rows.decode(found[0])}
    for item in events:
        if after := _after(rows.get(_user_of(item)), item):
            rows[after.id] = after
    await connection.execute(_SAVE, (msgspec.json.encode(list(rows.values())).decode(),))


def _user_of(item: Recorded[Any]) -> UUID:
    user_id: UUID = item.event.user_id if isinstance(item.event, SessionStarted) else item.stream_id
    return user_id


def _after(row: Row | None, item: Recorded[Any]) -> Row | None:
    event = item.event
    if isinstance(event, UserRegistered):
        return Row(
            tenant_id=item.tenant_id,
            id=item.stream_id,
            version=item.version,
            name=event.name,
            email=event.email,
            roles=event.roles,
            created_at=item.recorded_at,
            updated_at=item.recorded_at,
        )
    if isinstance(event, UserInvited):
        return Row(
            tenant_id=item.tenant_id,
            id=item.stream_id,
            version=item.version,
            name="",
            email=event.email,
            roles=event.roles,
            status=Status.INVITED,
            created_at=item.recorded_at,
            updated_at=item.recorded_at,
        )
    if row is None:
        return None  # a session of a user who is not in this log
    if isinstance(event, SessionStarted):
        return structs.replace(row, last_login_at=item.recorded_at)
    return structs.replace(row, version=item.version, updated_at=item.recorded_at, **_changes(row, event))


def _changes(row: Row, event: Event) -> dict[str, Any]:
    match event:
        case UserChanged():
            return event.changes()
        case UserRolesChanged(roles=roles):
            return {"roles": roles}
        case UserSuspended():
            return {"status": Status.SUSPENDED}
        case UserRestored():
            return {"status": Status.ACTIVE if row.name else Status.INVITED}
        case UserJoined(name=name):
            return {"name": name, "status": Status.ACTIVE}
        case _:  # passwords and sign-outs, of which nothing is shown but that the user changed
            return {}


PROJECTION = Projection(
    name="user",
    version=1,
    topics=topics([*EVENTS, SessionStarted]),
    tables=("user_v1",),
    ddl=_DDL,
    apply=_apply,
    stream_column=None,
)
