"""The data folder: created, locked, with room left, its secrets and its logs.

data/postgres, data/nats, data/valkey, data/opensearch   one folder a server, closed to others
data/logs/<server>.log                                   what the servers print
data/secrets/servers.json                                their passwords, readable by the owner only
data/.lock                                               held as long as a supervisor works on the folder
"""

import fcntl
import json
import os
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from infra.embedded.protocol import EmbeddedError

_LOCK_SECONDS: Final = 1.0  # a supervisor whose parent was just killed needs a moment to notice
_STOPPING_SECONDS: Final = 10.0
_STOPPING: Final = "stopping"
_LOG_BYTES: Final = 20_000_000


def create(data: Path, min_free_mb: int) -> None:
    """Make the folder, prove that it can be written and that the disk has room.

    Raises EmbeddedError `embedded.data_unusable` or `embedded.disk_full`.
    """
    try:
        for name in ("logs", "secrets"):
            (data / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = data / f".probe-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise unusable(data, error) from error
    free_mb = shutil.disk_usage(data).free // 1_000_000
    if free_mb < min_free_mb:
        raise EmbeddedError(
            "embedded.disk_full",
            f"The disk of the data folder {data} has {free_mb} MB left; the servers need at least {min_free_mb} MB.",
            "Free some space, or choose a data folder on another disk.",
        )


def unusable(path: Path, error: OSError) -> EmbeddedError:
    """The error for a path of the data folder that can't be made, read or written."""
    reason = error.strerror or str(error)
    return EmbeddedError(
        "embedded.data_unusable",
        f"The data folder can't be used: {error.filename or path}: {reason}.",
        "Choose a data folder that this user can create and write to, or give this one to the user.",
    )


class Lock:
    """The exclusive use of a data folder. The kernel frees it however the holder ends."""

    def __init__(self, data: Path) -> None:
        """Take the lock; waits up to 10 s for a holder that is stopping.

        Raises EmbeddedError `embedded.data_in_use`, which names the holder's pid.
        """
        try:
            self._fd = os.open(data / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unusable(data / ".lock", error) from error
        begun = time.monotonic()
        while not self._try():
            holder = os.pread(self._fd, 64, 0).decode(errors="replace").split()
            patience = _STOPPING_SECONDS if _STOPPING in holder else _LOCK_SECONDS
            if time.monotonic() - begun > patience:
                raise EmbeddedError(
                    "embedded.data_in_use",
                    f"The data folder {data} is in use by another instance (pid {holder[0] if holder else '?'}).",
                    "Stop that instance, or give this one a data folder of its own.",
                )
            time.sleep(0.05)
        self._write(str(os.getpid()))

    def mark_stopping(self) -> None:
        """Tell whoever waits that the folder will be free in a moment."""
        self._write(f"{os.getpid()} {_STOPPING}")

    def _try(self) -> bool:
        with suppress(BlockingIOError):
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    def _write(self, text: str) -> None:
        with suppress(OSError):  # only a message for others: a full disk must not hinder a stop
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, text.encode(), 0)


def passwords(data: Path, names: tuple[str, ...]) -> dict[str, str]:
    """The servers' passwords, made on the first start and kept in data/secrets. Safe in URLs and config files."""
    path = data / "secrets" / "servers.json"
    try:
        known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        missing = [name for name in names if name not in known]
        if missing:
            known |= {name: secrets.token_urlsafe(24) for name in missing}
            replace(path, json.dumps(known))
    except OSError as error:
        raise unusable(path, error) from error
    except ValueError as error:
        raise EmbeddedError(
            "embedded.data_unusable", f"{path} isn't valid JSON.", "Restore it from a backup, or remove it."
        ) from error
    return known


def replace(path: Path, text: str) -> None:
    """Write a file (mode 0600) so that it is there as a whole or not at all, even after a power cut."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        _give_to_the_folders_owner(fd, path)
        file.write(text)
        file.flush()
        os.fsync(fd)
    new.rename(path)


def open_log(data: Path, name: str) -> IO[bytes]:
    """The server's log, for appending. A log over 20 MB is set aside as <server>.log.1."""
    path = data / "logs" / f"{name}.log"
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.rename(path.with_name(f"{name}.log.1"))
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    _give_to_the_folders_owner(fd, path)
    return os.fdopen(fd, "ab")


def _give_to_the_folders_owner(fd: int, path: Path) -> None:
    """When root works in a user's folder, the user can still do so alone the next time."""
    owner = path.parent.stat()
    if os.geteuid() == 0 and os.fstat(fd).st_uid != owner.st_uid:
        with suppress(PermissionError):
            os.fchown(fd, owner.st_uid, owner.st_gid)


def last_line(data: Path, name: str) -> str:
    """The last thing of substance that the server printed, for messages."""
    with suppress(OSError), (data / "logs" / f"{name}.log").open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - 4000))
        lines = log.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ""
