"""Times of Postgres that Python has no datetime for: past the year 9999, before the year 1, or infinite."""

from collections.abc import Iterable

import psycopg
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import TimestamptzBinaryLoader


class NoDatetime(bytes):
    """Such a time, as it came. Whoever needs a datetime fails with it, and nobody else does."""


def lacks_datetime(row: Iterable[object]) -> bool:
    """Whether a row has such a time."""
    return any(isinstance(value, NoDatetime) for value in row)


class _Loader(TimestamptzBinaryLoader):
    def load(self, data: psycopg.abc.Buffer) -> object:  # type: ignore[override]
        try:
            return super().load(data)
        except psycopg.DataError:
            return NoDatetime(data)


TOLERANT = AdaptersMap(psycopg.adapters)
"""Loads what comes from Postgres as psycopg does, but for these times. Slower, so only for answers that have one."""

TOLERANT.register_loader("timestamptz", _Loader)
