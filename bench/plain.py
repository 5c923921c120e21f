"""A database whose appends write no hash chain: to see what the chain costs. Nothing else has this."""

from pathlib import Path

import psycopg

from bench.backbone import Backbone, another
from bench.chain import cut, without_chain

_APPEND_ONE = Path(__file__).parents[1] / "infra/event_store/sql/010_append_one.sql"
_CUTS = (
    (r"CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
    (r"sha256\(.*?uuid_send\(command\)\)\)", "decode(repeat('00', 32), 'hex'))"),
)


def unchained_one() -> str:
    """The SQL of `store.append_one` without the chain."""
    return cut(_APPEND_ONE, _CUTS)


def plain(servers: Backbone) -> Backbone:
    """Another database of the same server, without the chain."""
    made = another(servers, "plain")
    without_chain(made.dsn)
    with psycopg.connect(made.dsn, autocommit=True) as connection:
        connection.execute(unchained_one().encode())
    return made
