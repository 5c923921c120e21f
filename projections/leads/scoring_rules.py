"""Every version of a tenant's scoring rules: scores that were made with one can be told by it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from domain import scoring as domain
from domain.event import Event, Recorded, topics
from domain.scoring import Rule, ScoringRulesSet
from projections.folding import json_text
from projections.ports import Connection
from projections.projection import Projection

_DDL = """
CREATE TABLE read.scoring_rules_v1 (
    tenant_id uuid NOT NULL,
    id        uuid NOT NULL,
    version   integer NOT NULL,
    rules     jsonb NOT NULL,
    set_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, version)
);
"""
_SAVE = """
INSERT INTO scoring_rules_v1 SELECT * FROM jsonb_to_recordset(%s::jsonb)
  AS r (tenant_id uuid, id uuid, version integer, rules jsonb, set_at timestamptz)
ON CONFLICT (tenant_id, version) DO NOTHING
"""

_rules = msgspec.json.Decoder(tuple[Rule, ...])


def decoded(text: str | None) -> tuple[Rule, ...]:
    """Rules as they are stored; none where there is nothing."""
    return _rules.decode(text) if text else ()


def _rows(events: Sequence[Recorded[Any]]) -> list[dict[str, Any]]:
    return [
        {
            "tenant_id": item.tenant_id,
            "id": item.stream_id,
            "version": item.version,
            "rules": item.event.rules,
            "set_at": item.recorded_at,
        }
        for item in events
        if isinstance(item.event, ScoringRulesSet)
    ]


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    await connection.execute(_SAVE, (json_text(_rows(events)),))


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    rows = [row | {"rules": json_text(row["rules"])} for row in _rows(events)]
    return {"scoring_rules_v1": [tuple(row.values()) for row in rows]}


async def newest(connection: Connection, tenant_id: UUID) -> int:
    """The version of the rules that were set last; 0 where none ever were."""
    query = "SELECT coalesce(max(version), 0) FROM read.scoring_rules_v1 WHERE tenant_id = %s"
    (found,) = await (await connection.execute(query, (tenant_id,))).fetchone()
    return int(found)


PROJECTION = Projection(
    name="scoring_rules",
    version=1,
    topics=topics(domain.EVENTS),
    tables=("scoring_rules_v1",),
    ddl=_DDL,
    apply=_apply,
    fold=_fold,
)
