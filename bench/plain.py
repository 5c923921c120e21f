"""A database whose appends write no hash chain: to see what the chain costs. Nothing else has this."""

import re
from pathlib import Path

import psycopg

from bench.backbone import Backbone, another
from bench.chain import without_chain

_APPEND_ONE = Path(__file__).parents[1] / "infra/event_store/sql/010_append_one.sql"
_CUTS = (
    (r"CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
    (r"sha256\(.*?uuid_send\(command\)\)\)", "decode(repeat('00', 32), 'hex'))"),
)


def plain(servers: Backbone) -> Backbone:
    """Another database of the same server, without the chain.

    Raises:
        ValueError: a function is not the one that this knows how to cut.
    """
    made = another(servers, "plain")
    without_chain(made.dsn)
    text = _APPEND_ONE.read_text()
    for pattern, replacement in _CUTS:
        text, count = re.subn(pattern, replacement, text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{pattern!r} is {count} times in {_APPEND_ONE.name}")
    with psycopg.connect(made.dsn, autocommit=True) as connection:
        connection.execute(text.encode())
    return made
