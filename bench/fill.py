"""Logs of any length, written past the append: only to have many events there."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

import psycopg

EVENTS_PER_STREAM = 20
_STREAMS_AT_A_TIME = 1_000
_EVENTS_AT_A_TIME = _STREAMS_AT_A_TIME * EVENTS_PER_STREAM
_FIRST_STREAM = 0x019B_0000_0000

# Of a topic in which nothing is personal, so that no key is looked for. A thousand streams grow side by side, so that
# no two events of one are on the same page; then come the next thousand. Their ids rise with time, as the API's do.
_FILL = f"""
INSERT INTO store.event
    (tenant_id, position, stream_id, version, topic, data, metadata, command_id, occurred_at, recorded_at, hash)
SELECT %(tenant)s, n,
       (lpad(to_hex({_FIRST_STREAM} + k), 12, '0') || '7' || substr(md5(k::text), 1, 3) || '8'
        || substr(md5(k::text), 4, 15))::uuid,
       ((n - 1) %% {_EVENTS_AT_A_TIME}) / {_STREAMS_AT_A_TIME} + 1,
       'company.registered.v1',
       convert_to(format('{{"name":"Analytical Engines %%s Ltd","padding":"%%s"}}', n, repeat('engine ', 30)), 'UTF8'),
       convert_to(format('{{"actor":{{"kind":"user","id":"%%s"}},"correlation_id":"%%s"}}',
                         md5('u')::uuid, md5((n + 1)::text)::uuid), 'UTF8'),
       md5(('c' || n))::uuid, now() - interval '1 day', now() - interval '1 day', sha256(n::text::bytea)
  FROM (SELECT n, (n - 1) / {_EVENTS_AT_A_TIME} * {_STREAMS_AT_A_TIME} + (n - 1) %% {_STREAMS_AT_A_TIME} AS k
          FROM generate_series(1::bigint, %(count)s) n) numbered
"""
_HEAD = """
INSERT INTO store.tenant_head (tenant_id, position, recorded_at, hash)
SELECT tenant_id, position, recorded_at, hash FROM store.event WHERE tenant_id = %(tenant)s AND position = %(count)s
"""


def fill(dsn: str, tenants: Sequence[UUID], count: int) -> None:
    """Give each of some new tenants so many events (a multiple of 20,000, for whole streams), and tidy up."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        # Durable: VACUUM doesn't mark rows of a commit that isn't on the disk yet, and each read would, and log it.
        for tenant in tenants:
            connection.execute(_FILL, {"tenant": tenant, "count": count})
            connection.execute(_HEAD, {"tenant": tenant, "count": count})
        connection.execute("VACUUM (ANALYZE) store.event, store.tenant_head")
        connection.execute("CHECKPOINT")


def stream_of(number: int) -> UUID:
    """The id of a tenant's stream, from 0."""
    digest = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
    return UUID(f"{_FIRST_STREAM + number:012x}7{digest[:3]}8{digest[3:18]}")
