"""Servers of an earlier run that haven't ended yet. Call only while holding the data folder's lock."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

_PROGRAMS: Final = frozenset({"postgres", "nats-server", "valkey-server", "java"})
_PATIENCE: Final = 5.0  # seconds; they were all told to stop when their supervisor ended


def find(folder: Path) -> list[int]:
    """The pids of server programs that have the folder, or a file right in it, on their command line.

    The command line, because the working directory of another user's process can't be read in many containers.
    """
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _serves(entry, folder)]


def clear(folder: Path) -> None:
    """Wait until none is left; kill what is still there after 5 s."""
    deadline = time.monotonic() + _PATIENCE
    while pids := find(folder):
        if time.monotonic() > deadline:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _serves(process: Path, folder: Path) -> bool:
    with suppress(OSError):
        program, *arguments = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        if Path(os.fsdecode(program)).name in _PROGRAMS:
            return any(folder in (path := Path(os.fsdecode(word)), path.parent) for word in arguments)
    return False
