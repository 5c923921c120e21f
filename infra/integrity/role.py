"""Checkpoints and incarnations as a role has them: recognised at the start, signed while it runs."""

import asyncio

import psycopg
import structlog

from domain.errors import kind_of
from infra.clock import now
from infra.integrity.archive import Archive, UntrustedRecordError
from infra.integrity.exporter import Exporter
from infra.integrity.exports import FolderExports
from infra.integrity.incarnation import Settled, settle
from infra.integrity.keys import SigningKey
from infra.postgres import AUDITOR, Pool, role_dsn
from infra.wiring import Wiring, postgres_dsn, secret_of
from settings import Settings

_log = structlog.get_logger()


def auditor_dsn(settings: Settings) -> str:
    """The database under the role that reads logs and signs. Raises NotConfiguredError when none is set."""
    return role_dsn(postgres_dsn(settings), AUDITOR, secret_of(settings))


def exporter(settings: Settings, pool: Pool) -> Exporter:
    """What signs and exports; the pool is of the auditor's role."""
    key = SigningKey(secret_of(settings))
    return Exporter(pool, _archive(settings, key), key, now)


def settle_down(settings: Settings, *, restored: bool = False) -> Settled:
    """Recognise a restored database, or be told of one; see infra.integrity.incarnation for what it raises."""
    key = SigningKey(secret_of(settings))
    return settle(auditor_dsn(settings), _archive(settings, key), key, now(), restored=restored)


async def keep_checkpoints(wired: Wiring) -> None:
    """Recognise a restored database, then sign checkpoints for as long as the role runs.

    Trouble with checkpoints is told, and keeps no role from its work.
    """
    try:
        await asyncio.to_thread(settle_down, wired.settings)
    except (UntrustedRecordError, OSError, psycopg.Error) as error:
        _log.error("incarnation.unchecked", error=kind_of(error))
    pool = await wired.pool(AUDITOR, size=2)
    wired.spawn(exporter(wired.settings, pool).run(wired.settings.checkpoint_seconds))


def _archive(settings: Settings, key: SigningKey) -> Archive:
    return Archive(FolderExports(settings.checkpoints), key.public)
