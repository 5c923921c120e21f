"""What the supervisor has to know of a server; postgres.py, nats.py, valkey.py and opensearch.py fill it in."""

import os
import shutil
import signal
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import msgspec

from infra.embedded.folder import replace
from infra.embedded.protocol import EmbeddedError, ServerName
from infra.embedded.rights import RunAs


class Place(msgspec.Struct, frozen=True):
    """Where one server lives: its folder (also its working directory), its password, who runs it, the cache."""

    folder: Path
    password: str
    run_as: RunAs
    cache: Path
    heap_mb: int
    buffers_mb: int
    progress: Callable[[str], None]

    def make(self) -> None:
        """Create the folder, and see that it belongs to whoever runs the server."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.run_as.own(self.folder)

    def write(self, name: str, text: str) -> Path:
        """Write a configuration file (mode 0600) into the folder."""
        path = self.folder / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        replace(path, text)
        if path.parent != self.folder:
            self.run_as.own(path.parent)
        self.run_as.own(path)
        return path


class Server(Protocol):
    """One kind of server. Methods may block: the supervisor calls them in threads."""

    @property
    def name(self) -> ServerName:
        """The name, which is also that of its folder and its log."""
        ...

    @property
    def stop_signals(self) -> Sequence[signal.Signals]:
        """The signals that stop it, mildest first."""
        ...

    @property
    def death_signal(self) -> signal.Signals:
        """The signal that the kernel sends it when the supervisor ends without stopping it."""
        ...

    @property
    def start_seconds(self) -> float:
        """How long a start may take until it counts as failed."""
        ...

    def programs(self) -> list[Path]:
        """The files that the server's user has to be able to run. Raises EmbeddedError if not installed."""
        ...

    def candidates(self) -> range:
        """The ports to choose from when none is set."""
        ...

    def prepare(self, place: Place, port: int) -> list[str]:
        """Bring the folder into shape and return the command line. Raises EmbeddedError or OSError."""
        ...

    def is_ready(self, place: Place, port: int, pid: int) -> bool:
        """Whether this very process serves requests; not some other server on the same port."""
        ...

    def url(self, place: Place, port: int) -> str:
        """Where clients connect, with user and password."""
        ...


def package_folder(package: str, what: str) -> Path:
    """The folder of an installed Python package that carries a server's programs."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise not_installed(what)
    return Path(next(iter(spec.submodule_search_locations)))


def installed(path: str | os.PathLike[str], what: str) -> Path:
    """The program's absolute path, looked up on PATH if it has no folder."""
    found = shutil.which(path)
    if found is None:
        raise not_installed(what)
    return Path(found).absolute()


def not_installed(what: str) -> EmbeddedError:
    """The error for a wheel that isn't there."""
    return EmbeddedError(
        "embedded.not_installed",
        f"The programs of {what} aren't installed in this Python environment.",
        "Run `make setup`.",
    )
