"""Nothing is left behind, however the parent, the supervisor or a server ends."""

import os
import signal
import time
from pathlib import Path

import psycopg
import pytest

from infra.embedded.client import ServerEvent, start
from tests.infra.embedded.processes import FAST, Parent, all_gone, is_alive, wait_until
from tests.waiting import PATIENCE


def test_a_sigkill_of_the_parent_leaves_no_orphan(tmp_path: Path) -> None:
    with Parent(tmp_path / "data") as parent:
        pids = parent.pids
        assert len(pids) > 5
        assert all(map(is_alive, pids))
        parent.kill()
        assert all_gone([parent.supervisor, *pids])


def test_a_sigkill_of_the_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    with Parent(tmp_path / "data") as parent:
        pids = parent.pids
        os.kill(parent.supervisor, signal.SIGKILL)
        assert all_gone(pids)


def test_a_sigkill_of_both_at_once_leaves_no_orphan(tmp_path: Path) -> None:
    with Parent(tmp_path / "data", ["nats", "valkey"]) as parent:
        pids = parent.pids
        os.kill(parent.supervisor, signal.SIGKILL)
        parent.kill()
        assert all_gone(pids)


def test_a_forked_child_that_outlives_the_parent_does_not_keep_the_servers(tmp_path: Path) -> None:
    with Parent(tmp_path / "data", ["valkey"], fork=True) as parent:
        pids = parent.pids
        parent.process.kill()
        assert all_gone([parent.supervisor, *pids])
        assert is_alive(parent.said["child"])


def test_a_sigterm_of_the_supervisor_stops_everything(tmp_path: Path) -> None:
    with Parent(tmp_path / "data", ["nats", "valkey"]) as parent:
        pids = parent.pids
        os.kill(parent.supervisor, signal.SIGTERM)
        assert all_gone([parent.supervisor, *pids])


def test_a_ctrl_c_on_the_terminal_does_not_reach_supervisor_or_servers(tmp_path: Path) -> None:
    with Parent(tmp_path / "data", ["valkey"]) as parent:
        groups = {os.getpgid(pid) for pid in [parent.supervisor, *parent.pids]}
        assert os.getpgid(parent.process.pid) not in groups
        os.kill(parent.supervisor, signal.SIGINT)
        assert not all_gone(parent.pids, 0.3)


def test_a_stop_while_the_servers_start_leaves_no_orphan(tmp_path: Path) -> None:
    pids: list[int] = []

    def note(event: ServerEvent) -> None:
        if event.pid:
            pids.append(event.pid)

    embedded = start(tmp_path / "data", FAST, wait_for=["valkey"], on_event=note)  # initdb is at work
    began = time.monotonic()
    embedded.stop()
    assert time.monotonic() - began < PATIENCE / 2
    assert all_gone([*pids, embedded.supervisor_pid])
    with start(tmp_path / "data", FAST) as again:
        assert again.endpoints.postgres_admin


@pytest.mark.parametrize("name", FAST)
def test_a_server_that_dies_is_started_again_on_the_same_port(tmp_path: Path, name: str) -> None:
    events: list[ServerEvent] = []
    with start(tmp_path / "data", [name], on_event=events.append) as embedded:  # type: ignore[list-item]
        (before,) = [e for e in events if e.kind == "ready"]
        os.kill(before.pid or 0, signal.SIGKILL)
        assert wait_until(lambda: [e.kind for e in events].count("ready") == 2)
        after = events[-1]
        assert (after.port, after.url) == (before.port, before.url)
        assert after.pid != before.pid
        assert embedded.pids() == {name: after.pid}
        assert any(e.kind == "restarting" and "SIGKILL" in e.message for e in events)


def test_a_server_that_keeps_dying_is_started_again_with_growing_pauses(tmp_path: Path) -> None:
    events: list[ServerEvent] = []
    with start(tmp_path / "data", ["valkey"], on_event=events.append):
        for count in (1, 2, 3):
            assert wait_until(lambda count=count: [e.kind for e in events].count("ready") == count)  # type: ignore[misc]
            os.kill([e.pid or 0 for e in events if e.kind == "ready"][-1], signal.SIGKILL)
        assert wait_until(lambda: [e.kind for e in events].count("restarting") == 3)
    pauses = [e.message.rpartition(" in ")[2] for e in events if e.kind == "restarting"]
    assert pauses == ["0.2 s", "0.4 s", "0.8 s"]


def test_acknowledged_writes_survive_a_sigkill_of_everything(data: Path) -> None:
    with Parent(data, ["postgres"]) as parent:
        with psycopg.connect(parent.said["postgres"], autocommit=True) as connection:
            connection.execute("create table kept as select 7 as number")
        for pid in [parent.supervisor, parent.said["pids"]["postgres"]]:
            os.kill(pid, signal.SIGKILL)
        parent.kill()
    assert (data / "postgres/postmaster.pid").exists()
    with start(data, ["postgres"]) as embedded:
        assert embedded.endpoints.postgres_admin
        with psycopg.connect(embedded.endpoints.postgres_admin) as connection:
            assert connection.execute("select number from kept").fetchall() == [(7,)]


def test_the_pid_file_of_a_killed_postgres_whose_number_another_program_has_now_is_no_obstacle(
    data: Path, tmp_path: Path
) -> None:
    with start(data, ["postgres"]):
        pid_file = data / "postgres/postmaster.pid"
        lines = pid_file.read_text().splitlines()
    with Parent(tmp_path / "other", ["valkey"]) as parent:
        lines[0] = str(parent.pids[0])  # same user as Postgres, so Postgres alone would refuse
        pid_file.write_text("\n".join(lines))
        with start(data, ["postgres"]) as embedded:
            assert embedded.endpoints.postgres_admin
