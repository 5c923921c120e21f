"""An installation that is harmed: its processes, its servers, and what stands between them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import psutil
import psycopg

from infra.embedded import ports
from infra.embedded.client import start
from infra.keys.master import LocalMaster, local_master
from infra.secret import Secret, secret_in
from tests.acceptance.installation import ROOT, Installation
from tests.faults.chance import chance
from tests.faults.idler import Idler
from tests.faults.small_disk import SmallDisk
from tests.faults.wayward import Wayward
from tests.faults.wires import Wire
from tests.infra.embedded.processes import all_gone
from tests.waiting import PATIENCE

Shape = Literal["plain", "wired", "search", "small disk"]
"""`plain`: as `rapport up` starts it; `wired`: Postgres and NATS are reached through connections that can be cut;
`search`: with OpenSearch, behind a proxy; `small disk`: Postgres lies on a disk that can be filled."""

ROLES = ("api", "relay", "projector")
_PROGRAMS = {"postgres": "postgres", "nats": "nats-server", "valkey": "valkey-server"}
_APPENDS = b'"appends":'
_PUBLISHES = b"HPUB evt."


class Site:
    """The installation, from the beginning to the end of the block, with a session idle in transaction all the time."""

    def __init__(self, folder: Path, shape: Shape = "plain", seed: object = 0) -> None:
        self.folder = folder
        self.shape = shape
        self._rng = chance(seed, shape)
        self._dsn: str | None = None
        self._supervisors: list[int] = []
        self.postgres_wire: Wire
        self.nats_wire: Wire
        self.wayward: Wayward
        self.disk: SmallDisk

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            environment = self._servers(stack)
            # The same port after a restart: the load goes on.
            usual = ports.usual_range()
            self.port = next(filter(ports.is_free, self._rng.sample(usual, 200)))
            search = "opensearch" if self.shape == "search" else "postgres"
            options = ("--no-demo", "--search", search, "--port", str(self.port))
            self.installation = Installation(self.folder / "data", *options, environment=environment)
            stack.enter_context(self.installation)
            self.idler = stack.enter_context(Idler())
            self.idler.begin(self.dsn)
            self._stack = stack.pop_all()
        return self

    def _servers(self, stack: ExitStack) -> dict[str, str]:
        """Start what `rapport up` does not start itself; answers the settings that say where it is."""
        match self.shape:
            case "plain":
                return {}
            case "wired":
                servers = stack.enter_context(start(self.folder / "servers", ["postgres", "nats"]))
                self._supervisors.append(servers.supervisor_pid)
                self._dsn = servers.wait("postgres", PATIENCE)
                self.postgres_wire = stack.enter_context(Wire(self._dsn, _APPENDS, self._rng))
                self.nats_wire = stack.enter_context(Wire(servers.wait("nats", PATIENCE), _PUBLISHES, self._rng))
                return {"RAPPORT_POSTGRES_DSN": self.postgres_wire.url, "RAPPORT_NATS_URL": self.nats_wire.url}
            case "search":
                servers = stack.enter_context(start(self.folder / "servers", ["opensearch"]))
                self._supervisors.append(servers.supervisor_pid)
                self.wayward = stack.enter_context(Wayward(servers.wait("opensearch", 120), self._rng))
                return {"RAPPORT_OPENSEARCH_URL": self.wayward.url}
            case "small disk":
                self.disk = stack.enter_context(SmallDisk(self.folder / "disk"))
                self._supervisors.append(self.disk.supervisor)
                self._dsn = self.disk.dsn
                return {"RAPPORT_POSTGRES_DSN": self._dsn}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """Of the API."""
        return str(self.installation.ready["url"])

    @property
    def dsn(self) -> str:
        """The administrator's, past any wire."""
        return self._dsn or str(self.installation.ready["postgres_admin"])

    @property
    def secret(self) -> Secret:
        """The installation's."""
        return secret_in(self.installation.data)

    @property
    def master(self) -> LocalMaster:
        """What opens personal data."""
        return local_master(self.secret)

    def pid(self, what: str) -> int:
        """The process of a role or of a server (of Postgres the postmaster).

        Raises:
            LookupError: it does not run just now.
        """
        if what in ROLES:
            return self.installation.role_pid(what)
        for parent in (self.installation.process.pid, *self._supervisors):
            for child in psutil.Process(parent).children(recursive=True):
                with suppress(psutil.Error):
                    words = child.cmdline()
                    if words and words[0].endswith(_PROGRAMS[what]) and (what != "postgres" or "-D" in words):
                        return child.pid
        raise LookupError(what)

    def supervisor(self) -> int:
        """The process that starts servers again which have died."""
        for child in psutil.Process(self.installation.process.pid).children():
            if "infra.embedded.supervisor" in child.cmdline():
                return child.pid
        raise LookupError("supervisor")

    @contextmanager
    def frozen(self, pid: int, *, alone: bool = False) -> Iterator[None]:
        """SIGSTOP to a process and, unless `alone`, to all its children: nothing answers, no file changes."""
        stopped: list[psutil.Process] = []
        first = psutil.Process(pid)
        try:
            for process in (first, *(() if alone else first.children(recursive=True))):
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
                    stopped.append(process)
            yield
        finally:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def wait_for_postgres(self, seconds: float = PATIENCE) -> None:
        """Wait until Postgres takes connections; the session that is idle in transaction is there again, too.

        Raises:
            TimeoutError: it takes none.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(psycopg.Error):
                self.idler.begin(self.dsn)
                return
            time.sleep(0.1)
        raise TimeoutError("Postgres takes no connections")

    def role(self, name: str) -> "subprocess.Popen[bytes]":
        """One more process of a role, on the same servers; the caller ends it."""
        ready = self.installation.ready
        environment = {
            **os.environ,
            "RAPPORT_DATA": str(self.installation.data),
            "RAPPORT_POSTGRES_DSN": str(ready["postgres"]),
            "RAPPORT_NATS_URL": str(ready["nats"]),
            "RAPPORT_VALKEY_URL": str(ready["valkey"]),
            "RAPPORT_SEARCH": "postgres",
            "RAPPORT_PARENT": str(os.getpid()),
        }
        with (self.installation.data / "logs" / f"{name}-more.log").open("ab") as log:
            command = [sys.executable, "-m", "bootstrap", "role", name]
            return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def rapport(self, *words: str) -> "subprocess.Popen[str]":
        """The command `rapport` on this installation, begun."""
        environment = {**os.environ, "RAPPORT_DATA": str(self.installation.data)}
        command = [sys.executable, "-m", "bootstrap", *words]
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def kill_all(self) -> None:
        """SIGKILL the process at the top, with which all others go down; returns when they are gone."""
        top = psutil.Process(self.installation.process.pid)
        below = [child.pid for child in top.children(recursive=True)]
        top.kill()
        self.installation.process.wait(PATIENCE)
        if self.installation.process.stdout:
            self.installation.process.stdout.close()
        if not all_gone(below):
            raise TimeoutError("some processes outlive the one at the top")

    def restart(self) -> None:
        """Start the installation again."""
        self.installation.start()
        self.wait_for_postgres()

    def carried_out(self, *words: str) -> str:
        """What the command `rapport` says, which has to succeed."""
        process = self.rapport(*words)
        said, _ = process.communicate(timeout=120)
        if process.returncode:
            raise RuntimeError(f"rapport {' '.join(words)}: {said}")
        return said


def copy_folder(source: Path, target: Path) -> None:
    """With owners: servers run as another user where root has started them."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
