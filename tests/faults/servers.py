"""The servers of an installation as processes, and when its read models are level with the log."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from uuid import UUID

import psutil
import psycopg

from tests.acceptance.installation import Installation
from tests.faults.check import Report, check

_LEVEL = """
SELECT count(*) = 0 FROM store.tenant_head h
 WHERE h.tenant_id = ANY(%s) AND NOT EXISTS (
       SELECT FROM read.checkpoint c WHERE c.tenant_id = h.tenant_id HAVING min(c.position) = h.position)
"""


def server(installation: Installation, program: str) -> int:
    """The process of a server; of Postgres the postmaster."""
    for child in psutil.Process(installation.process.pid).children(recursive=True):
        with suppress(psutil.Error):
            words = child.cmdline()
            if words and words[0].endswith(program) and (program != "postgres" or "-D" in words):
                return child.pid
    raise LookupError(program)


@contextmanager
def frozen(installation: Installation, program: str) -> Iterator[int]:
    """SIGSTOP: its connections stand, and nothing answers."""
    pid = server(installation, program)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


def settled(installation: Installation, tenants: Sequence[UUID], seconds: float = 10) -> Report:
    """Wait until the read models have caught up, then check everything of these tenants."""
    dsn = str(installation.ready["postgres_admin"])
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError), psycopg.connect(dsn) as connection:
            if connection.execute(_LEVEL, (list(tenants),)).fetchone() == (True,):
                break
        time.sleep(0.05)
    return check(dsn, tenants)
