"""A log to write to, projections to apply it, and an index to take away."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

from commands.ports import Append, StreamEvents
from domain.contact import ContactRegistered, Name
from domain.event import SYSTEM, Event, Metadata, Recorded
from infra.event_store.log import PostgresLog
from infra.event_store.store import PostgresEventStore
from infra.postgres import PROJECTOR
from projections.contacts.index import ContactIndex, IndexUnavailableError, State, Writer
from projections.contacts.indexer import CHECKPOINT, ContactIndexer
from projections.contacts.rows import Searchable
from projections.ports import Behind
from projections.registry import POSTGRES
from projections.runner import Runner
from tests.conftest import SECRET, Database


class Announced:
    """Notes what is announced; delivers nothing."""

    def __init__(self) -> None:
        self.search: dict[UUID, int] = {}
        self.heard = asyncio.Event()

    async def applied(self, tenant_id: UUID, checkpoints: Sequence[str], position: int) -> None:
        if CHECKPOINT in checkpoints:
            self.search[tenant_id] = position
            self.heard.set()

    async def fetch(self, *, most: int, wait: float) -> Sequence[Recorded[Event]]:
        del most, wait
        return ()

    def pause(self, tenant_id: UUID) -> None:
        del tenant_id

    def resume(self, tenant_id: UUID) -> None:
        del tenant_id


class TheseTenants(PostgresLog):
    """The log, but only of the tenants of one test: others leave theirs half done."""

    def __init__(self, database: Database, tenants: set[UUID]) -> None:
        super().__init__(database.pools[PROJECTOR], database.keyring)
        self._only = tenants
        self.broken: set[UUID] = set()

    async def read(self, tenant_id: UUID, *, after: int, limit: int) -> Sequence[Recorded[Event]]:
        if tenant_id in self.broken:
            raise LookupError("no such topic")
        return await super().read(tenant_id, after=after, limit=limit)

    async def behind(self, projections: Sequence[str]) -> Sequence[Behind]:
        return [item for item in await super().behind(projections) if item.tenant_id in self._only]

    async def tenants(self) -> Sequence[Behind]:
        return [item for item in await super().tenants() if item.tenant_id in self._only]


class Index:
    """An index that can be taken away."""

    def __init__(self) -> None:
        self.kept: dict[UUID, Searchable] = {}
        self.state: State = "new"
        self.is_away = False
        self.refreshed = 0
        self.marks: list[tuple[State, int]] = []

    async def ensure(self) -> State:
        if self.is_away:
            raise IndexUnavailableError
        return self.state

    async def mark(self, state: State) -> None:
        self.state = state
        self.marks.append((state, len(self.kept)))

    async def write(self, tenant_id: UUID, contacts: Sequence[Searchable]) -> None:
        del tenant_id
        if self.is_away:
            raise IndexUnavailableError
        self.kept |= {contact.id: contact for contact in contacts}

    async def refresh(self) -> None:
        self.refreshed += 1

    async def purge(self, older_than: float) -> int:
        del older_than
        return 0

    @asynccontextmanager
    async def recreated(self) -> AsyncIterator[Writer]:
        yield self


class Bench:
    """A log to write to, projections to apply it, and an indexer."""

    def __init__(self, database: Database) -> None:
        self.tenants: set[UUID] = set()
        self.log = TheseTenants(database, self.tenants)
        self.announced = Announced()
        self.sessions = database.projector
        self._store = PostgresEventStore(database.appends, database.service, SECRET)
        self._runner = Runner(
            POSTGRES, log=self.log, deliveries=self.announced, sessions=self.sessions, announcements=self.announced
        )

    def indexer(self, index: ContactIndex, checkpoint: str = CHECKPOINT) -> ContactIndexer:
        return ContactIndexer(
            index, log=self.log, sessions=self.sessions, announcements=self.announced, checkpoint=checkpoint
        )

    async def happened(self, tenant_id: UUID, stream_id: UUID, *events: Event, after: int = 0) -> int:
        now = datetime.now(UTC)
        append = Append(
            tenant_id=tenant_id, command_id=uuid4(), metadata=Metadata(actor=SYSTEM, correlation_id="test"),
            streams=(StreamEvents(stream_id, after, events),), occurred_at=now,
        )  # fmt: skip
        self.tenants.add(tenant_id)
        return (await self._store.append(append)).position

    async def registered(self, tenant_id: UUID, name: str) -> UUID:
        contact_id = uuid4()
        await self.happened(tenant_id, contact_id, ContactRegistered(name=Name(display=name)))
        return contact_id

    async def project(self) -> None:
        for tenant_id in self.tenants:
            await self._runner.catch_up(tenant_id)
