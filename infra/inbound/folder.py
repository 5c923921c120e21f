"""Folders that a mail server leaves messages in: <folder>/<tenant's id>/new, and from there to cur or to failed."""

import asyncio
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from heapq import nsmallest
from pathlib import Path
from uuid import UUID

from commands.ports import NewId
from domain.errors import DomainError

_NEW, _DONE, _FAILED = "new", "cur", "failed"
_SUFFIX = ".eml"


class DropFolder:
    """Implements commands.inbound.drop.Drop.

    Whoever leaves a message writes it elsewhere on the same disk, and renames it into `new`: what is there is whole.
    """

    def __init__(self, folder: Path, most_bytes: int, new_id: NewId) -> None:
        self._folder = folder
        self._most = most_bytes
        self._new_id = new_id

    async def tenants(self) -> Sequence[UUID]:
        """See the port."""
        return await asyncio.to_thread(self._tenants)

    async def waiting(self, tenant_id: UUID, most: int) -> Sequence[str]:
        """See the port."""
        return await asyncio.to_thread(self._waiting, tenant_id, most)

    async def read(self, tenant_id: UUID, name: str) -> bytes:
        """See the port."""
        return await asyncio.to_thread(self._read, self._folder / str(tenant_id) / _NEW / name)

    async def done(self, tenant_id: UUID, name: str) -> None:
        """See the port."""
        await asyncio.to_thread(self._move, tenant_id, name, _DONE, None)

    async def failed(self, tenant_id: UUID, name: str, reason: str) -> None:
        """See the port. The reason stands beside it, in a file of its name with .reason at the end."""
        await asyncio.to_thread(self._move, tenant_id, name, _FAILED, reason)

    def _tenants(self) -> list[UUID]:
        found = []
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(ValueError):  # a folder of something else
                    if entry.is_dir() and str(UUID(entry.name)) == entry.name:
                        found.append(UUID(entry.name))
        return sorted(found)

    def _waiting(self, tenant_id: UUID, most: int) -> list[str]:
        found = []
        with suppress(FileNotFoundError), os.scandir(self._folder / str(tenant_id) / _NEW) as entries:
            for entry in entries:
                if entry.name.endswith(_SUFFIX) and not entry.name.startswith("."):
                    with suppress(FileNotFoundError):  # another worker was faster
                        found.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name))
        return [name for _, name in nsmallest(most, found)]

    def _read(self, path: Path) -> bytes:
        # Not through a link: it may lead to what the mail server must not read.
        if not stat.S_ISREG(path.lstat().st_mode):
            raise DomainError("body.malformed", "this is no file")
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            raw = file.read(self._most + 1)
        if len(raw) > self._most:
            raise DomainError("body.too_large", f"the message has more than {self._most} bytes")
        if not raw.strip():
            raise DomainError("body.malformed", "the message is empty")
        return raw

    def _move(self, tenant_id: UUID, name: str, where: str, reason: str | None) -> None:
        home = self._folder / str(tenant_id)
        (home / where).mkdir(mode=0o700, exist_ok=True)
        to = home / where / name
        if to.exists():  # another message of that name came before: both are kept
            to = home / where / f"{self._new_id()}-{name}"
        if reason is not None:
            to.with_name(f"{to.name}.reason").write_text(f"{reason}\n")
        with suppress(FileNotFoundError):  # another worker was faster
            (home / _NEW / name).rename(to)
