"""Start and stop local servers from the process that needs them. All calls block; use threads in asyncio."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import msgspec

from infra.embedded.cache import cache_folder
from infra.embedded.fetch import fetch_opensearch
from infra.embedded.protocol import EmbeddedError, Order, ServerEvent, ServerName

__all__ = ["Embedded", "EmbeddedError", "Endpoints", "ServerEvent", "ServerName", "fetch_opensearch", "start"]

_ROOT: Final = Path(__file__).resolve().parents[2]
_START_SECONDS: Final = 180.0  # beyond every server's own limit, which gives the better message


class Endpoints(msgspec.Struct, frozen=True):
    """URLs of the servers that are ready; they carry passwords. `postgres_admin` is the superuser's DSN."""

    postgres_admin: str | None = None
    nats: str | None = None
    valkey: str | None = None
    opensearch: str | None = None


def start(
    data: Path,
    servers: Collection[ServerName],
    *,
    ports: Mapping[str, int] | None = None,
    wait_for: Collection[ServerName] | None = None,
    on_event: Callable[[ServerEvent], None] | None = None,
    cache: Path | None = None,
    heap_mb: int = 512,
    buffers_mb: int = 256,
    min_free_mb: int = 200,
    head_start: float = 0.0,
) -> "Embedded":
    """Start the servers with their data below `data`; return when those in `wait_for` serve.

    The default for `wait_for` is all but opensearch. `on_event` is called in a thread of its own with every event.
    `cache` is where OpenSearch's jars are kept, `heap_mb` its heap, `buffers_mb` what Postgres keeps pages in,
    `min_free_mb` the disk space that must be free.
    OpenSearch, whose start takes a small machine for itself, begins `head_start` seconds after the others serve.
    Raises EmbeddedError, after stopping what had started, when one of `wait_for` can't run.
    """
    unknown = sorted(set(ports or {}) - set(servers))
    if unknown:
        raise ValueError(f"ports given for servers that aren't started: {', '.join(unknown)}")
    order = Order(
        data=os.path.abspath(data), servers=tuple(servers), ports=dict(ports or {}),  # noqa: PTH100 - links stay
        cache=str(cache or cache_folder()), parent=os.getpid(), heap_mb=heap_mb,
        buffers_mb=buffers_mb, min_free_mb=min_free_mb, head_start=head_start,
    )  # fmt: skip
    embedded = Embedded(_spawn(), order, on_event)
    try:
        for name in [n for n in servers if n != "opensearch"] if wait_for is None else wait_for:
            embedded.wait(name, _START_SECONDS)
    except BaseException:
        embedded.stop()
        raise
    return embedded


class Embedded:
    """Running local servers. Ends them when it is closed, and when this process ends in whatever way."""

    def __init__(
        self, process: subprocess.Popen[bytes], order: Order, on_event: Callable[[ServerEvent], None] | None
    ) -> None:
        """Use start()."""
        self._process = process
        self._on_event = on_event
        self._changed = threading.Condition()
        self._urls: dict[ServerName, str] = {}
        self._pids: dict[ServerName, int] = {}
        self._failed: dict[ServerName | None, EmbeddedError] = {}
        self._known = order.servers
        self._reader = threading.Thread(target=self._read, name="embedded-events", daemon=True)
        self._reader.start()
        with suppress(BrokenPipeError):  # the reader finds out why
            _stdin(process).write(msgspec.json.encode(order) + b"\n")
            _stdin(process).flush()

    @property
    def endpoints(self) -> Endpoints:
        """What is ready by now; a slow server appears later. A restarted server keeps its URL."""
        with self._changed:
            urls = dict(self._urls)
        return Endpoints(urls.get("postgres"), urls.get("nats"), urls.get("valkey"), urls.get("opensearch"))

    @property
    def supervisor_pid(self) -> int:
        """The supervisor's process id."""
        return self._process.pid

    def pids(self) -> dict[ServerName, int]:
        """The process ids of the servers that were started, by name."""
        with self._changed:
            return dict(self._pids)

    def wait(self, name: ServerName, timeout: float) -> str:
        """Wait up to `timeout` seconds until the server is ready, and return its URL.

        Raises EmbeddedError with the reason when it can't start, `embedded.start_timeout` when time is up.
        """
        if name not in self._known:
            raise ValueError(f"{name} was not asked for")
        deadline = time.monotonic() + timeout
        with self._changed:
            while name not in self._urls:
                if error := self._failed.get(name) or self._failed.get(None):
                    raise error
                if not self._changed.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    raise EmbeddedError(
                        "embedded.start_timeout", f"{name} isn't ready after {timeout:g} s.", "Wait longer."
                    )
            return self._urls[name]

    def stop(self, timeout: float = 8) -> None:
        """Stop all servers in good order, by force after `timeout` seconds. May be called again."""
        with suppress(OSError):
            _stdin(self._process).close()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its servers get their stop signals from the kernel
            self._process.wait()
        if threading.current_thread() is not self._reader:
            self._reader.join(timeout=1)

    def __enter__(self) -> Self:
        """Nothing to do: start() has started it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _read(self) -> None:
        with self._process.stdout or open(os.devnull, "rb") as lines:  # noqa: PTH123 - never the latter
            for line in lines:
                self._take(msgspec.json.decode(line, type=ServerEvent))
        gone = EmbeddedError(
            "embedded.supervisor_gone", "The supervisor of the local servers has ended.", "Start again."
        )
        with self._changed:
            self._failed.setdefault(None, gone)
            self._changed.notify_all()

    def _take(self, event: ServerEvent) -> None:
        """Remember it, tell the caller's function, and only then wake whoever waits for it."""
        with self._changed:
            if event.server and event.pid:
                self._pids[event.server] = event.pid
            if event.server and event.kind == "ready" and event.url:
                self._urls[event.server] = event.url
            if event.kind == "failed":
                self._failed[event.server] = event.error
        if self._on_event is not None:
            try:
                self._on_event(event)
            except Exception as error:  # noqa: BLE001 - a caller's fault must not stop the reading
                threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, None)))
        with self._changed:
            self._changed.notify_all()


def _spawn() -> subprocess.Popen[bytes]:
    """In a session of its own, so that a Ctrl-C on the terminal reaches only the parent, which then stops it."""
    path = os.pathsep.join(p for p in (str(_ROOT), os.environ.get("PYTHONPATH")) if p)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "infra.embedded.supervisor"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", start_new_session=True,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip


def _stdin(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None  # noqa: S101 - it was opened with a pipe
    return process.stdin
