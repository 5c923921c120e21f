"""The role processes of one machine: started, watched, started again when they die, stopped together."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct

_CLOSING_SECONDS = 4.0
_PR_SET_PDEATHSIG = 1
_ROOT = Path(__file__).resolve().parents[1]
_SHORTEST_LIFE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 5.0

_log = structlog.get_logger()


def die_with_parent(parent: int) -> None:
    """Have the kernel stop this process when its parent ends, in whatever way. Called by the child itself."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the process that started this one is gone")


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run something until it ends or this process is asked to stop."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        task.cancel()
        # What is being closed may be gone already, together with the parent: don't wait for it for ever.
        loop.call_later(_CLOSING_SECONDS, os._exit, 1)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await task


class _Role(Struct):
    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes]
    started: float
    deaths: int = 0
    not_before: float = 0.0


class RoleProcesses:
    """Runs each role in a process of its own. Not thread-safe; `watch` wants to be called a few times a second."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = {**os.environ, **environment, "RAPPORT_PARENT": str(os.getpid())}
        self._log = log
        self._roles: dict[str, _Role] = {}

    def start(self, name: str, *arguments: str) -> None:
        """Start a role."""
        self._roles[name] = _Role(name, arguments, self._spawn(name, arguments), time.monotonic())

    def pids(self) -> dict[str, int]:
        """Process ids by role."""
        return {name: role.process.pid for name, role in self._roles.items()}

    def watch(self) -> None:
        """Start again what has died, with a pause that grows while it keeps dying."""
        now = time.monotonic()
        for role in self._roles.values():
            code = role.process.poll()
            if code is None:
                continue
            if not role.not_before:
                role.deaths = 1 if now - role.started > _SHORTEST_LIFE_SECONDS else role.deaths + 1
                role.not_before = now + min(_LONGEST_PAUSE_SECONDS, 0.1 * 2**role.deaths)
                _log.error("role.died", died=role.name, code=code)
            elif now >= role.not_before:
                role.process = self._spawn(role.name, role.arguments)
                role.started, role.not_before = now, 0.0

    def failed(self, name: str) -> bool:
        """Whether a role keeps dying right after its start."""
        return self._roles[name].deaths > 1

    def stop(self, seconds: float) -> None:
        """Ask all to stop, and end those by force that have not after some seconds."""
        for role in self._roles.values():
            if role.process.poll() is None:
                role.process.terminate()
        deadline = time.monotonic() + seconds
        for role in self._roles.values():
            try:
                role.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _log.warning("role.killed", killed=role.name)
                role.process.kill()
                role.process.wait()

    def _spawn(self, name: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        self._log.mkdir(parents=True, exist_ok=True)
        path = os.pathsep.join(part for part in (str(_ROOT), os.environ.get("PYTHONPATH")) if part)
        with (self._log / f"{name}.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603  our own program with our own arguments
                [sys.executable, "-m", "bootstrap", "role", name, *arguments],
                env={**self._environment, "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C on the terminal is for the parent, which then stops the roles in order.
                start_new_session=True,
            )
