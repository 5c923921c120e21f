"""Who runs first where there is more to do than processors: what somebody waits for, before what nobody does."""

import asyncio
import ctypes
import os
import platform
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

LATER: Final = {"projector": 0, "worker": 19}
"""Roles that nobody waits for as for the others, and how far (`nice`) they stand back."""

APPENDS_LATER: Final = 5
"""How far their backends that append may: whatever those stand back for, who waits for a tenant's head waits for."""

_SHORT_NS: Final = 100_000
_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274}
_TRIES: Final = 10
_PAUSE_SECONDS: Final = 0.1

_libc = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def take_short_turns() -> None:
    """Have this process, and those that it starts from now on, ask the kernel for short turns on a processor.

    Who wakes up with short turns need not wait until the turn of a process with longer ones ends, which is at the next
    tick of the clock: up to 4 ms, for each process that a request comes through.
    """
    _take_turns(0, os.getpriority(os.PRIO_PROCESS, 0), _SHORT_NS)


def give_way(nice: int, pid: int = 0) -> None:
    """Let a process, or the one that calls this, run when others leave it time, and in turns of the usual length."""
    with suppress(OSError):  # it has ended, or is another user's: what it does comes sooner than it need
        nice = max(nice, os.getpriority(os.PRIO_PROCESS, pid))
        os.setpriority(os.PRIO_PROCESS, pid, nice)
        _take_turns(pid, nice, 0)
        _session_gives_way(nice, Path(f"/proc/{pid or 'self'}/autogroup"))


async def backend_gives_way(nice: int, postgres: Path, pid: int) -> None:
    """Let a backend of the Postgres in this folder run when others leave it time; no other server's process."""
    if _is_child(pid, postgres / "postmaster.pid"):
        await asyncio.to_thread(give_way, nice, pid)


def _session_gives_way(nice: int, file: Path) -> None:
    """Each role, and each backend of Postgres, leads a session of its own.

    Where Linux shares the time out among sessions first, the nice value of a process counts only within its own.
    """
    for _ in range(_TRIES):
        try:
            file.write_text(str(nice))
        except BlockingIOError:  # an ordinary user may change one session in a tenth of a second
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _is_child(pid: int, pid_file: Path) -> bool:
    """Whether a process was started by the one that a file is of."""
    try:
        parent = pid_file.read_text(encoding="utf-8").partition("\n")[0]
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:  # a server elsewhere, or no Linux
        return False
    return stat.rpartition(")")[2].split()[1] == parent


def _take_turns(pid: int, nice: int, nanoseconds: int) -> None:
    """0 is the usual length. Where the kernel knows no such thing (before Linux 6.12) the length stays as it is."""
    number = _SCHED_SETATTR.get(platform.machine())
    if number and platform.system() == "Linux":
        wanted = _Attributes(size=ctypes.sizeof(_Attributes), nice=nice, runtime=nanoseconds)
        _libc.syscall(number, pid, ctypes.byref(wanted), 0)  # a sandbox may refuse; then all turns are as long
