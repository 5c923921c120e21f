"""Where signed records go: outside the database, so that who rewrites that can't rewrite them with it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Exports(Protocol):
    """A small object store. Names are like `checkpoints/x.jsonl`; an object is there whole or not at all."""

    def put(self, name: str, content: bytes) -> None:
        """Store an object, in place of one of the same name; durable when this returns.

        Raises:
            OSError: it can't be stored.
        """
        ...

    def get(self, name: str) -> bytes | None:
        """An object; None when there is none.

        Raises:
            OSError: it can't be read.
        """
        ...

    def names(self, folder: str) -> Sequence[str]:
        """The names of the objects in a folder, sorted; none when there is no such folder."""
        ...


class MemoryExports:
    """Implements Exports for tests."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}

    def put(self, name: str, content: bytes) -> None:
        """See the port."""
        self._objects[name] = content

    def get(self, name: str) -> bytes | None:
        """See the port."""
        return self._objects.get(name)

    def names(self, folder: str) -> Sequence[str]:
        """See the port."""
        return sorted(name for name in self._objects if name.rpartition("/")[0] == folder)


class FolderExports:
    """Implements Exports in a folder, which is made with the first object."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, content: bytes) -> None:
        """See the port."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # A name that `names` passes over, and that no other process uses.
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
        _sync(target.parent)

    def get(self, name: str) -> bytes | None:
        """See the port."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def names(self, folder: str) -> Sequence[str]:
        """See the port."""
        try:
            files = sorted((self.folder / folder).iterdir())
        except FileNotFoundError:
            return ()
        return [f"{folder}/{file.name}" for file in files if file.is_file() and not file.name.startswith(".")]


def _sync(folder: Path) -> None:
    """Make a rename in the folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
