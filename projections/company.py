"""Companies: their names by id."""

from collections.abc import Sequence
from typing import Any

import msgspec

from domain.company import CompanyRegistered
from domain.event import Event, Recorded, topics
from projections.ports import Connection
from projections.projection import Projection

_DDL = """
CREATE TABLE read.company_v1 (
    tenant_id  uuid NOT NULL,
    id         uuid NOT NULL,
    version    integer NOT NULL,
    name       text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
"""

_SAVE = """
INSERT INTO read.company_v1
SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r (
    tenant_id uuid, id uuid, version integer, name text, created_at timestamptz, updated_at timestamptz)
ON CONFLICT (tenant_id, id) DO UPDATE
   SET version = excluded.version, name = excluded.name, updated_at = excluded.updated_at
"""


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "tenant_id": item.tenant_id,
            "id": item.stream_id,
            "version": item.version,
            "name": item.event.name,
            "created_at": item.recorded_at,
            "updated_at": item.recorded_at,
        }
        for item in events
        if isinstance(item.event, CompanyRegistered)
    ]
    await connection.execute(_SAVE, (msgspec.json.encode(rows).decode(),))


PROJECTION = Projection(
    name="company",
    version=1,
    topics=topics([CompanyRegistered]),
    tables=("company_v1",),
    ddl=_DDL,
    apply=_apply,
)
