"""Destroys the keys of a person: from then on nobody reads what was sealed with them, whoever has a copy of the log."""

from typing import LiteralString
from uuid import UUID

from infra.keys.keyring import Keyring
from infra.postgres import Pool, unavailable_as_such

_DESTROY: LiteralString = "SELECT store.destroy_keys(%s, %s)"


class KeyDestroyer:
    """Destroys keys in the store (the pool is the one that may append) and forgets them in this process."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool = pool
        self._keyring = keyring

    async def destroy(self, tenant_id: UUID, subject: UUID) -> int:
        """Destroy all keys of a subject, of every class and year; answers how many there still were.

        One transaction: it is done, or nothing is, and may be repeated. No key is made for the subject afterwards.
        Other processes may use what they had in hand for keyring.TTL_SECONDS more; what they then append about the
        subject is refused, or legible to nobody.

        Raises:
            StoreUnavailableError: Postgres can't be reached; the keys may be destroyed.
            psycopg.errors.NoDataFound: there is no such tenant.
        """
        try:
            async with unavailable_as_such(), self._pool.connection() as connection:
                row = await (await connection.execute(_DESTROY, (tenant_id, subject))).fetchone()
        finally:
            self._keyring.forget(tenant_id, subject)
        return int(row[0]) if row else 0
