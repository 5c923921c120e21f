"""Clears away what the store no longer needs."""

import asyncio
from typing import LiteralString

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from infra.postgres import Pool

_MOST = 1000
_PURGE: LiteralString = "SELECT store.purge_expired_commands(%s)"
_PAUSE_SECONDS = 60.0

_log = structlog.get_logger()


async def purge_expired_commands(pool: Pool) -> int:
    """Forget idempotency keys that are past their time; returns how many.

    Raises:
        psycopg.Error: Postgres can't be asked now.
    """
    purged = 0
    async with pool.connection() as connection:
        while row := await (await connection.execute(_PURGE, (_MOST,))).fetchone():
            purged += row[0]
            if row[0] < _MOST:
                break
    return purged


async def keep_house(pool: Pool) -> None:
    """Purge every minute until cancelled. Two processes that do so share the work."""
    while True:
        try:
            if purged := await purge_expired_commands(pool):
                _log.info("store.purged", commands=purged)
        except (psycopg.Error, PoolTimeout) as error:
            _log.warning("store.purge_failed", error=repr(error))
        await asyncio.sleep(_PAUSE_SECONDS)
