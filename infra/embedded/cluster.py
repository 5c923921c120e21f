"""The files of a Postgres cluster: made by initdb, of the right version, with the right password."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from infra.embedded.protocol import EmbeddedError
from infra.embedded.rights import RunAs
from infra.embedded.server import Place

SUPERUSER: Final = "postgres"
_ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8", "PATH": os.defpath, "TZ": "UTC"}
_MARK: Final = "rapport.password"  # holds a digest of the superuser's password; goes into backups, too


def initialise(place: Place, initdb: Path) -> None:
    """Make the cluster beside its place and move it there: a killed initdb leaves nothing half done.

    Raises EmbeddedError `embedded.start_failed` with what initdb said.
    """
    new = place.folder.with_name("postgres.new")
    password_file = new.with_name("postgres.password")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    password_file.unlink(missing_ok=True)
    password_file.touch(mode=0o600)
    password_file.write_text(place.password, encoding="ascii")
    builder = place.run_as.named()
    builder.own(new)
    builder.own(password_file)
    try:
        _run_initdb(builder, initdb, new, password_file)
    finally:
        password_file.unlink(missing_ok=True)
    (new / _MARK).write_text(_digest(place.password), encoding="ascii")
    builder.own(new / _MARK)
    if place.folder.exists():
        place.folder.rmdir()
    new.rename(place.folder)


def _run_initdb(builder: RunAs, initdb: Path, folder: Path, password_file: Path) -> None:
    command = [
        str(initdb), "-D", str(folder), f"--username={SUPERUSER}", f"--pwfile={password_file}",
        "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        # Sorting is the provider's, but pg_trgm asks lc_ctype what a letter is: under C it drops all but ASCII.
        "--locale=C", "--lc-ctype=C.UTF-8", "--data-checksums",
    ]  # fmt: skip
    done = subprocess.run(
        builder.command(command, signal.SIGKILL, _ENVIRONMENT), capture_output=True, text=True, check=False, cwd=folder,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        reason = "; ".join(line for line in done.stderr.splitlines() if line.strip()) or f"status {done.returncode}"
        raise EmbeddedError(
            "embedded.start_failed",
            f"Postgres could not create its files in {folder.parent}: {reason}.",
            f"If it speaks of user {builder.uid} or of unshare: give user {os.geteuid()} an entry in /etc/passwd.",
        )


def require_same_version(folder: Path, program: Path) -> None:
    """Raise EmbeddedError `embedded.data_version` for the files of another major version."""
    found = (folder / "PG_VERSION").read_text(encoding="ascii").strip()
    shown = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout
    match = re.search(r"\d+", shown)
    ours = match[0] if match else "?"
    if found != ours:
        raise EmbeddedError(
            "embedded.data_version",
            f"{folder} was written by Postgres {found}; the installed one is {ours}.",
            "Restore a backup into a new data folder, or install the version that wrote it.",
        )


def forget_foreign_pid(folder: Path) -> None:
    """Remove a pid file left by a killed server whose number some other program has now.

    Postgres would take that program for a running server. If the number is free, Postgres does the right thing.
    """
    pid_file = folder / "postmaster.pid"
    with suppress(OSError, IndexError, ValueError):
        pid = int(pid_file.read_text(encoding="utf-8").splitlines()[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if os.fsencode(folder) not in words:
            pid_file.unlink()


def match_password(place: Place, program: Path) -> None:
    """Give the superuser the password that data/secrets holds, if it is not the one the cluster has.

    So the data stays within reach when the secrets are lost, or when the cluster comes from another one's backup.
    Raises EmbeddedError `embedded.start_failed`.
    """
    mark, digest = place.folder / _MARK, _digest(place.password)
    if mark.exists() and mark.read_text(encoding="ascii") == digest:
        return
    builder = place.run_as.named()
    builder.own(place.folder)
    done = subprocess.run(
        builder.command([str(program), "--single", "-D", str(place.folder), SUPERUSER], signal.SIGKILL, _ENVIRONMENT),
        input=f"ALTER ROLE {SUPERUSER} PASSWORD '{place.password}'\n", capture_output=True, text=True, check=False,
        cwd=place.folder,
    )  # fmt: skip
    place.run_as.own(place.folder)
    if done.returncode != 0 or "ERROR" in done.stderr:
        raise EmbeddedError(
            "embedded.start_failed",
            f"Postgres could not set the superuser's password in {place.folder}: {' '.join(done.stderr.split())}",
            "Put the file data/secrets/servers.json back that belongs to this data.",
        )
    place.write(_MARK, digest)


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
