"""A new master key: tenants' keys are wrapped again, nothing else changes."""

from collections.abc import Callable
from typing import LiteralString

import psycopg

from infra.keys.master import Master
from infra.keys.wrapping import tenant_label
from infra.postgres import OWNER

_OTHERS: LiteralString = "SELECT tenant_id, id, master, wrapped FROM store.tenant_key WHERE master <> %s"
_REPLACE: LiteralString = """
UPDATE store.tenant_key SET master = %s, wrapped = %s WHERE tenant_id = %s AND id = %s AND master = %s
"""


def rewrap(
    dsn: str,
    master: Master,
    on_progress: Callable[[int], None] = lambda _: None,
    *,
    on_start: Callable[[int], None] = lambda _: None,
) -> int:
    """Wrap every tenant key with the current master key that is not wrapped with it yet; answers how many there were.

    `dsn` is an administrator's, as for `migrate`; `master` knows the old master keys and the new one, and so do all
    processes before this starts. Each key is committed by itself: it can be stopped and started again. `on_start` is
    told how many keys there are to do, `on_progress` how many of them are done.

    Raises:
        UnknownMasterError: a key was wrapped by a master key that is not known here.
        psycopg.Error: the database can't be reached, or the role may not become the owner.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"SET ROLE {OWNER}".encode())
        rows = connection.execute(_OTHERS, (master.current,)).fetchall()
        on_start(len(rows))
        for done, (tenant_id, key_id, old, wrapped) in enumerate(rows, start=1):
            label = tenant_label(tenant_id, key_id)
            name, again = master.wrap(master.unwrap(old, wrapped, label), label)
            connection.execute(_REPLACE, (name, again, tenant_id, key_id, old))
            on_progress(done)
    return len(rows)
