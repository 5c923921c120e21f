"""Fills the tables of a projection with a tenant's rows, stream by stream, each folded from its first event.

So what is held in memory is a page and its longest stream, however large the tenant is.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from domain.event import Event, Recorded
from projections import poison
from projections.poison import LeftOut, Poison
from projections.ports import Connection, Log, Unreadable
from projections.projection import Fold, Projection

FIRST = UUID(int=0)
"""Before all streams."""

Rows = Mapping[str, Sequence[Sequence[Any]]]
"""By table."""

_PAGE = 5000


class Writer(Protocol):
    """Writes rows in bulk into the tables that are being filled."""

    async def copy(self, connection: Connection, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, columns in the table's order."""
        ...

    def passing(self, error: BaseException) -> bool:
        """See projections.ports.Sessions."""
        ...


class Page(Struct, frozen=True):
    """Whole streams: their rows by table, what could not be folded, and the events that are wanted of them.

    `last` is the last of the streams, `count` their events with those that are not wanted.
    """

    rows: Rows
    found: Sequence[Poison]
    events: Sequence[Recorded[Event]]
    last: UUID
    count: int


async def pages(
    projection: Projection, log: Log, tenant_id: UUID, *, after: UUID, until: int, leaves_out: LeftOut
) -> AsyncGenerator[Page]:
    """A tenant's streams after one, with their events until a position. While one page is used the next one is read."""
    place = (after, 2**31 - 1)
    held: list[Recorded[Event]] = []
    reading = asyncio.ensure_future(_read(projection, log, tenant_id, place, until))
    try:
        while True:
            events = await reading
            if len(events) >= _PAGE:
                place = (events[-1].stream_id, events[-1].version)
                reading = asyncio.ensure_future(_read(projection, log, tenant_id, place, until))
            whole, held = _whole_streams([*held, *events], is_last=len(events) < _PAGE)
            if whole:
                yield _folded(projection, whole, leaves_out)
            if len(events) < _PAGE:
                return
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def write(connection: Connection, projection: Projection, page: Page, writer: Writer) -> list[Poison]:
    """Write a page; gives what can't be applied. Where the database refuses rows, each stream is written by itself."""
    if await _refused(connection, page.rows, writer) is None:
        return list(page.found)
    bad = {each.stream_id: each for each in page.found}
    for stream_id, stream in _streams(page.events):
        kept = [item for item in stream if stream_id not in bad or item.position < bad[stream_id].position]
        if kept and (worse := await _write_stream(connection, _fold_of(projection), kept, writer)):
            bad[stream_id] = worse
    return list(bad.values())


async def _write_stream(
    connection: Connection, fold: Fold, stream: Sequence[Recorded[Event]], writer: Writer
) -> Poison | None:
    """Write a stream up to the event whose rows are refused."""
    if await _refused(connection, fold(stream), writer) is None:
        return None
    good: Rows = {}
    for number, item in enumerate(stream, start=1):
        rows = fold(stream[:number])
        if error := await _refused(connection, rows, writer, keep=False):
            await _refused(connection, good, writer)
            return Poison(item.stream_id, item.position, poison.reason(item, error))
        good = rows
    return None


async def _refused(connection: Connection, rows: Rows, writer: Writer, *, keep: bool = True) -> Exception | None:
    """Write rows; what it raised, and then none of them is there. Nor are they there when they are not to be kept."""
    await connection.execute("SAVEPOINT rows")
    try:
        for table, of_table in rows.items():
            await writer.copy(connection, table, of_table)
    except Exception as error:
        if writer.passing(error):
            raise
        await connection.execute("ROLLBACK TO SAVEPOINT rows")
        return error
    await connection.execute(f"{'RELEASE' if keep else 'ROLLBACK TO'} SAVEPOINT rows")
    return None


def _folded(projection: Projection, events: Sequence[Recorded[Event]], leaves_out: LeftOut) -> Page:
    rows: dict[str, list[Sequence[Any]]] = {}
    found: list[Poison] = []
    wanted = leaves_out.rest(list(filter(projection.wants, events)))
    for _, stream in _streams(wanted):
        folded, bad = _fold(_fold_of(projection), stream)
        for table, more in folded.items():
            rows.setdefault(table, []).extend(more)
        if bad:
            found.append(bad)
    return Page(rows, found, wanted, events[-1].stream_id, len(events))


def _streams(events: Iterable[Recorded[Event]]) -> Iterator[tuple[UUID, list[Recorded[Event]]]]:
    # Numbers are compared much faster than UUIDs.
    for _, group in groupby(events, lambda item: item.stream_id.int):
        stream = list(group)
        yield stream[0].stream_id, stream


def _fold_of(projection: Projection) -> Fold:
    if projection.fold is None:
        raise TypeError(f"{projection.name} has no fold")
    return projection.fold


def _fold(fold: Fold, stream: Sequence[Recorded[Event]]) -> tuple[Rows, Poison | None]:
    """The rows of a stream, up to an event that can't be applied."""
    if any(isinstance(item.event, Unreadable) for item in stream):
        return _as_far_as_possible(fold, stream)
    try:
        return fold(stream), None
    except Exception:  # noqa: BLE001  which event it was has still to be found
        return _as_far_as_possible(fold, stream)


def _as_far_as_possible(fold: Fold, stream: Sequence[Recorded[Event]]) -> tuple[Rows, Poison | None]:
    rows: Rows = {}
    for number, item in enumerate(stream, start=1):
        if isinstance(item.event, Unreadable):
            return rows, poison.unreadable(item, item.event)
        try:
            rows = fold(stream[:number])
        except Exception as error:  # noqa: BLE001  whatever it is, the stream is parked with it
            return rows, Poison(item.stream_id, item.position, poison.reason(item, error))
    return rows, None


async def _read(
    projection: Projection, log: Log, tenant_id: UUID, place: tuple[UUID, int], until: int
) -> Sequence[Recorded[Event]]:
    return await log.streams(tenant_id, projection.kinds, after=place, until=until, limit=_PAGE)


def _whole_streams(
    events: list[Recorded[Event]], *, is_last: bool
) -> tuple[list[Recorded[Event]], list[Recorded[Event]]]:
    """Events without those of the last stream, which may go on in the next page; and those."""
    if is_last or not events:
        return events, []
    last = events[-1].stream_id
    cut = next((n for n in range(len(events) - 1, -1, -1) if events[n].stream_id != last), -1) + 1
    return events[:cut], events[cut:]
