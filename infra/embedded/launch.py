"""Become an unprivileged process that dies with the supervisor, then turn into the given program.

Run as `python -I -S launch.py SPEC PROGRAM ARGUMENT...` where SPEC is JSON: parent (pid), signal (number), mode
("same", "drop" or "namespace"), uid, gid, caps (numbers), environment (shows in the process list: no secrets). A
small program of its own and not a preexec_fn, because that would run Python between fork and exec of a process that
has threads. Imports the standard library only.
"""

import ctypes
import json
import os
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CLONE_NEWUSER = 0x10000000
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: Any) -> None:
    words = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
    if getattr(_libc, name)(*words) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _keep_capabilities(caps: list[int]) -> None:
    """Reduce all sets to `caps` and make them ambient, which is what lets a capability survive exec without root."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    mask = sum(1 << cap for cap in caps)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    _call("capset", header, (ctypes.c_uint32 * 6)(low, low, low, high, high, high))
    for cap in caps:
        _call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, cap, 0, 0)


def _drop_to(uid: int, gid: int, caps: list[int]) -> None:
    if caps:
        # Keeps the capabilities over setresuid, and has access(2) heed them, by which Postgres finds its programs.
        _call("prctl", _PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if caps:
        _keep_capabilities(caps)


def _enter_namespace(inside: int) -> None:
    """Stay the same user for the file system, but be called `inside`, user and group, by the program."""
    uid, gid = os.geteuid(), os.getegid()
    _call("unshare", _CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside} {uid} 1"),
        ("gid_map", f"{inside} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib would cost start-up time
            file.write(text)


def main(spec: dict[str, Any], command: list[str]) -> None:
    """Never returns: ends in exec, or with status 97 and one line on stderr."""
    if spec["mode"] == "drop":
        _drop_to(spec["uid"], spec["gid"], spec["caps"])
    elif spec["mode"] == "namespace":
        _enter_namespace(spec["uid"])
    # After the change of user: the kernel clears the death signal when credentials change.
    _call("prctl", _PR_SET_PDEATHSIG, spec["signal"], 0, 0, 0)
    if os.getppid() != spec["parent"]:  # it ended before the signal was set
        os._exit(98)
    os.umask(0o077)
    os.execve(command[0], command, spec["environment"])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]), sys.argv[2:])
    except OSError as error:
        sys.stderr.write(f"launch: cannot run {sys.argv[2]}: {error}\n")
        os._exit(97)
