"""Clients that write all the time, each waiting for its answer, while something is done to the installation.

`python -m tests.faults.load URL JOURNAL [SEED]` writes to an installation until it is stopped or killed: the journal
has all of it, and `python -m tests.faults.check DSN --journal JOURNAL` says whether the installation kept its word.
"""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from tests.acceptance.installation import Tenant
from tests.faults.client import Client
from tests.faults.journal import Journal, Opened
from tests.waiting import PATIENCE


class Load:
    """Writes from several threads, to tenants of its own, for as long as the block lasts."""

    def __init__(self, url: str, journal: Journal, seed: object = 0, *, tenants: int = 3, clients: int = 6) -> None:
        self.tenants = [Tenant(url, f"Tenant {number}") for number in range(tenants)]
        for tenant in self.tenants:
            journal.note(Opened(UUID(tenant.id), tenant.position))
        self._clients = [Client(url, self.tenants[n % tenants], journal, f"{seed}/{n}") for n in range(clients)]
        shared: dict[str, UUID | None] = {}
        for client in self._clients:
            if client.tenant.id not in shared:
                shared[client.tenant.id] = client.write("add")
            client.shared = shared[client.tenant.id]
        self._ended = threading.Event()
        self._errors: list[Exception] = []
        self._threads = [threading.Thread(target=self._run, args=(client,)) for client in self._clients]

    @property
    def ids(self) -> list[UUID]:
        """The tenants' ids."""
        return [UUID(tenant.id) for tenant in self.tenants]

    @property
    def acked(self) -> int:
        """How many writes were acknowledged."""
        return sum(client.acked for client in self._clients)

    @property
    def repeats(self) -> int:
        """How often a client had to ask again."""
        return sum(client.repeats for client in self._clients)

    def slowest(self) -> float:
        """The longest that a write has taken, in seconds, since this was asked the last time."""
        found = max(client.slowest for client in self._clients)
        for client in self._clients:
            client.slowest = 0.0
        return found

    def until_acked(self, more: int, seconds: float = PATIENCE) -> None:
        """Wait until so many more writes are acknowledged: the load is there, or there again.

        Raises:
            TimeoutError: they are not.
        """
        wanted, deadline = self.acked + more, time.monotonic() + seconds
        while self.acked < wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.acked} writes are acknowledged after {seconds:g} s, not {wanted}")
            time.sleep(0.02)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nobody writes, and nobody waits for an answer."""
        with ExitStack() as stack:
            for client in self._clients:
                stack.enter_context(client.writing)
            yield

    @contextmanager
    def quiet(self, tenant: Tenant) -> Iterator[None]:
        """Nobody writes to one of the tenants."""
        with ExitStack() as stack:
            for client in self._clients:
                if client.tenant is tenant:
                    stack.enter_context(client.writing)
            yield

    def forget(self) -> None:
        """To be called while it is paused: what was written may be there no more."""
        for client in self._clients:
            client.forget()

    def close(self) -> None:
        """The tenants' own clients are done with, too."""
        for tenant in self.tenants:
            tenant.http.close()

    def _run(self, client: Client) -> None:
        try:
            client.run(self._ended)
        except Exception as error:  # noqa: BLE001  it is raised where the load ends
            self._errors.append(error)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        for client in self._clients:
            client.close()
        if self._errors:
            raise ExceptionGroup("the load itself has failed", self._errors)


def main(url: str, path: str, seed: str = "0") -> None:
    """Write until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with closing(Load(url, Journal(Path(path)), seed)) as load, load:
        print(" ".join(map(str, load.ids)), flush=True)  # noqa: T201
        stop.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
