"""The checker finds what it is there to find."""

import subprocess
import sys
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.company import CompanyRegistered
from infra.event_store.store import PostgresEventStore
from tests.acceptance.installation import ROOT
from tests.conftest import SECRET, Database
from tests.faults.check import check
from tests.infra.event_store.appends import append, one, stream
from tests.projections.reading import catch_up

pytestmark = pytest.mark.servers


@pytest.fixture
async def tenant(database: Database) -> UUID:
    """A tenant in good order."""
    store, made = PostgresEventStore(database.appends, database.service, SECRET), uuid4()
    for _ in range(3):
        await store.append(append(made, stream(uuid4(), count=3)))
    await store.append(one(made, CompanyRegistered(name="Engines")))
    await catch_up(database, made)
    return made


def test_what_is_in_order_is_counted(database: Database, tenant: UUID) -> None:
    report = check(database.admin_dsn, [tenant])
    assert report.problems == []
    assert (report.tenants, report.streams, report.events, report.commands, report.contacts) == (1, 4, 10, 4, 3)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("DELETE FROM store.event WHERE tenant_id = %(t)s AND position = 4", "position 5 follows 3"),
        ("DELETE FROM store.event WHERE tenant_id = %(t)s AND position = 4", "position 5 can't be folded"),
        ("DELETE FROM store.event WHERE tenant_id = %(t)s AND position = 10", "its head says"),
        ("DELETE FROM store.tenant_head WHERE tenant_id = %(t)s", "its head says None"),
        ("UPDATE store.tenant_head SET position = 11 WHERE tenant_id = %(t)s", "its head says"),
        ("UPDATE store.event SET version = 9 WHERE tenant_id = %(t)s AND position = 3", "version 9 follows 2"),
        (
            "UPDATE store.event SET recorded_at = 'epoch' WHERE tenant_id = %(t)s AND position = 5",
            "position 5 was recorded before 4",
        ),
        ("DELETE FROM read.contact_v1 WHERE tenant_id = %(t)s", "the read model None"),
        ("UPDATE read.contact_v1 SET version = version + 1 WHERE tenant_id = %(t)s", "version=4"),
        ("UPDATE read.contact_v1 SET position = 1 WHERE tenant_id = %(t)s", "the read model"),
        ("UPDATE read.contact_v1 SET title = 'Else' WHERE tenant_id = %(t)s", "title='Else'"),
        (
            """INSERT INTO read.contact_v1
               SELECT (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid()))).*
                 FROM read.contact_v1 c WHERE tenant_id = %(t)s""",
            "the log says None",
        ),
        ("UPDATE read.company_v1 SET name = 'Else' WHERE tenant_id = %(t)s", "the read model Else"),
        ("UPDATE read.checkpoint SET position = 9 WHERE tenant_id = %(t)s", "contact_v1 is at 9, the log at 10"),
    ],
)
def test_damage_is_found(database: Database, tenant: UUID, damage: LiteralString, found: str) -> None:
    with psycopg.connect(database.admin_dsn) as connection:
        assert connection.execute(damage, {"t": tenant}).rowcount > 0
    try:
        assert found in str(check(database.admin_dsn, [tenant]))
    finally:
        _forget(database, tenant)


def test_the_command_says_what_it_counted_and_fails_when_something_is_wrong(database: Database, tenant: UUID) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.faults.check", database.admin_dsn]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    with psycopg.connect(database.admin_dsn) as connection:
        connection.execute("UPDATE store.tenant_head SET position = 11 WHERE tenant_id = %s", (tenant,))
    try:
        ran = run()
        assert ran.returncode == 1
        assert " tenants, " in ran.stdout
        assert str(tenant) in ran.stdout
    finally:
        _forget(database, tenant)


def _forget(database: Database, tenant: UUID) -> None:
    """What was damaged is nobody else's business."""
    with psycopg.connect(database.admin_dsn) as connection:
        for table in ("store.event", "store.tenant_head", "store.command", "store.claim"):
            connection.execute(f"DELETE FROM {table} WHERE tenant_id = %s".encode(), (tenant,))
