"""What read models of companies and users share as long as a name is all that is read of them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from domain.event import Event, Recorded, topics
from projections.ports import Connection
from projections.projection import Projection


def named(name: str, version: int, registered: type[Event]) -> Projection:
    """A projection of records to id, version and name; `registered` is the event, with a `name`, that starts them."""
    table = f"{name}_v{version}"
    save = f"""
    INSERT INTO {table}
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r (
        tenant_id uuid, id uuid, version integer, name text, created_at timestamptz, updated_at timestamptz)
    ON CONFLICT (tenant_id, id) DO UPDATE
       SET version = excluded.version, name = excluded.name, updated_at = excluded.updated_at
    """

    async def apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
        await connection.execute(save, (msgspec.json.encode([_row(item) for item in events]).decode(),))

    def fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
        row = _row(events[0]) | {name: _row(events[-1])[name] for name in ("version", "name", "updated_at")}
        return {table: [tuple(row.values())]}

    ddl = f"""
    CREATE TABLE read.{table} (
        tenant_id  uuid NOT NULL,
        id         uuid NOT NULL,
        version    integer NOT NULL,
        name       text NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    """
    return Projection(
        name=name, version=version, topics=topics([registered]), tables=(table,), ddl=ddl, apply=apply, fold=fold
    )


def _row(item: Recorded[Any]) -> dict[str, Any]:
    return {
        "tenant_id": item.tenant_id,
        "id": item.stream_id,
        "version": item.version,
        "name": item.event.name,
        "created_at": item.recorded_at,
        "updated_at": item.recorded_at,
    }
