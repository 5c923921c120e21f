"""Read models brought up to date, and looked at whole."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from infra.event_store.log import PostgresLog
from infra.postgres import PROJECTOR
from projections.projection import Projection
from projections.registry import POSTGRES
from projections.runner import Runner
from tests.conftest import Database
from tests.projections.fakes import FakeDeliveries, Heard


async def catch_up(database: Database, tenant: UUID, projections: Sequence[Projection] = POSTGRES) -> None:
    """Apply a tenant's whole log."""
    runner = Runner(
        projections,
        log=PostgresLog(database.pools[PROJECTOR], database.keyring),
        deliveries=FakeDeliveries(),
        sessions=database.projector,
        announcements=Heard(),
    )
    await runner.catch_up(tenant)


def contents(database: Database, tenant: UUID, projections: Sequence[Projection] = POSTGRES) -> dict[str, list[Any]]:
    """Every row of a tenant in every table of some projections, in a fixed order."""
    found: dict[str, list[Any]] = {}
    with psycopg.connect(database.admin_dsn) as connection:
        for table in (table for projection in projections for table in projection.tables):
            query = sql.SQL("SELECT to_jsonb(t) FROM {} t WHERE tenant_id = %s ORDER BY to_jsonb(t)::text")
            rows = connection.execute(query.format(sql.Identifier("read", table)), (tenant,)).fetchall()
            found[table] = [row for (row,) in rows]
            # The order of words within a row says nothing.
            for row in found[table]:
                row.update({name: sorted(value) for name, value in row.items() if name in {"words", "near"}})
    return found


def checkpoints(database: Database, tenant: UUID) -> dict[str, int]:
    """Positions by projection."""
    with psycopg.connect(database.admin_dsn) as connection:
        return checkpoints_by(connection, tenant)


def checkpoints_by(connection: psycopg.Connection, tenant: UUID) -> dict[str, int]:
    """The same by an administrator's connection, for those who look again and again."""
    query = "SELECT projection, position FROM read.checkpoint WHERE tenant_id = %s"
    return dict(connection.execute(query, (tenant,)).fetchall())
