"""Postgres on a disk of its own, small enough to be filled: a tmpfs that only its own processes see."""

import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.infra.embedded.processes import Parent

_MEGABYTES = 320
_MOUNT = f'mount -t tmpfs -o size={_MEGABYTES}m,mode=755 tmpfs "$0" && exec "$@"'


def _inside(folder: Path, command: list[str]) -> list[str]:
    """A command in a mount namespace where the folder is the disk; an ordinary user needs a user namespace for it."""
    own_user = [] if os.geteuid() == 0 else ["--map-current-user", "--keep-caps"]
    return ["unshare", "--mount", *own_user, "sh", "-c", _MOUNT, str(folder), *command]


def unavailable() -> str | None:
    """Why there can be no such disk here; None when there can."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            ran = subprocess.run(_inside(Path(folder), ["true"]), capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return "there is no program `unshare`"
    return None if ran.returncode == 0 else f"this user may not mount a tmpfs: {' '.join(ran.stderr.split())}"


class SmallDisk:
    """Postgres in a folder that is a disk of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._parent = Parent(folder / "data", ["postgres"], wrap=lambda command: _inside(folder, command))
        self.supervisor = self._parent.supervisor
        self.dsn = str(self._parent.said["postgres"])
        self._ballast = Path(f"/proc/{self.supervisor}/root{folder}/ballast")

    def fill(self) -> int:
        """Leave no room at all; answers how many bytes that took."""
        with self._ballast.open("ab") as file:
            before = file.tell()
            for size in (1 << 24, 1 << 20, 1 << 12):
                with suppress(OSError):
                    while True:
                        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), size)
            return file.seek(0, os.SEEK_END) - before

    def free(self) -> None:
        """There is room again."""
        self._ballast.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._parent.end()
        self._parent.__exit__()
