"""A tenant's matching rules, and the pairs that somebody found to be two people: a row each, whatever is built anew."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from domain.event import Event, Recorded, topics
from domain.matching import (
    Dismissal,
    DuplicatesDismissed,
    MatchingRules,
    MatchingRulesSet,
    evolve_dismissal,
    evolve_rules,
    rules_id,
)
from projections.folding import evolved
from projections.ports import Connection
from projections.projection import Projection

_RULES_DDL = """
CREATE TABLE read.matching_rules_v1 (
    tenant_id  uuid NOT NULL,
    id         uuid NOT NULL,
    version    integer NOT NULL,
    keys       text[] NOT NULL,
    suggest_at double precision NOT NULL,
    merge_at   double precision NOT NULL,
    auto_merge boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
"""
_DISMISSED_DDL = """
CREATE TABLE read.duplicate_dismissed_v1 (
    tenant_id    uuid NOT NULL,
    id           uuid NOT NULL,
    one_id       uuid NOT NULL,
    other_id     uuid NOT NULL,
    dismissed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
"""
_SAVE_RULES = """
INSERT INTO matching_rules_v1 VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, id) DO UPDATE
   SET version = excluded.version, keys = excluded.keys, suggest_at = excluded.suggest_at, merge_at = excluded.merge_at,
       auto_merge = excluded.auto_merge, updated_at = excluded.updated_at
"""
_SAVE_DISMISSED = """
INSERT INTO duplicate_dismissed_v1 SELECT * FROM jsonb_to_recordset(%s::jsonb)
  AS r (tenant_id uuid, id uuid, one_id uuid, other_id uuid, dismissed_at timestamptz)
ON CONFLICT (tenant_id, id) DO NOTHING
"""
_LOAD = """
SELECT id, version, keys, suggest_at, merge_at, auto_merge, created_at, updated_at
  FROM {schema}matching_rules_v1 WHERE tenant_id = %s AND id = %s
"""
_MEMBERS = ("id", "version", "keys", "suggest_at", "merge_at", "auto_merge", "created_at", "updated_at")


async def rules_of(connection: Connection, tenant_id: UUID, *, schema: str = "read.") -> MatchingRules:
    """The rules of a tenant; the usual ones, as version 0, where it has set none."""
    rows = await connection.execute(_LOAD.format(schema=schema), (tenant_id, rules_id(tenant_id)))
    row = await rows.fetchone()
    if row is None:
        return MatchingRules(id=rules_id(tenant_id))
    return msgspec.convert(dict(zip(_MEMBERS, row, strict=True)), MatchingRules)


def _row(tenant_id: UUID, rules: MatchingRules) -> tuple[Any, ...]:
    values = (getattr(rules, name) for name in _MEMBERS)
    return (tenant_id, *(list(value) if isinstance(value, tuple) else value for value in values))


async def _apply_rules(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    state: MatchingRules | None = await rules_of(connection, tenant_id, schema="")
    state = state if state and state.version else None
    for item in events:
        state = evolved(evolve_rules, state, item)
    if state:
        await connection.execute(_SAVE_RULES, _row(tenant_id, state))


def _fold_rules(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    state: MatchingRules | None = None
    for item in events:
        state = evolved(evolve_rules, state, item)
    return {"matching_rules_v1": [_row(events[0].tenant_id, state)]} if state else {}


async def _apply_dismissed(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    first: dict[UUID, Dismissal] = {}
    for item in events:
        first.setdefault(item.stream_id, evolved(evolve_dismissal, None, item))
    rows = [
        {"tenant_id": tenant_id, "id": each.id, "one_id": one, "other_id": other, "dismissed_at": each.dismissed_at}
        for each in first.values()
        for one, other in (each.contact_ids,)
    ]
    await connection.execute(_SAVE_DISMISSED, (msgspec.json.encode(rows).decode(),))


def _fold_dismissed(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    if not events:
        return {}
    first = evolved(evolve_dismissal, None, events[0])
    return {"duplicate_dismissed_v1": [(events[0].tenant_id, first.id, *first.contact_ids, first.dismissed_at)]}


RULES = Projection(
    name="matching_rules",
    version=1,
    topics=topics((MatchingRulesSet,)),
    tables=("matching_rules_v1",),
    ddl=_RULES_DDL,
    apply=_apply_rules,
    fold=_fold_rules,
)
DISMISSED = Projection(
    name="duplicate_dismissed",
    version=1,
    topics=topics((DuplicatesDismissed,)),
    tables=("duplicate_dismissed_v1",),
    ddl=_DISMISSED_DDL,
    apply=_apply_dismissed,
    fold=_fold_dismissed,
)
