"""The checker finds what it is there to find. Invariants 1, 3, 4 and 5."""

import os
import subprocess
import sys
from pathlib import Path
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.company import CompanyRegistered
from infra.event_store.store import PostgresEventStore
from infra.keys.master import local_master
from tests.acceptance.installation import ROOT
from tests.conftest import SECRET, TEXT, Database
from tests.faults.check import check
from tests.faults.checks import walls
from tests.infra.event_store.appends import append, key, one, stream
from tests.projections.reading import catch_up

pytestmark = pytest.mark.servers

MASTER = local_master(SECRET)


async def made(database: Database) -> UUID:
    """A tenant in good order."""
    store, tenant = PostgresEventStore(database.appends, database.service, SECRET), uuid4()
    for number in range(3):
        await store.append(append(tenant, stream(uuid4(), count=3), key=key(f"{number}")))
    await store.append(one(tenant, CompanyRegistered(name="Engines")))
    await catch_up(database, tenant)
    return tenant


@pytest.fixture
async def tenant(database: Database) -> UUID:
    return await made(database)


def test_what_is_in_order_is_counted(database: Database, tenant: UUID) -> None:
    report = check(database.admin_dsn, MASTER, [tenant])
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
        ("UPDATE store.tenant_head SET hash = sha256(hash) WHERE tenant_id = %(t)s", "its head says"),
        ("UPDATE store.event SET version = 9 WHERE tenant_id = %(t)s AND position = 3", "version 9 follows 2"),
        (
            "UPDATE store.event SET recorded_at = 'epoch' WHERE tenant_id = %(t)s AND position = 5",
            "position 5 was recorded before 4",
        ),
        (
            "UPDATE store.event SET occurred_at = 'epoch' WHERE tenant_id = %(t)s AND position = 5",
            "position 5 breaks the hash chain",
        ),
        (
            "UPDATE store.event SET hash = sha256(hash) WHERE tenant_id = %(t)s AND position = 9",
            "position 10 breaks the hash chain",
        ),
        (
            """UPDATE store.event e SET command_id = f.command_id FROM store.event f
                WHERE e.tenant_id = %(t)s AND f.tenant_id = %(t)s AND e.position = 9 AND f.position = 1""",
            "goes on at position 9, after others",
        ),
        ("DELETE FROM store.data_key WHERE tenant_id = %(t)s", "can't be opened: UnknownKeyError"),
        ("UPDATE store.command SET position = 1 WHERE tenant_id = %(t)s", "a key's answer is kept for position 1"),
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
        ("DELETE FROM read.contact_past_v1 WHERE tenant_id = %(t)s AND since = 2", "past of contact"),
        ("UPDATE read.contact_past_v1 SET until = 99 WHERE tenant_id = %(t)s AND since = 2", "until=99"),
        ("UPDATE read.contact_words_v1 SET words = words[2:] WHERE tenant_id = %(t)s", "words of contact"),
        ("DELETE FROM read.contact_words_v1 WHERE tenant_id = %(t)s", "None to search by"),
        ("UPDATE read.contact_word_uses_v1 SET uses = uses + 1 WHERE tenant_id = %(t)s", "to search by"),
        ("DELETE FROM read.contact_vocabulary_v1 WHERE tenant_id = %(t)s", "to search by"),
        ("UPDATE read.company_v1 SET name = 'Else' WHERE tenant_id = %(t)s", "name='Else'"),
        ("UPDATE read.checkpoint SET position = 9 WHERE tenant_id = %(t)s", "contact_v1 is at 9, the log at 10"),
    ],
)
def test_damage_is_found(database: Database, tenant: UUID, damage: LiteralString, found: str) -> None:
    with psycopg.connect(database.admin_dsn) as connection:
        assert connection.execute(damage, {"t": tenant}).rowcount > 0
    try:
        assert found in str(check(database.admin_dsn, MASTER, [tenant]))
    finally:
        _forget(database, tenant)


async def test_a_row_under_a_wrong_tenant_is_found_in_whatever_table(database: Database) -> None:
    with psycopg.connect(database.admin_dsn) as connection:
        tables = walls.tables(connection)
    mine, other = await made(database), uuid4()
    # Nothing but a log, so that all that comes and goes is the first one's.
    await PostgresEventStore(database.appends, database.service, SECRET).append(
        one(other, CompanyRegistered(name="Navy"))
    )
    moved = 0
    try:
        for (schema, table), columns in tables.items():
            about = {"id", "contact_id", "stream_id", "subject"} & set(columns)
            if schema == "ops" or not about or (schema, table) == ("store", "event"):
                continue
            if _moved(database, f"{schema}.{table}", mine, other):
                moved += 1
                report = check(database.admin_dsn, MASTER, [other])
                found = [line for line in report.problems if line.startswith(f"{schema}.{table}.")]
                assert any(f"of tenant {other} has " in line and f"is of tenant {mine}" in line for line in found)
                assert _moved(database, f"{schema}.{table}", other, mine)
    finally:
        _forget(database, mine, other)
    assert moved >= 5


def test_without_the_secret_the_rest_is_compared(database: Database, tenant: UUID) -> None:
    report = check(database.admin_dsn, None, [tenant])
    assert report.problems == []
    assert any("without the secret" in note for note in report.notes)
    with psycopg.connect(database.admin_dsn) as connection:
        connection.execute("UPDATE read.contact_v1 SET title = 'Else' WHERE tenant_id = %s", (tenant,))
        connection.commit()
        assert check(database.admin_dsn, None, [tenant]).problems == []
        connection.execute("UPDATE read.contact_v1 SET lifecycle = 'other' WHERE tenant_id = %s", (tenant,))
        connection.commit()
    try:
        assert "Lifecycle.OTHER" in str(check(database.admin_dsn, None, [tenant]))
    finally:
        _forget(database, tenant)


def test_the_command_says_what_it_counted_and_fails_when_something_is_wrong(
    database: Database, tenant: UUID, tmp_path: Path
) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.faults.check", database.admin_dsn]
        environment = {**os.environ, "RAPPORT_SECRET": TEXT, "RAPPORT_DATA": str(tmp_path)}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    with psycopg.connect(database.admin_dsn) as connection:
        connection.execute("UPDATE store.tenant_head SET position = 11 WHERE tenant_id = %s", (tenant,))
    try:
        ran = run()
        assert ran.returncode == 1, ran.stderr
        assert " tenants, " in ran.stdout
        assert str(tenant) in ran.stdout
    finally:
        _forget(database, tenant)


def _moved(database: Database, table: str, tenant: UUID, to: UUID) -> int:
    with psycopg.connect(database.admin_dsn) as connection:
        return connection.execute(
            f"UPDATE {table} SET tenant_id = %s WHERE tenant_id = %s".encode(), (to, tenant)
        ).rowcount


def _forget(database: Database, *tenants: UUID) -> None:
    """What was damaged is nobody else's business."""
    with psycopg.connect(database.admin_dsn) as connection:
        for table in walls.tables(connection):
            query = f"DELETE FROM {'.'.join(table)} WHERE tenant_id = ANY(%s)"
            connection.execute(query.encode(), (list(tenants),))
