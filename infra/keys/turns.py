"""The signing keys take turns: a new one is made, signs after a while, and the old one retires when nobody needs it.

Times, with access tokens of 24 hours: at 0:00 the new key is stored; within 30 seconds it is in the JWKS of every
process, and 5 minutes later known to everybody who keeps to its `max-age`. At 0:15 it signs. Ten minutes after the last
token of the old one has expired, at 0:25 the next day, that one is in the JWKS no more.
"""

from datetime import datetime
from typing import LiteralString

import psycopg
from msgspec import Struct

from infra.keys.signing import new_row
from infra.postgres import OWNER
from infra.secret import Secret

LEAD_SECONDS = 900
_SLACK_SECONDS = 600
"""For a process that signs with the old key because it could not read the new one in time."""

_LOCK: LiteralString = "LOCK TABLE ops.signing_key IN SHARE ROW EXCLUSIVE MODE"
_FORGET: LiteralString = "DELETE FROM ops.signing_key WHERE retires_at <= now()"
_RETIRE: LiteralString = """
UPDATE ops.signing_key SET retires_at = now() + make_interval(secs => %s) WHERE retires_at IS NULL
"""
_RETIRE_NOW: LiteralString = "UPDATE ops.signing_key SET retires_at = now()"
_ADD: LiteralString = """
INSERT INTO ops.signing_key (kid, private_key, signs_from) VALUES (%s, %s, now() + make_interval(secs => %s))
"""
_LIST: LiteralString = """
SELECT kid, CASE WHEN retires_at <= now() THEN 'retired' WHEN signs_from > now() THEN 'published'
                 WHEN signs_from = max(signs_from) FILTER (WHERE signs_from <= now()) OVER () THEN 'signs'
                 ELSE 'verifies' END, created_at, signs_from, retires_at
  FROM ops.signing_key ORDER BY signs_from, kid
"""


class Turn(Struct, frozen=True):
    """A key, and what it does now: it is published, signs, verifies what it has signed, or is retired."""

    kid: str
    state: str
    created_at: datetime
    signs_from: datetime
    retires_at: datetime | None


def rotate(dsn: str, secret: Secret, access_ttl: int, *, at_once: bool = False) -> str:
    """Make a new key; answers its id.

    `dsn` is an administrator's, as for `migrate`; `access_ttl` is how long, in seconds, tokens of all processes live.
    With `at_once` the new key signs now and every other is retired now: for a key that somebody else has.

    Raises:
        psycopg.Error: the database can't be reached, or the role may not become the owner.
    """
    lead = 0 if at_once else LEAD_SECONDS
    kid, private = new_row(secret)
    with psycopg.connect(dsn) as connection:
        connection.execute(f"SET LOCAL ROLE {OWNER}".encode())
        connection.execute(_LOCK)
        connection.execute(_FORGET)
        if at_once:
            connection.execute(_RETIRE_NOW)
        else:
            connection.execute(_RETIRE, (lead + access_ttl + _SLACK_SECONDS,))
        connection.execute(_ADD, (kid, private, lead))
    return kid


def turns(dsn: str) -> list[Turn]:
    """Every key that is stored, by the time from which it signs. `dsn` as for `rotate`, raises as that."""
    with psycopg.connect(dsn) as connection:
        connection.execute(f"SET LOCAL ROLE {OWNER}".encode())
        return [Turn(*row) for row in connection.execute(_LIST).fetchall()]
