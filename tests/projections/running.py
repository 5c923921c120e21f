"""A projector to be watched, and what it has to make of a log."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
from msgspec import structs

from domain.event import Event, Recorded
from projections.contacts import contact
from projections.contacts import words as contact_words
from projections.ports import Connection, Log
from projections.projection import Projection
from projections.registry import POSTGRES
from projections.runner import Runner
from tests.conftest import Database
from tests.given import changed, registered
from tests.projections.fakes import FakeDeliveries, FakeLog, Heard
from tests.projections.reading import checkpoints, checkpoints_by, contents
from tests.waiting import PATIENCE

CONTACT = contact.PROJECTION.checkpoint


_ADD = """
INSERT INTO contact_word_uses_v1 VALUES (%s, -1, %s)
ON CONFLICT (tenant_id, id) DO UPDATE SET uses = contact_word_uses_v1.uses + excluded.uses
"""


async def _count(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    await connection.execute(_ADD, (events[0].tenant_id, len(events)))


COUNTER: Projection = structs.replace(contact.PROJECTION, name="counter", apply=_count)
"""Adds up how many events it was given, so that one applied twice shows: rows that are only set would hide it."""


def counted(database: Database, tenant: UUID) -> int:
    """What COUNTER has added up; kept where no word has its number."""
    rows = contents(database, tenant, [contact_words.PROJECTION])["contact_word_uses_v1"]
    return sum(row["uses"] for row in rows if row["id"] == -1)


class Faulty:
    """The contact projection under another name, which writes nothing; it raises what it is told to, for events that
    it is told of (all of them, when it is told of none)."""

    def __init__(self, error: Exception | None = None, *, at: Collection[int] = ()) -> None:
        self.error, self.at = error, at
        self.applied: list[int] = []
        self.projection: Projection = structs.replace(contact.PROJECTION, name="faulty", apply=self._apply, fold=None)

    async def _apply(self, connection: Connection, events: Sequence[Recorded[Event]]) -> None:
        del connection
        if self.error and any(not self.at or item.position in self.at for item in events):
            raise self.error
        self.applied += [item.position for item in events]


class Projector:
    """A runner with a fake broker and a fake log over real read models."""

    def __init__(self, database: Database, *extra: Projection, log: Log | None = None) -> None:
        self.log: Any = log or FakeLog()
        self.deliveries, self.heard, self._database = FakeDeliveries(), Heard(), database
        self.runner = Runner(
            (*extra, *POSTGRES), log=self.log, deliveries=self.deliveries, sessions=database.projector,
            announcements=self.heard,
        )  # fmt: skip

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run until the end of the block."""
        task = asyncio.create_task(self.runner.run())
        try:
            yield
        finally:
            assert not task.done()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def looked(self) -> None:
        """Wait until it has asked where logs end for the first time, which it does for each of its groups."""
        await self.until(lambda: self.log.looks >= len(self.runner._lanes))

    async def until(self, holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110  what is looked at is in Postgres
                await asyncio.sleep(0.02)

    async def reached(self, tenant: UUID, position: int, name: str | None = None) -> None:
        """Wait until the read models, or the one named, are there."""
        names = [name] if name else [each.checkpoint for each in POSTGRES]
        deadline = time.monotonic() + PATIENCE
        with psycopg.connect(self._database.admin_dsn, autocommit=True) as connection:  # one: to connect costs the most
            while min((at := checkpoints_by(connection, tenant)).get(each, 0) for each in names) < position:
                assert time.monotonic() < deadline, at
                await asyncio.sleep(0.02)


def story(log: FakeLog, tenant: UUID, contacts: int = 3) -> list[Recorded[Event]]:
    """Contacts whose changes alternate: 4 events each."""
    ids = [uuid4() for _ in range(contacts)]
    steps = [registered(), changed(title="One"), changed(title="Two", tags=("a",)), changed(title="Three")]
    return [event for step in steps for stream in ids for event in log.add(tenant, stream, step)]


def expect_whole(database: Database, projector: Projector, tenant: UUID) -> None:
    """Each contact has exactly the events that the log has of it, and each projection is at the head."""
    log = projector.log.events[tenant]
    versions = {str(item.stream_id): item.version for item in log}
    rows = contents(database, tenant, [contact.PROJECTION])["contact_v1"]
    assert {row["id"]: row["version"] for row in rows} == versions
    assert {row["title"] for row in rows} == {"Three"}
    assert set(checkpoints(database, tenant).values()) == {len(log)}
