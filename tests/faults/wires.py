"""What stands between an installation and its servers: connections that break in the middle of something."""

import random
import socket
import threading
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.waiting import PATIENCE

_CHUNK = 65_536


class Wire:
    """A TCP proxy in front of a server, which hangs up on requests that hold `marker` as often as `chance` says.

    Three ways, by lot: the request arrives and its answer is lost, the answer breaks off, the request is lost.
    """

    def __init__(self, url: str, marker: bytes, rng: random.Random) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()
        """The server's address as its clients are to use it."""
        self.chance = 0.0
        self.cuts: Counter[str] = Counter()
        self._marker = marker
        self._rng = rng
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def hang_up(self) -> int:
        """Break every connection; answers how many there were."""
        broken = list(self._open)
        for each in broken:
            _close(each)
        self.cuts["hung up"] += 1
        return len(broken) // 2

    def close(self) -> None:
        """Stop, and break every connection."""
        _close(self._listener)
        self.hang_up()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._target, timeout=PATIENCE)
                except OSError:
                    client.close()
                    continue
                server.settimeout(None)
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open |= {client, server}
                pair = _Pair(client, server)
                threading.Thread(target=self._requests, args=(pair,), daemon=True).start()
                threading.Thread(target=self._answers, args=(pair,), daemon=True).start()

    def _requests(self, pair: "_Pair") -> None:
        with suppress(OSError):
            while data := pair.client.recv(_CHUNK):
                if self._marker in data and self._rng.random() < self.chance:
                    way = self._rng.choice(["answer lost", "answer broken", "request lost"])
                    self.cuts[way] += 1
                    if way == "request lost":
                        break
                    pair.fate = way
                pair.server.sendall(data)
        self._end(pair)

    def _answers(self, pair: "_Pair") -> None:
        with suppress(OSError):
            while data := pair.server.recv(_CHUNK):
                if pair.fate:
                    if pair.fate == "answer broken":
                        pair.client.sendall(data[: len(data) // 2])
                    break
                pair.client.sendall(data)
        self._end(pair)

    def _end(self, pair: "_Pair") -> None:
        for each in (pair.client, pair.server):
            self._open.discard(each)
            _close(each)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Pair:
    """One connection through the proxy; `fate` is what becomes of the next answer."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.fate = ""


def _close(each: socket.socket) -> None:
    """Also wakes the thread that reads from it."""
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
