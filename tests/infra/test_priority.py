"""Who runs first where there is more to do than processors."""

import asyncio
import ctypes
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from infra import priority

_FIRST_WITH_TURNS = (6, 12)
_SHORT_NS = 100_000
_GETATTR = {"x86_64": 315, "aarch64": 275}

linux = pytest.mark.skipif(platform.system() != "Linux", reason="turns and sessions are Linux's")
turns = pytest.mark.skipif(
    platform.system() != "Linux"
    or tuple(map(int, platform.release().split(".")[:2])) < _FIRST_WITH_TURNS
    or platform.machine() not in _GETATTR,
    reason="the kernel has turns of one length",
)


def turn_of(pid: int) -> int:
    """How long a process' turns are, in nanoseconds."""
    found = priority._Attributes()
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.syscall(_GETATTR[platform.machine()], pid, ctypes.byref(found), ctypes.sizeof(found), 0) == 0
    return int(found.runtime)


def _said_by(*lines: str) -> str:
    """What a process of its own, in a session of its own, prints."""
    program = "\n".join(["import os", "from pathlib import Path", "from infra import priority", *lines])
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, start_new_session=True
    )
    return done.stdout.strip()


_PRINT_TURN = "from tests.infra.test_priority import turn_of; print(turn_of(0))"
_SLEEPING = [sys.executable, "-c", "import os; os.setsid(); print(flush=True); input()"]


@turns
def test_what_a_process_starts_has_its_short_turns() -> None:
    said = _said_by(
        "priority.take_short_turns()",
        "import subprocess, sys",
        f"subprocess.run([sys.executable, '-c', {_PRINT_TURN!r}], check=True)",
    )
    assert int(said) == _SHORT_NS


@turns
def test_who_gives_way_has_turns_of_the_usual_length_again() -> None:
    usual = turn_of(0)
    said = _said_by("priority.take_short_turns()", "priority.give_way(10)", _PRINT_TURN)
    assert int(said) == usual > _SHORT_NS


def test_who_gives_way_is_nice_and_never_less_so_than_before() -> None:
    assert _said_by("priority.give_way(10)", "priority.give_way(5)", "print(os.nice(0))") == "10"


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="sessions have no share of their own")
def test_its_session_gives_way_with_it() -> None:
    said = _said_by("priority.give_way(10)", "print(Path('/proc/self/autogroup').read_text())")
    assert said.endswith(" nice 10")


@linux
@pytest.mark.parametrize(("is_ours", "nice"), [(True, 10), (False, 0)])
def test_of_backends_only_those_of_the_local_postgres_give_way(tmp_path: Path, is_ours: bool, nice: int) -> None:
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid() if is_ours else 1}\n/data\n", encoding="utf-8")
    with subprocess.Popen(_SLEEPING, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        asyncio.run(priority.backend_gives_way(10, tmp_path, process.pid))
        found = os.getpriority(os.PRIO_PROCESS, process.pid)
        process.communicate(b"\n")
    assert found == os.getpriority(os.PRIO_PROCESS, 0) + nice


async def test_where_postgres_is_elsewhere_no_process_of_that_number_gives_way(tmp_path: Path) -> None:
    await priority.backend_gives_way(10, tmp_path, os.getpid())
    assert os.getpriority(os.PRIO_PROCESS, 0) < 10
