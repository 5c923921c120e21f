"""What is read of interactions: one, and those of threads. Lists are in lists.py."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

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


_BY_ID = """
SELECT coalesce(json_agg(i), '[]')::text FROM read.interaction_v1 i WHERE i.tenant_id = %s AND i.id = %s
"""

stored = msgspec.json.Decoder(list[Stored])
"""Reads rows that came as one JSON text."""
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
    return next(iter(stored.decode(found[0])), None)


async def in_threads(
    connection: Connection, tenant_id: UUID, threads: Sequence[str], *, most: int
) -> Sequence[tuple[str, str, UUID | None]]:
    """Thread, external id and author of the interactions in threads that have an external id, the newest first."""
    found = await connection.execute(_IN_THREADS, (tenant_id, list(threads), most))
    rows: Sequence[tuple[str, str, UUID | None]] = await found.fetchall()
    return rows
