"""Calls of `store.append_columns` and `store.append_one`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.pq.abc import PGresult

from infra.event_store.codec import MICROSECOND, POSTGRES_EPOCH, timestamp
from infra.event_store.sealed import SealedAppend
from infra.lines import Statement
from infra.postgres import Pool

Row = Sequence[Any]

SEVERAL = b"SELECT * FROM store.append_columns($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"

_SEVERAL = Statement(SEVERAL)
_ONE = Statement(b"SELECT * FROM store.append_one($1, $2, $3, $4, $5, $6, $7, $8)")


class StoreCalls:
    """The calls, of one process."""

    def __init__(self, pool: Pool) -> None:
        self._lines = pool.lines

    async def append(self, batch: tuple[bytes, ...], *, skip_busy: bool) -> list[Row]:
        """The rows of `store.append_columns`, one an append, for a `codec.batch`. Raises what `Lines.ask` does."""
        return _rows(await self._lines.ask(_SEVERAL, (*batch, b"\1" if skip_busy else b"\0")))

    async def append_one(self, append: SealedAppend) -> list[Row]:
        """The row of `store.append_one`, for an append that `is_plain`. Raises what `Lines.ask` does."""
        (stream,) = append.streams
        occurred_at = stream.times[0] if stream.times else append.occurred_at
        parameters = (
            append.tenant_id.bytes,
            append.command_id.bytes,
            stream.stream_id.bytes,
            (stream.after + 1).to_bytes(4, signed=True),
            stream.events[0].TOPIC.encode(),
            append.data[0],
            append.sealed_metadata,
            timestamp(occurred_at),
        )
        return _rows(await self._lines.ask(_ONE, parameters))


def is_plain(append: SealedAppend) -> bool:
    """Whether `store.append_one` can take it: one event, and nothing beside it."""
    beside = append.claims or append.releases or append.expects or append.key or append.made or append.tenant_keys
    return len(append.data) == 1 and not beside


def _rows(result: PGresult) -> list[Row]:
    """outcome, first_position, last_position, at, result_id, status, detail."""
    value = result.get_value
    times: dict[bytes | None, datetime | None] = {None: None}  # all events of a tenant have the same
    rows: list[Row] = []
    for number in range(result.ntuples):
        at, result_id = value(number, 3), value(number, 4)
        if at not in times:
            times[at] = POSTGRES_EPOCH + MICROSECOND * int.from_bytes(at or b"", signed=True)
        rows.append(
            (
                (value(number, 0) or b"").decode(),
                _integer(value(number, 1)),
                _integer(value(number, 2)),
                times[at],
                UUID(bytes=result_id) if result_id else None,
                _integer(value(number, 5)),
                _integer(value(number, 6)),
            )
        )
    return rows


def _integer(value: bytes | None) -> int | None:
    return None if value is None else int.from_bytes(value, signed=True)
