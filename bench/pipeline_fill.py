"""The sums of the pipeline over many made-up leads, filled past the log: only to have many to look at."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid5

import psycopg
from msgspec import structs

from domain.lead import Lead, Stay
from domain.lead_status import MOVES, Act, Status
from domain.money import Money
from projections.pipeline.stays import Cell, Sums, stays_of

_START = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS = 700
_OWNERS = 35
_SOURCES = ("web", "fair", "referral", None)
_TABLES = ("stay", "now", "lasted", "day", "again")


def leads(tenant_id: UUID, count: int) -> Iterator[Lead]:
    """Leads of 35 owners and 4 sources that came in over 700 days and have made up to five moves."""
    chance = Random(7)
    for number in range(count):
        at = _START + timedelta(seconds=chance.randrange(_DAYS * 86_400))
        stays = _stays(chance, at)
        value = (
            Money(f"{chance.randrange(100, 90_000)}.00", chance.choice(("EUR", "USD")))
            if chance.random() < 0.9
            else None
        )
        yield Lead(
            id=uuid5(tenant_id, str(number)), version=len(stays), title="Engine", status=stays[-1].status, stays=stays,
            status_since=stays[-1].since, owner_id=UUID(int=1 + chance.randrange(_OWNERS)), value=value,
            source=chance.choice(_SOURCES), occurred_at=at, last_activity_at=at, created_at=at, updated_at=at,
        )  # fmt: skip


def _stays(chance: Random, at: datetime) -> tuple[Stay, ...]:
    """Where a lead has stood: each time it moves to one of those that the table of moves allows, or stays."""
    found = [Stay(Status.NEW, at)]
    for _ in range(5):
        status = found[-1].status
        ways = [to for act, to in MOVES[status].items() if to not in {None, status} and act is not Act.REOPEN]
        if not ways or chance.random() < 0.2:
            break
        at += timedelta(seconds=chance.lognormvariate(12, 1.5))
        found.append(Stay(chance.choice([to for to in ways if to]), at))
    return tuple(found)


def fill(dsn: str, tenant_id: UUID, count: int) -> None:
    """Stays and sums of so many leads, as the projection would have counted them."""
    sums = Sums()
    with psycopg.connect(dsn, options="-c synchronous_commit=off") as connection:
        _copy(connection, "stay", _counted(tenant_id, count, sums))
        for name in _TABLES[1:]:
            cells: dict[Cell, list[Any]] = getattr(sums, name)
            _copy(connection, name, ((tenant_id, *cell, *values) for cell, values in cells.items()))


def _counted(tenant_id: UUID, count: int, sums: Sums) -> Iterator[Sequence[Any]]:
    for lead in leads(tenant_id, count):
        stays = stays_of(lead)
        sums.count(stays, 1)
        yield from ((tenant_id, *structs.astuple(stay)) for stay in stays)


def tidy(dsn: str) -> None:
    """Statistics, and whatever a fill leaves to do."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"VACUUM (ANALYZE) {', '.join(f'read.pipeline_{name}_v1' for name in _TABLES)}".encode())
        connection.execute("CHECKPOINT")


def _copy(connection: psycopg.Connection[Any], name: str, rows: Iterable[Sequence[Any]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY read.pipeline_{name}_v1 FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)
