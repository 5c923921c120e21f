"""The servers run for root and for ordinary users, wherever the checkout and the data lie."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.embedded import rights
from infra.embedded.client import EmbeddedError, start
from infra.embedded.rights import NOBODY, RunAs
from tests.infra.embedded.processes import FAST, ROOT, Parent

NAMELESS = 54_321  # a number that no user database knows
READ_SEARCH = 2
IS_ROOT = os.geteuid() == 0
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def real_uid(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Uid:"))


def test_the_servers_do_not_run_as_root(tmp_path: Path) -> None:
    with start(tmp_path / "data", FAST) as embedded:
        users = {real_uid(pid) for pid in embedded.pids().values()}
    assert users == {NOBODY if IS_ROOT else os.geteuid()}


def test_a_folder_of_somebody_elses_is_worked_on_in_their_name(tmp_path: Path) -> None:
    owner = NAMELESS if IS_ROOT else os.geteuid()
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", owner, -1)
    with start(tmp_path / "data", FAST) as embedded:
        assert {real_uid(pid) for pid in embedded.pids().values()} == {owner}
    owners = {path.stat().st_uid for path in (tmp_path / "data").rglob("*")}
    assert owners == {owner}  # so that the owner can start it alone the next time


def test_an_ordinary_user_can_start_them(tmp_path: Path) -> None:
    """Root becomes that user, with just the capability to find Python below a closed folder."""
    uid = NOBODY if IS_ROOT else os.geteuid()
    user = RunAs("drop", uid, uid, (READ_SEARCH,)) if IS_ROOT else RunAs("same", uid, os.getegid())
    (tmp_path / "data").mkdir()
    user.own(tmp_path / "data")
    with Parent(tmp_path / "data", wrap=lambda command: user.command(command, signal.SIGKILL, ENVIRONMENT)) as parent:
        assert parent.said["uid"] == uid
        assert {real_uid(pid) for pid in parent.said["pids"].values()} == {uid}
        parent.end()


def test_a_user_without_a_name_is_lent_one_for_initdb() -> None:
    """Initdb looks its user up, and containers run under numbers that no user database knows."""
    assert RunAs("same", NOBODY, NOBODY).named() == RunAs("same", NOBODY, NOBODY)
    assert RunAs("same", NAMELESS, NAMELESS).named().mode == "namespace"
    lent = RunAs("drop", NAMELESS, NAMELESS).named()
    assert (lent.mode, lent.uid) == ("drop", NOBODY)


def test_programs_below_a_closed_folder_can_be_run(tmp_path: Path) -> None:
    """As in a checkout below /root: found, asked about and run by a user who may not enter the folder."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = shutil.copy(shutil.which("id") or "", closed / "id")
    run_as = rights.choose(tmp_path, [Path(program)])
    shell = f"test -x {program} && {program} -u"
    assert int(output(run_as.command(["/bin/sh", "-c", shell], signal.SIGKILL))) != 0
    if IS_ROOT:
        assert run_as.caps in {(1,), (2,)} or run_as.mode == "namespace"
        plain = RunAs("drop", NOBODY, NOBODY)
        with pytest.raises(subprocess.CalledProcessError):
            output(plain.command(["/bin/sh", "-c", shell], signal.SIGKILL))


def test_no_capability_is_kept_when_every_folder_is_open() -> None:
    run_as = rights.choose(Path("/"), [Path("/bin/sh")])
    assert run_as.caps == ()


def test_a_root_that_may_not_change_its_user_runs_them_in_a_namespace(tmp_path: Path) -> None:
    """Without CAP_SETUID; where namespaces are forbidden as well, the message says what would help."""
    less = ["setpriv", "--bounding-set=-setuid", "--inh-caps=-setuid"]
    with Parent(tmp_path / "data", wrap=lambda command: [*less, *command] if IS_ROOT else command) as parent:
        if "code" in parent.said:
            assert parent.said["code"] == "embedded.no_ordinary_user"
            assert "SETUID" in parent.said["message"]
        else:
            assert {real_uid(pid) for pid in parent.said["pids"].values()} == {os.geteuid()}
            parent.end()


def test_a_root_that_may_do_nothing_is_told_what_would_help(tmp_path: Path) -> None:
    if IS_ROOT:
        none = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
        with Parent(tmp_path / "data", wrap=lambda command: [*none, *command]) as parent:
            assert parent.said["code"] == "embedded.no_ordinary_user"
    with pytest.raises(EmbeddedError, match="ordinary user"):
        rights.require(RunAs("drop", 1, 1, (63,)))  # no such capability


def test_a_program_whose_starter_is_gone_is_not_started() -> None:
    command = RunAs("same", os.geteuid(), os.getegid()).command(["/bin/echo", "started"], signal.SIGKILL)
    run = "import subprocess, sys; print(subprocess.run(sys.argv[1:], check=False).returncode)"
    orphan = subprocess.run(
        [sys.executable, "-c", run, *command],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert orphan.stdout.strip() == "98"
