"""Invariant 2: what a journal says that clients were promised, beside what the log has."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from commands.ports import StreamEvents
from domain.event import SYSTEM, Metadata
from infra.event_store.store import PostgresEventStore
from infra.keys.master import local_master
from tests.acceptance.installation import ROOT
from tests.conftest import SECRET, Database
from tests.faults import check as checker
from tests.faults.check import check, proves
from tests.faults.journal import Acked, Asked, Fault, History, Journal, Opened, Record, Refused, Restored, read
from tests.given import registered
from tests.infra.event_store.appends import append
from tests.projections.reading import catch_up

pytestmark = pytest.mark.servers


class Told:
    """Two commands of a tenant, as they were asked and acknowledged."""

    def __init__(self) -> None:
        self.tenant = uuid4()
        self.marks = [f"mark-{uuid4().hex}" for _ in range(2)]
        self.streams = [uuid4(), uuid4()]
        self.records: list[Record] = [Opened(self.tenant, 0), Fault("killed", "api")]
        for position, (mark, stream) in enumerate(zip(self.marks, self.streams, strict=True), start=1):
            self.records += [Asked(mark, self.tenant, "add"), Acked(mark, position, stream)]

    def history(self) -> History:
        history = History()
        for record in self.records:
            history.take(record)
        return history


@pytest.fixture
async def told(database: Database) -> Told:
    told, store = Told(), PostgresEventStore(database.appends, database.service, SECRET)
    for mark, stream in zip(told.marks, told.streams, strict=True):
        metadata = Metadata(actor=SYSTEM, correlation_id=mark)
        await store.append(append(told.tenant, StreamEvents(stream, 0, (registered(mark),)), metadata=metadata))
    await catch_up(database, told.tenant)
    return told


def test_promises_that_were_kept_are_counted(database: Database, told: Told) -> None:
    lost = Asked(f"mark-{uuid4().hex}", told.tenant, "add")
    refused = f"mark-{uuid4().hex}"
    told.records += [lost, Asked(refused, told.tenant, "add nobody", "validation.failed")]
    told.records += [Refused(refused, "validation.failed")]
    report = check(database.admin_dsn, local_master(SECRET), [told.tenant], history=told.history())
    assert report.problems == []
    assert (report.acked, report.refused, report.unknown, report.lost) == (2, 1, 1, 0)
    assert report.faults == {"killed": 1}
    assert proves(report)


Change = Callable[[Told], None]


def another_was_acked(told: Told) -> None:
    mark = f"mark-{uuid4().hex}"
    told.records += [Asked(mark, told.tenant, "add"), Acked(mark, 9, uuid4())]


def one_was_never_asked(told: Told) -> None:
    told.records = told.records[:-2]


def one_was_refused(told: Told) -> None:
    told.records[-1] = Refused(told.marks[1], "validation.failed")


def one_was_refused_after_all(told: Told) -> None:
    told.records.append(Refused(told.marks[1], "validation.failed"))


def one_got_two_answers(told: Told) -> None:
    told.records.append(Acked(told.marks[1], 3, told.streams[1]))


def one_was_acked_elsewhere(told: Told) -> None:
    told.records[-1] = Acked(told.marks[1], 1, told.streams[1])


def one_was_to_be_refused(told: Told) -> None:
    told.records[-2] = Asked(told.marks[1], told.tenant, "add nobody", "validation.failed")


def another_tenant_asked(told: Told) -> None:
    told.records[-2] = Asked(told.marks[1], uuid4(), "add")


def an_old_copy_was_put_back(told: Told) -> None:
    told.records.append(Restored({told.tenant: 1}))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (another_was_acked, "acknowledged at 9, and lost"),
        (one_was_never_asked, "no command explains position 2"),
        (one_was_refused, "refused, but there at 2"),
        (one_was_refused_after_all, "acknowledged, and refused with validation.failed"),
        (one_got_two_answers, "acknowledged differently"),
        (one_was_acked_elsewhere, "but there as"),
        (one_was_to_be_refused, "it had to be refused"),
        (another_tenant_asked, "carried out for tenant"),
        (an_old_copy_was_put_back, "it is there, at 2, though"),
    ],
)
def test_a_promise_that_was_broken_is_found(database: Database, told: Told, change: Change, found: str) -> None:
    change(told)
    report = check(database.admin_dsn, local_master(SECRET), [told.tenant], history=told.history())
    assert any(found in problem for problem in report.problems), report


async def test_a_command_that_was_carried_out_twice_is_found(database: Database, told: Told) -> None:
    store = PostgresEventStore(database.appends, database.service, SECRET)
    metadata = Metadata(actor=SYSTEM, correlation_id=told.marks[0])
    again = append(told.tenant, StreamEvents(uuid4(), 0, (registered(told.marks[0]),)), metadata=metadata)
    await store.append(again)
    await catch_up(database, told.tenant)
    report = await asyncio.to_thread(
        check, database.admin_dsn, local_master(SECRET), [told.tenant], history=told.history()
    )
    assert "carried out 2 times, at positions [1, 3]" in str(report)


async def test_an_event_with_what_another_tenant_wrote_is_found(database: Database, told: Told) -> None:
    other, mark = uuid4(), f"mark-{uuid4().hex}"
    told.records += [Opened(other, 0), Asked(mark, other, "add"), Acked(mark, 1, (stream := uuid4()))]
    store = PostgresEventStore(database.appends, database.service, SECRET)
    metadata = Metadata(actor=SYSTEM, correlation_id=mark)
    await store.append(append(other, StreamEvents(stream, 0, (registered(told.marks[0]),)), metadata=metadata))
    await catch_up(database, other)
    report = await asyncio.to_thread(
        check, database.admin_dsn, local_master(SECRET), [told.tenant, other], history=told.history()
    )
    assert f"store.event of tenant {other} has {told.marks[0]}, which tenant {told.tenant} wrote" in str(report)
    assert f"read.contact_v1 of tenant {other} has {told.marks[0]}" in str(report)


@pytest.mark.parametrize("left_out", [Fault, Acked])
def test_a_run_that_harmed_nothing_or_acknowledged_nothing_proves_nothing(
    database: Database, told: Told, left_out: type[Record], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal(tmp_path / "journal")
    for record in told.records:
        if not isinstance(record, left_out):
            journal.note(record)
    journal.close()
    assert checker.main([database.admin_dsn, "--journal", str(journal.path)]) == 1
    assert "This proves nothing" in capsys.readouterr().out


_WRITER = """
import sys
from pathlib import Path
from uuid import UUID, uuid4
from tests.faults.journal import Acked, Asked, Journal
journal = Journal(Path(sys.argv[1]))
while True:
    mark = str(uuid4())
    journal.note(Asked(mark, UUID(int=1), "add"))
    journal.note(Acked(mark, 1, UUID(int=2)))
    print(mark, flush=True)
"""


def test_what_was_noted_outlives_who_noted_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path / "journal")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        noted = [process.stdout.readline().strip() for _ in range(100)]
        process.send_signal(signal.SIGKILL)
    history = read(tmp_path / "journal")
    assert all(history.commands[mark].acked for mark in noted)
    assert history.unknown <= 1
