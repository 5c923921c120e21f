"""Real processes to kill, and a look at what is left of them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from infra.embedded.client import ServerName
from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[3]
Wrap = Callable[[list[str]], list[str]]
FAST: tuple[ServerName, ...] = ("postgres", "nats", "valkey")

# Starts the servers, says who they are, then waits to be killed or told to stop by a line on stdin.
_PARENT = """
import json, os, sys
from pathlib import Path
from infra.embedded.client import EmbeddedError, start
data, names, fork = Path(sys.argv[1]), sys.argv[2].split(","), sys.argv[3] == "fork"
try:
    embedded = start(data, names)
except EmbeddedError as error:
    print(json.dumps({"code": error.code, "message": str(error)}), flush=True)
    sys.exit(1)
child = os.fork() if fork else -1
if child == 0:
    sys.stdin.close()
    import time
    time.sleep(60)
print(json.dumps({
    "pids": embedded.pids(), "supervisor": embedded.supervisor_pid, "child": child,
    "postgres": embedded.endpoints.postgres_admin, "uid": os.geteuid(),
}), flush=True)
sys.stdin.readline()
embedded.stop()
"""


class Parent:
    """A process of its own that has started servers."""

    def __init__(
        self, data: Path, names: Iterable[str] = FAST, *, fork: bool = False, wrap: Wrap | None = None
    ) -> None:
        command = [sys.executable, "-c", _PARENT, str(data), ",".join(names), "fork" if fork else ""]
        self.process = subprocess.Popen(
            wrap(command) if wrap else command,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert self.process.stdout
        self.said: dict[str, Any] = json.loads(self.process.stdout.readline() or b'{"code": "silent"}')

    @property
    def pids(self) -> list[int]:
        """The servers and, for Postgres, all its children."""
        return [pid for server in self.said["pids"].values() for pid in (server, *children(server))]

    @property
    def supervisor(self) -> int:
        return int(self.said["supervisor"])

    def end(self) -> None:
        with suppress(OSError):
            self.process.communicate(b"\n", timeout=PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in (self.process.pid, self.said.get("child", -1), self.said.get("supervisor", -1)):
            if pid > 0 and is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        self.process.communicate()
        wait_until(lambda: not any(map(is_alive, self.said.get("pids", {}).values())))


def is_alive(pid: int) -> bool:
    """Whether it runs. A zombie doesn't: only its parent can remove it, and init takes its time in some containers."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def wait_until(what: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while not (done := what()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return done


def all_gone(pids: Iterable[int], seconds: float = PATIENCE) -> bool:
    known = list(pids)
    return wait_until(lambda: not any(map(is_alive, known)), seconds)
