"""Who has records of some ids: the one question that is asked across tenants, of ids and of nothing else."""

from collections.abc import Collection, Sequence
from typing import LiteralString
from uuid import UUID

from commands.violations import Owned
from infra.postgres import Pool, unavailable_as_such

_OWNERS: LiteralString = "SELECT stream_id, tenant_id, kind FROM store.owners_of(%s::uuid[], %s::uuid[])"


class PostgresOwners:
    """Implements commands.violations.Owners. The pool is the one that may append: the query pool may not ask this."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of(self, named: Collection[tuple[UUID, UUID]]) -> Sequence[Owned]:
        """See the port."""
        asked = list(named)
        arrays = [namer for namer, _ in asked], [each for _, each in asked]
        async with unavailable_as_such(), self._pool.connection() as connection:
            cursor = await connection.execute(_OWNERS, arrays)
            return [Owned(*row) for row in await cursor.fetchall()]
