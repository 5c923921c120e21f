"""What an installation is, as its database says."""

import asyncio
from contextlib import suppress
from typing import LiteralString
from uuid import UUID

import psycopg
import structlog
from msgspec import Struct
from psycopg_pool import PoolTimeout

from infra.postgres import Pool

_INSTALLATION: LiteralString = "SELECT incarnation, partitions, former FROM ops.installation"
_LOOK_SECONDS = 2.0

_log = structlog.get_logger()


class Installation(Struct, frozen=True):
    """The incarnation names this history of the log; partitions are the streams that carry it.

    Streams and indexes of `former` incarnations are of no use any more.
    """

    incarnation: UUID
    partitions: int
    former: tuple[UUID, ...] = ()


async def installation(pool: Pool) -> Installation:
    """What the database says of this installation."""
    async with pool.connection() as connection:
        row = await (await connection.execute(_INSTALLATION)).fetchone()
    if row is None:
        raise RuntimeError("ops.installation is empty: run `rapport migrate`")
    incarnation, partitions, former = row
    return Installation(incarnation, partitions, tuple(former))


async def until_replaced(pool: Pool, installed: Installation) -> UUID:
    """Wait until the database is of another incarnation, and answer which: what this process knows is of the past."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        with suppress(psycopg.Error, PoolTimeout):  # it may be away just because it is being restored
            found = await installation(pool)
            if found.incarnation != installed.incarnation:
                _log.error("incarnation.replaced", was=str(installed.incarnation), now=str(found.incarnation))
                return found.incarnation
