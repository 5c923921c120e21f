"""Which user the servers run as, and what that user needs to reach the programs and the data.

Postgres refuses to run as root, so root steps down: to the owner of the data folder, or to `nobody`. The checkout
and with it the programs may lie below a folder that only root can enter; then the servers keep the capability to
pass folders and read files, or, where the container doesn't hold it, run as root inside a user namespace in which
root is called by an ordinary user's number.
"""

import json
import os
import pwd
import signal
import stat
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import msgspec

from infra.embedded.protocol import EmbeddedError

NOBODY: Final = 65534
_CHOWN, _DAC_OVERRIDE, _DAC_READ_SEARCH, _KILL, _SETGID, _SETUID, _SETPCAP = 0, 1, 2, 5, 6, 7, 8
_LAUNCHER: Final = Path(__file__).with_name("launch.py")


class RunAs(msgspec.Struct, frozen=True):
    """How a program runs: as the `same` user, `drop`ped to uid and gid (keeping `caps`), or in a `namespace`.

    In a namespace uid and gid are what the program believes to be; the files see the user that started it.
    """

    mode: Literal["same", "drop", "namespace"]
    uid: int
    gid: int
    caps: tuple[int, ...] = ()

    def command(
        self, command: list[str], death_signal: signal.Signals, environment: Mapping[str, str] | None = None
    ) -> list[str]:
        """The command that runs `command` so, and sends it `death_signal` when the calling thread ends.

        Start it with this process's environment, which Python may need; `command` gets `environment` (default: none).
        """
        spec = {
            "parent": os.getpid(), "signal": int(death_signal),
            "mode": self.mode, "uid": self.uid, "gid": self.gid, "caps": self.caps,
            "environment": dict(environment or {}),
        }  # fmt: skip
        return [sys.executable, "-I", "-S", str(_LAUNCHER), json.dumps(spec), *command]

    def named(self) -> "RunAs":
        """The same if its user has a name, else another that has, for initdb, which insists on one.

        Containers run under numbers that no user database knows, and folders can belong to such numbers.
        """
        with suppress(KeyError):
            pwd.getpwuid(self.uid)
            return self
        mode: Literal["drop", "namespace"] = "namespace" if self.mode == "same" else self.mode
        return RunAs(mode, _some_ordinary_uid(), self.gid, self.caps)

    def own(self, path: Path) -> None:
        """Give `path`, and all below it if it is a folder, to the user the servers run as."""
        if self.mode != "drop" or path.lstat().st_uid == self.uid:
            return
        for folder, _, files in os.walk(path):
            for name in files:
                os.lchown(Path(folder, name), self.uid, self.gid)
            os.lchown(folder, self.uid, self.gid)
        os.lchown(path, self.uid, self.gid)


def choose(data: Path, paths: Iterable[Path]) -> RunAs:
    """Decide for the data folder and the programs and folders (`paths`) that the servers have to reach.

    Raises EmbeddedError `embedded.no_ordinary_user` when root has no way to run a program as somebody else.
    """
    if os.geteuid() != 0:
        return RunAs("same", os.geteuid(), os.getegid())
    owner = data.stat()
    uid, gid = (owner.st_uid, owner.st_gid) if owner.st_uid != 0 else (NOBODY, NOBODY)
    held = held_capabilities()
    caps = _needed_capabilities([data, *paths], uid, gid, held)
    if caps is not None and {_CHOWN, _KILL, _SETGID, _SETUID} <= held and (not caps or _SETPCAP in held):
        return RunAs("drop", uid, gid, caps)
    ordinary = _some_ordinary_uid()
    namespace = RunAs("namespace", ordinary, ordinary)
    require(namespace)
    return namespace


def held_capabilities() -> set[int]:
    """The numbers of this process's effective capabilities (see capabilities(7))."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    mask = next((int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:")), 0)
    return {number for number in range(64) if mask >> number & 1}


def _some_ordinary_uid() -> int:
    """The number of a user that has a name and isn't root; nobody's if there is one."""
    known = {entry.pw_uid for entry in pwd.getpwall()} - {0}
    return NOBODY if NOBODY in known or not known else min(known)


def _needed_capabilities(paths: Iterable[Path], uid: int, gid: int, held: set[int]) -> tuple[int, ...] | None:
    """The capabilities to keep so that uid reaches all paths; None when this process doesn't hold them."""
    closed = [part for path in paths for part in _chain(path) if not _may_execute(part, uid, gid)]
    if not closed:
        return ()
    if all(part.is_dir() for part in closed) and _DAC_READ_SEARCH in held:
        return (_DAC_READ_SEARCH,)
    # Containers often drop READ_SEARCH and keep OVERRIDE; a program without x for others needs OVERRIDE anyway.
    return (_DAC_OVERRIDE,) if _DAC_OVERRIDE in held else None


def _chain(path: Path) -> list[Path]:
    """The path and all folders above it, by its own name and by the one that its symbolic links lead to."""
    named = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would lose the folders of the links themselves
    real = path.resolve()
    return [*named.parents, *real.parents, real]


def _may_execute(path: Path, uid: int, gid: int) -> bool:
    """Enter a folder or run a program. A data file isn't asked for its x bit."""
    try:
        info = path.stat()
    except OSError:
        return True  # not there yet: whoever needs it reports that better
    if info.st_uid == uid:
        return bool(info.st_mode & stat.S_IXUSR)
    return bool(info.st_mode & (stat.S_IXGRP if info.st_gid == gid else stat.S_IXOTH))


def require(run_as: RunAs) -> None:
    """Raise EmbeddedError `embedded.no_ordinary_user` unless a program can be run so."""
    libraries = {name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"}
    done = subprocess.run(
        run_as.command([os.path.realpath(sys.executable), "-I", "-S", "-c", ""], signal.SIGKILL, libraries),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        return
    raise EmbeddedError(
        "embedded.no_ordinary_user",
        "Postgres refuses to run as root, and this root may neither change its user nor make a user namespace "
        f"({done.stderr.strip()}).",
        "Start it as an ordinary user, or allow the container the capabilities CHOWN, DAC_OVERRIDE, KILL, SETGID, "
        "SETPCAP and SETUID.",
    )
