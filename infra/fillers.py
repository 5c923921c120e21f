"""Fills rows that are being built anew, in several processes: decoding events is what takes the time."""

import asyncio
import gc
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import uvloop

from infra import processes
from infra.event_store.log import PostgresLog
from infra.keys.keyring import Keyring
from infra.postgres import PROJECTOR, TenantConnections, open_pool, role_dsn
from infra.rebuilding import ASIDE_PATH, PostgresAside
from infra.wiring import master_of, postgres_dsn, secret_of
from projections.building import Building
from projections.ports import Behind
from projections.projection import Projection
from projections.rebuild import Fill
from projections.registry import POSTGRES
from settings import Settings

_EVENTS_OF_PROCESS = 150_000
"""For fewer, a process takes longer to start than to finish."""
_EVENTS_OF_TASK = 20_000
_LOOK_SECONDS = 0.25

OnEvents = Callable[[int], None]


def fillers(settings: Settings, jobs: int) -> Fill:
    """A projections.rebuild.Fill with up to `jobs` processes. Tenants go to them whole, the largest first."""

    async def fill(projection: Projection, tenants: Sequence[Behind], on_events: OnEvents) -> None:
        tasks = _tasks(tenants)
        wanted = min(jobs, len(tasks), sum(tenant.head for tenant in tenants) // _EVENTS_OF_PROCESS)
        if wanted < 2 or projection not in POSTGRES:  # noqa: PLR2004
            await _Filler(settings).fill(projection, tenants, on_events)
            return
        context = get_context("spawn")
        counter = context.Value("q", 0)
        arguments = (settings, projection.checkpoint, counter, os.getpid())
        with ProcessPoolExecutor(wanted, context, _begin, arguments) as pool:
            loop = asyncio.get_running_loop()
            waiting: set[asyncio.Future[None]] = {loop.run_in_executor(pool, _fill, task) for task in tasks}
            told = 0
            while waiting:
                done, waiting = await asyncio.wait(waiting, timeout=_LOOK_SECONDS)
                for each in done:
                    each.result()
                count = counter.value
                on_events(count - told)
                told = count

    return fill


def _tasks(tenants: Sequence[Behind]) -> list[list[Behind]]:
    tasks: list[list[Behind]] = []
    events = _EVENTS_OF_TASK
    for tenant in sorted(tenants, key=lambda each: -each.head):
        if events >= _EVENTS_OF_TASK:
            tasks.append([])
            events = 0
        tasks[-1].append(tenant)
        events += tenant.head
    return tasks


class _Filler:
    """Fills rows in this process, with connections of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def fill(self, projection: Projection, tenants: Sequence[Behind], on_events: OnEvents) -> None:
        """Fill the rows of some tenants."""
        secret = secret_of(self._settings)
        dsn = role_dsn(postgres_dsn(self._settings), PROJECTOR, secret)
        pool = await open_pool(dsn, name="rebuild", size=4, statement_seconds=0)
        aside = await open_pool(
            dsn, name="rebuild-aside", size=4, durable=False, search_path=ASIDE_PATH, statement_seconds=0
        )
        try:
            log = PostgresLog(pool, Keyring(TenantConnections(pool), master_of(self._settings)))
            building = Building(projection, log=log, aside=PostgresAside(aside), on_events=on_events)
            # Events and rows are many and without cycles: to look for some among them takes a third of the time.
            gc.disable()
            await building.fill_all(tenants)
        finally:
            gc.enable()
            await pool.close()
            await aside.close()


_worker: Any = None


def _begin(settings: Settings, checkpoint: str, counter: Any, parent: int) -> None:
    """What a process of the pool does first."""
    global _worker  # noqa: PLW0603  how a process of a pool keeps what it was given
    processes.die_with_parent(parent)
    projection = next(each for each in POSTGRES if each.checkpoint == checkpoint)

    def on_events(count: int) -> None:
        with counter.get_lock():
            counter.value += count

    _worker = (_Filler(settings), projection, on_events)


def _fill(tenants: Sequence[Behind]) -> None:
    filler, projection, on_events = _worker
    uvloop.run(filler.fill(projection, tenants, on_events))
