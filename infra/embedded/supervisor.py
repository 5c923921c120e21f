"""The process that owns the local servers: `python -m infra.embedded.supervisor`, started by client.py.

It reads an Order from stdin, starts the servers side by side and reports ServerEvents on stdout. It stops
everything and ends when stdin reaches its end, when its parent is gone, or on SIGTERM; whatever ends the supervisor
itself, the kernel sends each server its stop signal (see launch.py). The servers listen on 127.0.0.1 only. OpenSearch
has no users or passwords: whoever may open a connection on this machine may read and change its indexes.
"""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from infra.embedded import folder, rights
from infra.embedded.keeper import Keeper
from infra.embedded.nats import Nats
from infra.embedded.opensearch import OpenSearch
from infra.embedded.postgres import Postgres
from infra.embedded.protocol import EmbeddedError, Order, ServerEvent, ServerName
from infra.embedded.server import Place, Server
from infra.embedded.valkey import Valkey

_SERVERS: Final[dict[ServerName, Server]] = {s.name: s for s in (Postgres(), Nats(), Valkey(), OpenSearch())}
_WITH_PASSWORD: Final = ("postgres", "nats", "valkey")


def say(event: ServerEvent) -> None:
    """One line to the parent, which may be gone."""
    with suppress(OSError):
        os.write(sys.stdout.fileno(), msgspec.json.encode(event) + b"\n")


async def main(order: Order) -> None:
    """Run until told to stop; all servers are down when this returns."""
    stop = asyncio.Event()
    _listen_for_the_end(order.parent, stop)
    set_up = asyncio.create_task(asyncio.to_thread(_set_up, order))
    ended = asyncio.create_task(stop.wait())
    await asyncio.wait({set_up, ended}, return_when=asyncio.FIRST_COMPLETED)
    if not set_up.done():  # it may be waiting for the lock
        return
    try:
        lock, keepers = set_up.result()
    except EmbeddedError as error:
        say(ServerEvent.failure(error))
        return
    tasks = [asyncio.create_task(_run(keeper, keepers, order.head_start)) for keeper in keepers]
    await ended
    lock.mark_stopping()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await asyncio.gather(*(keeper.stop() for keeper in keepers))


async def _run(keeper: Keeper, keepers: Iterable[Keeper], head_start: float) -> None:
    if keeper.name == "opensearch" and head_start:
        for other in keepers:
            if other is not keeper:
                await other.started.wait()
        await asyncio.sleep(head_start)
    await keeper.run()


def _set_up(order: Order) -> tuple[folder.Lock, list[Keeper]]:
    """Everything that concerns all servers. Raises EmbeddedError."""
    data = Path(order.data)
    folder.create(data, order.min_free_mb)
    lock = folder.Lock(data)
    run_as = rights.choose(data, [Path(order.cache), *_programs(order.servers)])
    if data.stat().st_uid == run_as.uid:
        for name in ("logs", "secrets", ".lock"):
            run_as.own(data / name)
    passwords = folder.passwords(data, _WITH_PASSWORD)
    return lock, [_keeper(order, name, passwords.get(name, ""), run_as) for name in order.servers]


def _programs(names: Iterable[ServerName]) -> list[Path]:
    """What is installed; what isn't is reported when its server starts."""
    found: list[Path] = []
    for name in names:
        with suppress(EmbeddedError):
            found += _SERVERS[name].programs()
    return found


def _keeper(order: Order, name: ServerName, password: str, run_as: rights.RunAs) -> Keeper:
    data = Path(order.data)

    def progress(message: str) -> None:
        say(ServerEvent("progress", name, message=message))

    place = Place(data / name, password, run_as, Path(order.cache), order.heap_mb, order.buffers_mb, progress)
    return Keeper(_SERVERS[name], place, data, order.ports.get(name), say)


def _listen_for_the_end(parent: int, stop: asyncio.Event) -> None:
    """End of file on stdin, the end of the parent, or SIGTERM, whichever comes first.

    The parent is watched as well, because a process that it forked may still hold the other end of stdin.
    """
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(sys.stdin.fileno(), _drain, stop)
    with suppress(OSError):
        loop.add_reader(os.pidfd_open(parent), stop.set)
    if os.getppid() != parent:
        stop.set()


def _drain(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def _read_order() -> Order:
    """Read byte by byte up to the end of the line: buffering would swallow the end of file."""
    line = bytearray()
    while (byte := os.read(sys.stdin.fileno(), 1)) not in (b"", b"\n"):
        line += byte
    if not line:  # the parent is gone already
        sys.exit()
    return msgspec.json.decode(line, type=Order)


async def _main_and_exit(order: Order) -> None:
    """End at once, without waiting for threads that may be in the middle of a download."""
    status = 1
    try:
        await main(order)
        status = 0
    finally:
        if status:
            traceback.print_exc()
        os._exit(status)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.umask(0o022)
    asyncio.run(_main_and_exit(_read_order()))
