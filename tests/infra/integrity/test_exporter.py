"""Checkpoints: what is signed, when, and what is not. N-S3, B4."""

import asyncio
import contextlib
from uuid import uuid4

import psycopg
import pytest

from infra.integrity import exporter, merkle
from infra.integrity.archive import UntrustedRecordError
from infra.integrity.records import Checkpoint, is_signed_by
from tests.infra.event_store.appends import call, one
from tests.infra.integrity.audited import KEY, Audited
from tests.infra.integrity.conftest import Admin
from tests.infra.integrity.independent import chain
from tests.infra.integrity.made import OTHER_KEY
from tests.waiting import until

pytestmark = pytest.mark.servers


def spans(audited: Audited) -> list[tuple[int, int]]:
    return [(each.first, each.last) for each in audited.archive.records() if isinstance(each, Checkpoint)]


async def test_a_checkpoint_signs_the_end_of_the_chain_and_the_root_of_its_hashes(audited: Audited) -> None:
    done = await audited.sign()
    assert (done.checkpoints, done.events, done.refused) == (1, 10, {})
    (made,) = audited.archive.records()
    assert isinstance(made, Checkpoint)
    links = [link for _, link in chain(audited.log.admin_dsn, audited.tenant)]
    assert (made.tenant, made.first, made.last) == (audited.tenant, 1, 10)
    assert (made.chain, made.root) == (links[-1].hex(), merkle.root(links).hex())
    assert is_signed_by(made, KEY.public)
    assert audited.exports.get(f"keys/{KEY.public.kid}.pem") == KEY.public.pem()


async def test_the_next_one_goes_on_from_the_last_and_there_is_none_without_events(audited: Audited) -> None:
    await audited.sign()
    assert (await audited.sign()).checkpoints == 0
    await call(audited.log.appends, one(audited.tenant), one(audited.tenant))
    assert (await audited.sign()).events == 2
    assert spans(audited) == [(1, 10), (11, 12)]


async def test_many_events_are_signed_in_several(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "MOST_EVENTS", 4)
    await audited.sign()
    assert spans(audited) == [(1, 4), (5, 8), (9, 10)]
    assert audited.found() == []


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (
            "UPDATE store.event SET data = '{}' WHERE tenant_id = %(t)s AND position = 12",
            "position 12 has another hash",
        ),
        (
            "UPDATE store.event SET occurred_at = '20000-01-01' WHERE tenant_id = %(t)s AND position = 12",
            "position 12 of",
        ),
        ("DELETE FROM store.event WHERE tenant_id = %(t)s AND position = 11", "position 11 is missing"),
        (
            "UPDATE store.event SET hash = sha256('') WHERE tenant_id = %(t)s AND position = 10",
            "position 10 is not what",
        ),
        ("DELETE FROM store.event WHERE tenant_id = %(t)s AND position = 10", "position 10 is not what"),
        ("UPDATE store.tenant_head SET position = 13 WHERE tenant_id = %(t)s", "position 13 is missing"),
    ],
)
async def test_what_was_altered_is_not_signed_and_its_neighbours_are(
    audited: Audited, admin: Admin, damage: str, reason: str
) -> None:
    await audited.sign()
    neighbour = uuid4()
    await audited.fill(neighbour)
    await call(audited.log.appends, one(audited.tenant), one(audited.tenant))
    audited.damage(admin, damage)
    done = await audited.sign([audited.tenant, neighbour])
    assert reason in done.refused.pop(audited.tenant)
    assert done.refused == {}
    assert (done.checkpoints, spans(audited)) == (1, [(1, 10), (1, 10)])


async def test_two_at_once_sign_everything_once(audited: Audited) -> None:
    done = await asyncio.gather(*(audited.exporter().export([audited.tenant]) for _ in range(3)))
    assert sorted(each.checkpoints for each in done) == [0, 0, 1]
    assert spans(audited) == [(1, 10)]


async def test_nothing_is_added_to_what_somebody_else_has_signed(audited: Audited) -> None:
    await audited.exporter(OTHER_KEY).export([audited.tenant])
    with pytest.raises(UntrustedRecordError):
        await audited.sign()
    assert len(spans(audited)) == 1


async def test_it_runs_on_a_schedule_and_outlives_trouble(
    audited: Audited, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, calls = audited.exporter(), 0
    original = made.export

    async def export(*_: object) -> exporter.Exported:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise psycopg.OperationalError("the server closed the connection")
        return await original([audited.tenant])

    monkeypatch.setattr(made, "export", export)
    running = asyncio.create_task(made.run(0.05))
    try:
        await until(lambda: spans(audited) == [(1, 10)])
        await call(audited.log.appends, one(audited.tenant))
        await until(lambda: spans(audited) == [(1, 10), (11, 11)])
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    assert admin.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() == (0,)
