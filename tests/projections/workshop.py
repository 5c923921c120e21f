"""What it takes to rebuild, compare and mend read models of a database, and a log to do it from."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self
from uuid import UUID, uuid4

from commands.ports import StreamEvents
from domain.contact import Email
from domain.event import Event
from infra.event_store.log import PostgresLog
from infra.event_store.store import PostgresEventStore
from infra.postgres import PROJECTOR, open_pool
from infra.rebuilding import ASIDE_PATH, PostgresAside, PostgresScratch
from projections.building import Building
from projections.contacts import contact
from projections.mending import mend_stream, mend_tenant
from projections.parked import Skip, resume
from projections.poison import Poison
from projections.ports import Behind, Parked
from projections.projection import Projection
from projections.rebuild import OnProgress, Rebuild, Rebuilt
from projections.registry import POSTGRES, followers
from projections.verify import Verified, verify_tenant
from tests.conftest import SECRET, Database
from tests.given import changed, registered
from tests.infra.event_store.appends import append
from tests.projections.reading import catch_up


def _quiet(stage: str, done: int, total: int) -> None:
    del stage, done, total


_ADA = Email("ada@engines.example", primary=True)


class Workshop:
    """The tools, and ways to fill the log of a tenant."""

    def __init__(self, database: Database, aside: PostgresAside, scratch: PostgresScratch) -> None:
        self.database, self.aside, self.scratch = database, aside, scratch
        self.log = PostgresLog(database.pools[PROJECTOR], database.keyring)

    async def happened(self, tenant: UUID, stream: UUID, *events: Event, after: int = 0) -> None:
        """Append to a stream."""
        store = PostgresEventStore(self.database.appends, self.database.service, SECRET)
        await store.append(append(tenant, StreamEvents(stream, after, events)))

    async def given(
        self, *, contacts: int = 5, tenant: UUID | None = None, apply: bool = True
    ) -> tuple[UUID, list[UUID]]:
        """A tenant with contacts of three events each, whose changes alternate; in the read models too, unless not."""
        tenant, streams = tenant or uuid4(), [uuid4() for _ in range(contacts)]
        steps = (registered(emails=(_ADA,)), changed(title="One"), changed(title="Two", tags=("a",)))
        for after, event in enumerate(steps):
            for stream in streams:
                await self.happened(tenant, stream, event, after=after)
        if apply:
            await self.level(tenant)
        return tenant, streams

    async def level(self, *tenants: UUID) -> None:
        """Apply what there is in the log."""
        for tenant in tenants:
            await catch_up(self.database, tenant)

    async def rebuild(
        self, projection: Projection = contact.PROJECTION, *, on_progress: OnProgress = _quiet, fresh: bool = False
    ) -> Rebuilt:
        """Build one read model anew."""
        work = Rebuild(
            projection, log=self.log, aside=self.aside, fill=self._fill, followers=followers(projection),
            on_progress=on_progress,
        )  # fmt: skip
        return await work.run(fresh=fresh)

    async def _fill(self, projection: Projection, tenants: Sequence[Behind], on_events: Callable[[int], None]) -> None:
        await Building(projection, log=self.log, aside=self.aside, on_events=on_events).fill_all(tenants)

    async def mend(self, tenant: UUID, stream: UUID | None = None, projection: Projection = contact.PROJECTION) -> int:
        """Build the rows of a tenant or of a stream anew."""
        mirrors = followers(projection)
        if stream:
            return await mend_stream(
                projection, tenant, stream, log=self.log, sessions=self.database.projector, followers=mirrors
            )
        return await mend_tenant(
            projection, tenant, log=self.log, scratch=self.scratch, followers=mirrors, on_events=lambda _: None
        )

    async def resume(self, parked: Parked, skip: Skip | None = None) -> Poison | None:
        """Try a parked stream again."""
        projection = next(each for each in POSTGRES if each.checkpoint == parked.projection)
        return await resume(
            parked,
            projection,
            log=self.log,
            sessions=self.database.projector,
            followers=followers(projection),
            skip=skip,
        )

    async def verify(self, tenant: UUID, projections: Sequence[Projection] = POSTGRES) -> list[Verified]:
        """Compare a tenant's rows with the log."""
        found = []
        for projection in projections:
            await self.scratch.prepare(projection)
            found.append(
                await verify_tenant(projection, tenant, log=self.log, scratch=self.scratch, on_events=lambda _: None)
            )
        return found

    @classmethod
    @asynccontextmanager
    async def on(cls, database: Database) -> AsyncIterator[Self]:
        """Open the pools that it takes."""
        async with AsyncExitStack() as stack:
            dsn = database.dsns[PROJECTOR]
            pools = [
                await open_pool(dsn, name="aside", size=8, search_path=ASIDE_PATH, statement_seconds=0),
                await open_pool(dsn, name="scratch", size=1, statement_seconds=0),
            ]
            for pool in pools:
                stack.push_async_callback(pool.close)
            yield cls(database, PostgresAside(pools[0]), PostgresScratch(pools[1]))
