"""Computes a tenant's hash chain from nothing but docs/integrity.md and a superuser's view of the table.

`python independent.py DSN TENANT` prints the position and hash of each event. It shares no code with Rapport.
"""

import hashlib
import sys
from datetime import UTC, datetime

import psycopg

QUERY = """SELECT position, stream_id, version, topic, occurred_at, recorded_at, data, metadata, command_id
             FROM store.event WHERE tenant_id = %s ORDER BY position"""


def number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big", signed=True)


def time(value: datetime) -> bytes:
    since = value.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return number((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds, 8)


def chain(dsn: str, tenant: object) -> list[tuple[int, bytes]]:
    found, previous = [], bytes(32)
    with psycopg.connect(dsn) as connection:
        for row in connection.execute(QUERY, (tenant,)):
            position, stream, version, topic, occurred, recorded, data, metadata, command = row
            text = "".join(c for c in str(tenant) if c != "-")
            parts = [b"rapport.event.v1", previous, bytes.fromhex(text), number(position, 8), stream.bytes]
            parts += [number(version, 4), topic.encode("utf-8"), time(occurred), time(recorded)]
            parts += [data, metadata, command.bytes]
            digest = hashlib.sha256()
            for part in parts:
                digest.update(number(len(part), 4))
                digest.update(part)
            previous = digest.digest()
            found.append((position, previous))
    return found


if __name__ == "__main__":
    for at, value in chain(sys.argv[1], sys.argv[2]):
        print(at, value.hex())  # noqa: T201  what it is for
