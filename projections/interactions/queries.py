"""What is read of interactions: one, a page of a list, those to be reviewed, and what is to be done next."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from domain.interaction import (
    Attachment,
    Channel,
    Direction,
    Interaction,
    NextAction,
    Participant,
    Suggested,
    Type,
    missing,
    suggested,
)
from projections.ports import Connection

Bound = list[str]

INCOMPLETE = "incomplete"
"""The flag of what stands in the review queue."""


class InteractionView(Struct, frozen=True, kw_only=True):
    """An interaction as clients see it; `missing` is what is still to be found out.

    `suggested_contact` is who may be made the contact that is missing, in the call that completes it.
    """

    id: UUID
    version: int
    type: Type | None
    channel: Channel
    direction: Direction
    occurred_at: datetime | None
    recorded_at: datetime
    contact_id: UUID | None
    company_id: UUID | None
    lead_id: UUID | None
    participants: tuple[Participant, ...]
    attachments: tuple[Attachment, ...]
    subject: str | None
    body: str | None
    outcome: str | None
    duration_seconds: int | None
    next_action: NextAction | None
    thread_id: str | None
    external_id: str | None
    author_id: UUID | None
    flags: tuple[str, ...]
    missing: tuple[str, ...]
    suggested_contact: Suggested | None
    created_at: datetime
    updated_at: datetime


class Stored(Interaction, frozen=True, kw_only=True):
    """An interaction as it is in the read model."""

    at: datetime


class Sort(StrEnum):
    """Orders of a list: by when it happened (when it was told, while nobody knows)."""

    OCCURRED_AT = "occurred_at"
    OCCURRED_AT_DESC = "-occurred_at"


class Filters(Struct, frozen=True, omit_defaults=True):
    """Which interactions a list shows; what is None is not filtered by. `since` is included, `until` is not."""

    contact_id: UUID | None = None
    company_id: UUID | None = None
    lead_id: UUID | None = None
    author_id: UUID | None = None
    type: Type | None = None
    channel: Channel | None = None
    direction: Direction | None = None
    outcome: str | None = None
    thread_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class _List(Struct, frozen=True):
    """A list: what it is in the order of, which way, and what else must hold of what is in it."""

    column: str
    direction: str = "ASC"
    condition: str = "true"


_ALL = {Sort.OCCURRED_AT: _List("at"), Sort.OCCURRED_AT_DESC: _List("at", "DESC")}
_REVIEW = _List("recorded_at", condition="i.missing <> '{}'")
_NEXT = _List("due_at", condition="i.due_at IS NOT NULL")
_CONDITIONS: Mapping[str, str] = {
    "contact_id": "i.contact_id = %s",
    "company_id": "i.company_id = %s",
    "lead_id": "i.lead_id = %s",
    "author_id": "i.author_id = %s",
    "type": "i.type = %s",
    "channel": "i.channel = %s",
    "direction": "i.direction = %s",
    "outcome": "i.outcome = %s",
    "thread_id": "i.thread_id = %s",
    "since": "i.at >= %s",
    "until": "i.at < %s",
    "due_before": "i.due_at < %s",
}
_BY_ID = """
SELECT coalesce(json_agg(i), '[]')::text FROM read.interaction_v1 i WHERE i.tenant_id = %s AND i.id = %s
"""

_stored = msgspec.json.Decoder(list[Stored])
_SHARED = tuple(name for name in InteractionView.__struct_fields__ if hasattr(Interaction, name))


def view(state: Interaction) -> InteractionView:
    """An interaction's state as clients see it."""
    left = missing(state)
    shown = {name: getattr(state, name) for name in _SHARED if name != "next_action"}
    action = NextAction(state.next_action or "", state.due_at) if state.due_at else None
    who = suggested(state) if left else None
    return InteractionView(
        **shown, next_action=action, missing=left, flags=(INCOMPLETE,) if left else (), suggested_contact=who
    )


_IN_THREADS = """
SELECT i.thread_id, i.external_id, i.author_id FROM read.interaction_v1 i
 WHERE i.tenant_id = %s AND i.thread_id = ANY(%s) AND i.external_id IS NOT NULL ORDER BY i.at DESC, i.id LIMIT %s
"""


async def by_id(connection: Connection, tenant_id: UUID, interaction_id: UUID) -> Stored | None:
    """An interaction."""
    found = await (await connection.execute(_BY_ID, (tenant_id, interaction_id))).fetchone()
    return next(iter(_stored.decode(found[0])), None)


async def page(
    connection: Connection,
    tenant_id: UUID,
    filters: Filters,
    sort: Sort,
    *,
    after: Bound | None,
    limit: int,
    authors: Sequence[UUID] | None = None,
) -> tuple[list[Stored], Bound | None]:
    """A page of interactions, and the bound after which the next one starts; of some `authors` only, where given."""
    wanted = {name: value for name, value in structs.asdict(filters).items() if value is not None}
    return await _page(connection, tenant_id, _ALL[sort], wanted, after=after, limit=limit, authors=authors)


async def to_review(
    connection: Connection, tenant_id: UUID, *, after: Bound | None, limit: int, authors: Sequence[UUID] | None = None
) -> tuple[list[Stored], Bound | None]:
    """A page of the interactions of which something is missing, the oldest first."""
    return await _page(connection, tenant_id, _REVIEW, {}, after=after, limit=limit, authors=authors)


async def next_actions(
    connection: Connection,
    tenant_id: UUID,
    *,
    author_id: UUID | None,
    due_before: datetime | None,
    after: Bound | None,
    limit: int,
    authors: Sequence[UUID] | None = None,
) -> tuple[list[Stored], Bound | None]:
    """A page of the interactions after which something is to be done, the most urgent first."""
    asked = {"author_id": author_id, "due_before": due_before}
    wanted = {name: value for name, value in asked.items() if value is not None}
    return await _page(connection, tenant_id, _NEXT, wanted, after=after, limit=limit, authors=authors)


async def _page(
    connection: Connection,
    tenant_id: UUID,
    listed: _List,
    wanted: Mapping[str, Any],
    *,
    after: Bound | None,
    limit: int,
    authors: Sequence[UUID] | None,
) -> tuple[list[Stored], Bound | None]:
    conditions = ["i.tenant_id = %s", listed.condition, *(_CONDITIONS[name] for name in wanted)]
    parameters = [tenant_id, *wanted.values()]
    if authors is not None:
        conditions.append("i.author_id = ANY (%s)")
        parameters.append(list(authors))
    if after:
        comparison = "<" if listed.direction == "DESC" else ">"
        conditions.append(f"(i.{listed.column}, i.id) {comparison} (%s::timestamptz, %s::uuid)")
        parameters.extend(after)
    order = f"i.{listed.column} {listed.direction}, i.id {listed.direction}"
    inner = f"SELECT * FROM read.interaction_v1 i WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT %s"
    query = f"SELECT coalesce(json_agg(v), '[]')::text FROM ({inner}) v"
    found = await (await connection.execute(query, (*parameters, limit + 1))).fetchone()
    rows = _stored.decode(found[0])
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], [getattr(last, listed.column).isoformat(), str(last.id)]


async def in_threads(
    connection: Connection, tenant_id: UUID, threads: Sequence[str], *, most: int
) -> Sequence[tuple[str, str, UUID | None]]:
    """Thread, external id and author of the interactions in threads that have an external id, the newest first."""
    found = await connection.execute(_IN_THREADS, (tenant_id, list(threads), most))
    rows: Sequence[tuple[str, str, UUID | None]] = await found.fetchall()
    return rows
