"""What an installation is, as its database says."""

from uuid import UUID

from msgspec import Struct

from infra.postgres import Pool


class Installation(Struct, frozen=True):
    """The incarnation names this history of the log; partitions are the streams that carry it."""

    incarnation: UUID
    partitions: int


async def installation(pool: Pool) -> Installation:
    """What the database says of this installation."""
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT incarnation, partitions FROM ops.installation")).fetchone()
    if row is None:
        raise RuntimeError("ops.installation is empty: run `rapport migrate`")
    return Installation(*row)
