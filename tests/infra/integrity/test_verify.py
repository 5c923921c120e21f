"""N-S3, Invariant 1, B4: whatever a superuser changes is found, with its position."""

import hashlib
from uuid import uuid4

import psycopg
import pytest

from infra.integrity import verify as verification
from infra.integrity.chain import COLUMNS, GENESIS, fields, link, stored
from infra.integrity.findings import Kind
from infra.integrity.keys import SigningKey
from infra.integrity.proof import check
from infra.integrity.proofs import proof_of
from infra.integrity.verify import UnknownTenantError
from infra.postgres import AUDITOR
from infra.secret import Secret
from tests.infra.event_store.appends import append, call, one, stream
from tests.infra.integrity.audited import KEY, Audited
from tests.infra.integrity.conftest import Admin

pytestmark = pytest.mark.servers

FIVE = "UPDATE store.event SET {} WHERE tenant_id = %(t)s AND position = 5"


def rechain(admin: Admin, audited: Audited) -> None:
    """As somebody would who may change every row, and knows docs/integrity.md."""
    query = f"SELECT {COLUMNS} FROM store.event WHERE tenant_id = %s ORDER BY position"
    before = GENESIS
    for row in admin.execute(query.encode(), (audited.tenant,)).fetchall():
        event, _ = stored(row)
        before = link(before, fields(event))
        admin.execute(
            "UPDATE store.event SET hash = %s WHERE tenant_id = %s AND position = %s",
            (before, audited.tenant, event.position),
        )
    admin.execute("UPDATE store.tenant_head SET hash = %s WHERE tenant_id = %s", (before, audited.tenant))


async def test_a_log_as_it_was_written_is_counted(audited: Audited) -> None:
    other = uuid4()
    await audited.fill(other)
    await audited.sign([audited.tenant, other])
    await call(audited.log.appends, one(audited.tenant))
    report = audited.verify(audited.tenant, other)
    assert report.findings == []
    assert (report.tenants, report.events, report.checkpoints, report.restores) == (2, 21, 2, 0)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("data = convert_to('{}', 'UTF8')", [(5, "hash")]),
        ("data = ''", [(5, "hash")]),
        ("metadata = metadata || ' '", [(5, "hash")]),
        ("topic = 'contact.deleted.v1'", [(5, "hash")]),
        ("occurred_at = occurred_at + interval '1 us'", [(5, "hash")]),
        ("recorded_at = recorded_at - interval '1 us'", [(5, "hash")]),
        ("occurred_at = '20000-01-01'", [(5, "hash")]),
        ("occurred_at = 'infinity'", [(5, "hash")]),
        ("recorded_at = '-infinity'", [(5, "hash")]),
        ("command_id = gen_random_uuid()", [(5, "hash")]),
        ("stream_id = gen_random_uuid()", [(5, "hash"), (5, "version"), (6, "version")]),
        ("version = 9", [(5, "hash"), (5, "version"), (6, "version")]),
        ("position = 50", [(5, "position"), (6, "version"), (11, "position"), (50, "head"), (50, "version")]),
        ("hash = sha256('')", [(5, "hash"), (6, "hash")]),
        ("hash = ''", [(5, "hash")]),
        ("hash = hash || '\\x00'", [(5, "hash")]),
    ],
)
async def test_a_change_of_any_column_is_found_with_its_position(
    audited: Audited, admin: Admin, change: str, found: list[tuple[int, str]]
) -> None:
    audited.damage(admin, FIVE.format(change))
    assert audited.found() == found


async def test_a_head_with_a_time_that_python_has_not_is_found_too(audited: Audited, admin: Admin) -> None:
    audited.damage(admin, "UPDATE store.tenant_head SET recorded_at = '20000-01-01' WHERE tenant_id = %(t)s")
    assert audited.found() == [(10, "head")]


async def test_an_event_that_moved_to_another_tenant_is_missed_here_and_strange_there(
    audited: Audited, admin: Admin
) -> None:
    thief = uuid4()
    audited.damage(admin, FIVE.format("tenant_id = %(thief)s"), thief=thief)
    assert audited.found() == [(5, "position"), (6, "version")]
    assert audited.found(thief) == [(1, "position"), (5, "head"), (5, "version")]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM store.event WHERE tenant_id = %(t)s AND position IN (5, 6)", [(5, "position"), (7, "version")]),
        ("DELETE FROM store.event WHERE tenant_id = %(t)s AND position = 1", [(1, "position"), (5, "version")]),
        ("DELETE FROM store.event WHERE tenant_id = %(t)s AND position = 10", [(9, "head")]),
        ("DELETE FROM store.event WHERE tenant_id = %(t)s", [(0, "head")]),
        ("DELETE FROM store.tenant_head WHERE tenant_id = %(t)s", [(10, "head")]),
        ("UPDATE store.tenant_head SET position = 9 WHERE tenant_id = %(t)s", [(10, "head")]),
        ("UPDATE store.tenant_head SET hash = sha256('') WHERE tenant_id = %(t)s", [(10, "head")]),
        ("UPDATE store.tenant_head SET recorded_at = now() + interval '1 h' WHERE tenant_id = %(t)s", [(10, "head")]),
    ],
)
async def test_missing_events_and_wrong_heads_are_found(
    audited: Audited, admin: Admin, statement: str, found: list[tuple[int, str]]
) -> None:
    audited.damage(admin, statement)
    assert audited.found() == found


async def test_a_history_rewritten_with_all_its_hashes_does_not_agree_with_what_was_signed(
    audited: Audited, admin: Admin
) -> None:
    await audited.sign()
    await call(audited.log.appends, one(audited.tenant))
    await audited.sign()
    audited.damage(admin, FIVE.format("data = convert_to('{}', 'UTF8')"))
    rechain(admin, audited)
    assert audited.found() == [(1, "checkpoint"), (11, "checkpoint")]


async def test_without_a_checkpoint_such_a_rewrite_cannot_be_seen(audited: Audited, admin: Admin) -> None:
    """What docs/integrity.md says of the time before the first checkpoint."""
    audited.damage(admin, FIVE.format("data = convert_to('{}', 'UTF8')"))
    rechain(admin, audited)
    assert audited.found() == []


async def test_a_tail_cut_off_with_its_head_does_not_agree_with_what_was_signed(audited: Audited, admin: Admin) -> None:
    await audited.sign()
    audited.cut_off(admin, 8)
    assert audited.found() == [(9, "checkpoint")]


async def test_a_log_that_is_gone_altogether_was_signed(audited: Audited, admin: Admin) -> None:
    await audited.sign()
    audited.cut_off(admin, 0)
    assert audited.found() == [(1, "checkpoint")]


async def test_a_checkpoint_of_somebody_else_is_found(audited: Audited, admin: Admin) -> None:
    audited.damage(admin, FIVE.format("data = convert_to('{}', 'UTF8')"))
    rechain(admin, audited)
    forger = SigningKey(Secret(hashlib.sha256(b"not the installation's").digest()))
    await audited.exporter(forger).export([audited.tenant])
    assert audited.found() == [(1, "checkpoint")]


async def test_versions_out_of_order_are_found_though_every_hash_is_right(audited: Audited, admin: Admin) -> None:
    swap = """UPDATE store.event e SET version = CASE e.version WHEN 3 THEN 4 WHEN 4 THEN 3 ELSE e.version END
               WHERE e.tenant_id = %(t)s AND e.position BETWEEN 5 AND 7"""
    admin.execute("ALTER TABLE store.event DROP CONSTRAINT event_tenant_id_stream_id_version_key")
    try:
        audited.damage(admin, swap)
        rechain(admin, audited)
        assert audited.found() == [(6, "version"), (7, "version")]
        audited.damage(admin, swap)
    finally:
        admin.execute("ALTER TABLE store.event ADD UNIQUE (tenant_id, stream_id, version)")


async def test_a_neighbours_trouble_is_not_a_tenants_own(audited: Audited, admin: Admin) -> None:
    other = uuid4()
    await audited.fill(other)
    audited.damage(admin, FIVE.format("data = ''"))
    (finding,) = audited.verify(audited.tenant, other).findings
    assert (finding.tenant, finding.position, finding.kind) == (audited.tenant, 5, Kind.HASH)


async def test_several_processes_find_the_same_as_one(
    audited: Audited, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await call(audited.log.appends, *(append(audited.tenant, stream(uuid4(), count=3)) for _ in range(4)))
    audited.damage(admin, FIVE.format("data = ''"))
    audited.damage(admin, "DELETE FROM store.event WHERE tenant_id = %(t)s AND position = 23")
    monkeypatch.setattr(verification, "_EVENTS_OF_TASK", 7)
    monkeypatch.setattr(verification, "_EVENTS_OF_PROCESS", 7)
    alone, together = audited.verify(), audited.verify(jobs=2)
    assert [(finding.position, finding.kind) for finding in alone.findings if finding.kind != Kind.VERSION] == [
        (5, Kind.HASH),
        (23, Kind.POSITION),
    ]
    assert (together.findings, together.events) == (alone.findings, alone.events)
    assert alone.events == 45


async def test_the_chain_verifies_after_an_erasure(audited: Audited, admin: Admin) -> None:
    """Invariant 5, B3: what is hashed is ciphertext, and that stays."""
    await audited.sign()
    (person,) = admin.execute(
        "SELECT stream_id FROM store.event WHERE tenant_id = %s AND position = 1", (audited.tenant,)
    ).fetchone() or (None,)
    destroyed = admin.execute("SELECT store.destroy_keys(%s, %s)", (audited.tenant, person)).fetchone()
    assert destroyed is not None
    assert destroyed[0] > 0
    report = audited.verify()
    assert (report.findings, report.events, report.checkpoints) == ([], 10, 1)
    content = await proof_of(audited.log.service, KEY.public, audited.tenant, 1)
    assert content is not None
    check(content, KEY.public)


async def test_nobody_is_taken_for_in_order_who_was_never_heard_of(audited: Audited) -> None:
    with pytest.raises(UnknownTenantError):
        audited.verify(uuid4())


async def test_who_verifies_can_write_nothing_and_sees_one_tenant_at_a_time(audited: Audited) -> None:
    """N-S2."""
    with psycopg.connect(audited.log.dsns[AUDITOR], autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM store.event").fetchone() == (0,)
        connection.execute("SELECT set_config('app.tenant', %s, false)", (str(audited.tenant),))
        assert connection.execute("SELECT count(*) FROM store.event").fetchone() == (10,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE store.event SET data = ''")
