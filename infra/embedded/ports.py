"""Ports on 127.0.0.1."""

import random
import socket
from pathlib import Path
from typing import Final

from infra.embedded.protocol import EmbeddedError, ServerName

_LOWEST: Final = 15_000
_EPHEMERAL_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


def usual_range() -> range:
    """Ports below the range from which the kernel takes the near ends of outgoing connections.

    Inside that range a client that retries while its server is down can take the server's port, or even connect
    to itself.
    """
    try:
        first = int(_EPHEMERAL_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        first = 32_768
    return range(_LOWEST, first) if first > _LOWEST + 1000 else range(2_000, 60_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now. A port in TIME_WAIT counts as free, as it does for servers."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except PermissionError:
            return True  # a privileged port; the server itself says so better
        except OSError:
            return False
    return True


def find_free(candidates: range) -> int:
    """A free port, kept from other instances on this machine until this process ends.

    Raises EmbeddedError `embedded.no_free_port`.
    """
    for port in random.sample(candidates, k=min(200, len(candidates))):
        if reserve(port) and is_free(port):
            return port
    raise EmbeddedError(
        "embedded.no_free_port",
        f"No free port found between {candidates.start} and {candidates.stop - 1}.",
        "Stop what listens there, or set fixed ports.",
    )


def reserve(port: int) -> bool:
    """Claim the port by a name among the abstract Unix sockets, which the kernel forgets with this process.

    False if another instance has claimed it. Other programs know nothing of this.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        claim.bind(f"\0rapport-port-{port}")
    except OSError:
        claim.close()
        return False
    claim.detach()  # open until this process ends, which is how long the claim has to last
    return True


def in_use(name: ServerName, port: int) -> EmbeddedError:
    """The error for a fixed port that somebody else listens on."""
    return EmbeddedError(
        "embedded.port_in_use",
        f"Port {port} on 127.0.0.1, set for {name}, is in use by another program.",
        f"Stop that program, or change the setting for the {name} port (leave it out for a free one).",
    )
