"""Interactions as they are, and as they were: one row each, and one for each version that ended.

A version of the past is written when a change ends it, so an interaction that nobody changes is stored once. What stood
at a position is those that have begun by then and, of those that ended later, the versions of then.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs

from domain import interaction as domain
from domain.event import Event, Recorded, topics
from domain.interaction import Interaction, missing
from projections.folding import array_text, evolved, from_lists, json_text
from projections.ports import Connection
from projections.projection import Projection

Row = list[Any]
"""In the order of the table's columns."""

# `at` is what lists go by: when it happened or, while nobody knows, when it was told.
_DDL = """
CREATE TABLE read.interaction_v1 (
    tenant_id        uuid NOT NULL,
    id               uuid NOT NULL,
    version          integer NOT NULL,
    position         bigint NOT NULL,
    at               timestamptz NOT NULL,
    type             text,
    channel          text NOT NULL,
    direction        text NOT NULL,
    occurred_at      timestamptz,
    recorded_at      timestamptz NOT NULL,
    contact_id       uuid,
    company_id       uuid,
    lead_id          uuid,
    author_id        uuid,
    outcome          text,
    duration_seconds integer,
    due_at           timestamptz,
    revision         integer,
    conversation_id  uuid,
    participants     jsonb NOT NULL,
    attachments      jsonb NOT NULL,
    subject          text,
    body             text,
    next_action      text,
    thread_id        text,
    external_id      text,
    missing          text[] NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ON read.interaction_v1 (tenant_id, at, id);
CREATE INDEX ON read.interaction_v1 (tenant_id, contact_id, at, id) WHERE contact_id IS NOT NULL;
CREATE INDEX ON read.interaction_v1 (tenant_id, lead_id, at, id) WHERE lead_id IS NOT NULL;
CREATE INDEX ON read.interaction_v1 (tenant_id, recorded_at, id) WHERE missing <> '{}';
CREATE INDEX ON read.interaction_v1 (tenant_id, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX ON read.interaction_v1 (tenant_id, thread_id, at, id) WHERE thread_id IS NOT NULL;
-- A version that stood from its position until another one. Each list has an index in its order, filters have none but
-- that by contact: few versions end.
CREATE TABLE read.interaction_past_v1 (
    LIKE read.interaction_v1,
    until bigint NOT NULL,
    PRIMARY KEY (tenant_id, id, position)
);
CREATE INDEX ON read.interaction_past_v1 (tenant_id, at, id);
CREATE INDEX ON read.interaction_past_v1 (tenant_id, contact_id, at, id) WHERE contact_id IS NOT NULL;
CREATE INDEX ON read.interaction_past_v1 (tenant_id, recorded_at, id) WHERE missing <> '{}';
CREATE INDEX ON read.interaction_past_v1 (tenant_id, due_at, id) WHERE due_at IS NOT NULL;
"""

_COLUMNS = """
    tenant_id uuid, id uuid, version integer, position bigint, at timestamptz, type text, channel text, direction text,
    occurred_at timestamptz, recorded_at timestamptz, contact_id uuid, company_id uuid, lead_id uuid, author_id uuid,
    outcome text, duration_seconds integer, due_at timestamptz, revision integer, conversation_id uuid,
    participants jsonb, attachments jsonb, subject text, body text, next_action text, thread_id text, external_id text,
    missing text[], created_at timestamptz, updated_at timestamptz
"""
_ORDER = tuple(column.split()[0] for column in _COLUMNS.split(","))
ALIKE = ", ".join(_ORDER)
"""The columns that both tables have."""
_LISTS = tuple(map(_ORDER.index, ("participants", "attachments")))
_LATER = ", ".join(f"{name} = excluded.{name}" for name in _ORDER if name not in {"tenant_id", "id", "created_at"})

_LOAD = """
SELECT coalesce(json_agg(i), '[]')::text FROM interaction_v1 i WHERE i.tenant_id = %s AND i.id = ANY(%s)
"""
_SAVE = f"""
INSERT INTO interaction_v1 {from_lists(_COLUMNS)}
ON CONFLICT (tenant_id, id) DO UPDATE SET {_LATER}
"""

_SAVE_PAST = f"INSERT INTO interaction_past_v1 {from_lists(f'{_COLUMNS}, until bigint')}"


class _Standing(Interaction, frozen=True, kw_only=True):
    """An interaction as its row has it: since a position."""

    position: int


_standing = msgspec.json.Decoder(list[_Standing])


def _row(tenant_id: UUID, interaction: Interaction, position: int) -> Row:
    known = structs.asdict(interaction)
    known |= {
        "tenant_id": tenant_id,
        "position": position,
        "at": interaction.occurred_at or interaction.recorded_at,
        "missing": array_text(missing(interaction)),
    }
    return [known[name] for name in _ORDER]


def _rows(standing: Sequence[_Standing], events: Sequence[Recorded[Event]]) -> tuple[list[Row], list[Row]]:
    """The rows of what stands after events, and those of the versions that they end, from what stood before."""
    tenant_id, ended = events[0].tenant_id, list[Row]()
    states: dict[UUID, Interaction] = {state.id: state for state in standing}
    positions = {state.id: state.position for state in standing}
    for item in events:
        before = states.get(item.stream_id)
        if before is not None:
            ended.append([*_row(tenant_id, before, positions[item.stream_id]), item.position])
        states[item.stream_id] = evolved(domain.evolve, before, item)
        positions[item.stream_id] = item.position
    return [_row(tenant_id, states[stream_id], position) for stream_id, position in positions.items()], ended


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    # What starts in this batch need not be looked for.
    known = {item.stream_id for item in events} - {item.stream_id for item in events if item.version == 1}
    rows, ended = _rows(await _load(connection, tenant_id, list(known)) if known else (), events)
    await connection.execute(_SAVE, (json_text(rows),))
    if ended:
        await connection.execute(_SAVE_PAST, (json_text(ended),))


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    rows, ended = _rows((), events)
    for values in (*rows, *ended):
        for place in _LISTS:
            values[place] = json_text(values[place])
    return {"interaction_v1": list(map(tuple, rows)), "interaction_past_v1": list(map(tuple, ended))}


async def _load(connection: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> list[_Standing]:
    found = await (await connection.execute(_LOAD, (tenant_id, list(ids)))).fetchone()
    return _standing.decode(found[0])


PROJECTION = Projection(
    name="interaction",
    version=1,
    topics=topics(domain.EVENTS),
    tables=("interaction_v1", "interaction_past_v1"),
    ddl=_DDL,
    apply=_apply,
    fold=_fold,
)
