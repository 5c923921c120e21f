"""A restored database is recognised at the start, and what knew its future begins anew. Faults 5, B4."""

import asyncio
from uuid import UUID, uuid4

import pytest
from msgspec import structs

from infra.integrity.archive import UntrustedRecordError
from infra.integrity.exporter import LOCK
from infra.integrity.proof import check
from infra.integrity.proofs import proof_of
from infra.integrity.records import Restored, is_signed_by, to_lines
from tests.conftest import Database
from tests.infra.event_store.appends import append, call, key, one, outcomes, stream
from tests.infra.integrity.audited import KEY, Audited, now
from tests.infra.integrity.conftest import Admin
from tests.infra.integrity.made import OTHER_KEY
from tests.projections.reading import catch_up, checkpoints, contents

pytestmark = pytest.mark.servers


def installed(admin: Admin) -> tuple[UUID, set[UUID]]:
    """The incarnation, and the former ones."""
    (found,) = admin.execute("SELECT incarnation, former FROM ops.installation").fetchall()
    return found[0], set(found[1])


def restores(audited: Audited) -> list[Restored]:
    return [record for record in audited.archive.records() if isinstance(record, Restored)]


async def test_the_first_start_notes_the_incarnation_and_the_next_has_nothing_to_do(
    audited: Audited, admin: Admin
) -> None:
    before = installed(admin)
    first = audited.settle()
    await audited.sign()
    second = audited.settle()
    assert (first.incarnation, first.begun) == (second.incarnation, second.begun) == (before[0], False)
    assert audited.archive.incarnations() == [before[0]]
    assert installed(admin) == before


async def test_a_log_behind_its_last_checkpoint_begins_another_incarnation(audited: Audited, admin: Admin) -> None:
    was = audited.settle().incarnation
    await audited.sign()
    audited.cut_off(admin, 8)
    settled = audited.settle()
    assert settled.begun
    assert settled.incarnation != was
    assert audited.archive.incarnations() == [was, settled.incarnation]
    assert installed(admin)[0] == settled.incarnation
    assert was in installed(admin)[1]
    (record,) = restores(audited)
    assert (record.tenant, record.position, record.lost) == (audited.tenant, 8, 10)
    assert is_signed_by(record, KEY.public)
    assert not audited.settle().begun, "once is enough"


@pytest.mark.parametrize("was_seen", [True, False])
async def test_one_that_is_known_to_be_restored_begins_another_whatever_was_signed(
    audited: Audited, admin: Admin, was_seen: bool
) -> None:
    """A restore to a moment after the last checkpoint shows in nothing."""
    was = audited.settle().incarnation if was_seen else installed(admin)[0]
    settled = audited.settle(restored=True)
    assert (settled.begun, settled.restored) == (True, ())
    assert settled.incarnation != was
    assert installed(admin)[0] == settled.incarnation
    assert was in installed(admin)[1]
    assert audited.archive.incarnations()[-1] == settled.incarnation
    assert not audited.settle().begun, "once is enough"


async def test_a_log_that_is_whole_is_looked_at_without_waiting_for_who_signs(audited: Audited, admin: Admin) -> None:
    audited.settle()
    admin.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    try:
        assert not (await asyncio.wait_for(asyncio.to_thread(audited.settle), 10)).begun
    finally:
        admin.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


async def test_what_was_lost_in_a_restore_is_explained_and_what_comes_after_is_signed_anew(
    audited: Audited, admin: Admin
) -> None:
    audited.settle()
    await audited.sign()
    audited.cut_off(admin, 8)
    audited.settle()
    await call(audited.log.appends, *(one(audited.tenant) for _ in range(5)))
    report = audited.verify()
    assert (report.findings, report.events, report.checkpoints, report.restores) == ([], 13, 0, 1)
    await audited.sign()
    report = audited.verify()
    assert (report.findings, report.checkpoints, report.restores) == ([], 1, 1)
    proof = await proof_of(audited.log.service, KEY.public, audited.tenant, 9)
    assert proof is not None
    assert check(proof, KEY.public).checkpoint.incarnation == audited.archive.incarnations()[-1]


async def test_a_second_restore_is_explained_too_also_behind_the_first(audited: Audited, admin: Admin) -> None:
    audited.settle()
    for position in (8, 4, 0):
        await audited.sign()
        audited.cut_off(admin, position)
        assert audited.settle().begun
        assert audited.found() == []
        await call(audited.log.appends, *(one(audited.tenant) for _ in range(6)))
    assert [record.position for record in restores(audited)] == [8, 4, 0]
    report = audited.verify()
    assert (report.findings, report.restores) == ([], 3)


async def test_read_models_that_are_ahead_are_emptied_and_built_anew_and_no_others(
    audited: Audited, admin: Admin
) -> None:
    """Invariant 3."""
    other = uuid4()
    await audited.fill(other)
    audited.settle()
    await audited.sign([audited.tenant, other])
    for tenant in (audited.tenant, other):
        await catch_up(audited.log, tenant)
    kept = contents(audited.log, other), checkpoints(audited.log, other)
    audited.cut_off(admin, 4)
    audited.settle()
    assert not any(contents(audited.log, audited.tenant).values())
    assert checkpoints(audited.log, audited.tenant) == {}
    assert (contents(audited.log, other), checkpoints(audited.log, other)) == kept
    await call(audited.log.appends, one(audited.tenant), one(audited.tenant))
    await catch_up(audited.log, audited.tenant)
    assert set(checkpoints(audited.log, audited.tenant).values()) == {6}
    assert len(contents(audited.log, audited.tenant)["contact_v1"]) == 6


async def test_nothing_is_remembered_of_what_was_lost(audited: Audited, admin: Admin) -> None:
    tenant = audited.tenant
    await call(audited.log.appends, append(tenant, stream(uuid4()), key=key("lost")))
    admin.execute("INSERT INTO ops.relay_checkpoint VALUES (%s, 11), (%s, 5)", (tenant, gone := uuid4()))
    audited.settle()
    await audited.sign()
    audited.cut_off(admin, 8)
    audited.settle()
    relayed = "SELECT tenant_id, position FROM ops.relay_checkpoint WHERE tenant_id = ANY(%s)"
    assert admin.execute(relayed, ([tenant, gone],)).fetchall() == [(tenant, 8)]
    assert admin.execute("SELECT count(*) FROM store.checkpoint WHERE tenant_id = %s", (tenant,)).fetchone() == (0,)
    again = append(tenant, stream(uuid4()), key=key("lost"))
    assert outcomes(await call(audited.log.appends, again)) == ["ok"], "a replay would answer with what is gone"


async def test_a_database_of_an_earlier_incarnation_is_a_restored_one(audited: Audited, admin: Admin) -> None:
    """Also when it lost nothing that was signed."""
    was = audited.settle().incarnation
    audited.archive.begin(later := uuid4(), now())
    settled = audited.settle()
    assert settled.begun
    assert settled.restored == ()
    assert settled.incarnation not in {was, later}
    assert installed(admin)[0] == settled.incarnation
    assert {was, later} <= installed(admin)[1]


async def test_another_database_keeps_its_name_and_knows_what_was_before_it(audited: Audited, admin: Admin) -> None:
    said, _ = installed(admin)
    audited.archive.begin(before := uuid4(), now())
    settled = audited.settle()
    assert settled.incarnation == said
    assert installed(admin)[0] == said
    assert before in installed(admin)[1]
    assert audited.archive.incarnations() == [before, said]


async def test_a_start_that_is_interrupted_is_completed_by_the_next(
    audited: Audited, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    was = audited.settle().incarnation
    await audited.sign()
    audited.cut_off(admin, 8)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    for step in ("add", "begin"):
        with monkeypatch.context() as patched:
            patched.setattr(audited.archive, step, full)
            with pytest.raises(OSError, match="no space"):
                audited.settle()
    half_way, _ = installed(admin)
    assert half_way != was, "nobody goes on under the old name meanwhile"
    assert audited.settle().incarnation == half_way
    assert audited.archive.incarnations() == [was, half_way]
    assert len(restores(audited)) == 1
    assert audited.found() == []


async def test_nothing_begins_on_the_word_of_somebody_else(audited: Audited, admin: Admin) -> None:
    audited.settle()
    await audited.exporter(OTHER_KEY).export([audited.tenant])
    before = installed(admin)
    audited.cut_off(admin, 8)
    with pytest.raises(UntrustedRecordError):
        audited.settle()
    assert installed(admin) == before


async def test_a_restore_that_nobody_signed_explains_nothing(audited: Audited, admin: Admin) -> None:
    audited.settle()
    await audited.sign()
    audited.cut_off(admin, 8)
    audited.settle()
    (name,) = [
        name for name in audited.exports.names("checkpoints") if b"restored" in (audited.exports.get(name) or b"")
    ]
    forged = structs.replace(restores(audited)[0], signature="00" * 64)
    audited.exports.put(name, to_lines([forged]))
    assert audited.found() == [(8, "checkpoint"), (9, "checkpoint")]


async def test_what_was_rewritten_under_a_restore_is_found(audited: Audited, admin: Admin) -> None:
    audited.settle()
    await audited.sign()
    audited.cut_off(admin, 8)
    audited.settle()
    audited.cut_off(admin, 7)
    await call(audited.log.appends, *(one(audited.tenant) for _ in range(3)))
    assert audited.found() == [(1, "checkpoint"), (8, "checkpoint")], "it explains nothing then"


async def test_a_database_that_lost_nothing_stays_what_it_is(audited: Audited, log: Database) -> None:
    audited.settle()
    await audited.sign()
    await call(log.appends, one(audited.tenant))
    assert not audited.settle().begun
