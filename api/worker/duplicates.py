"""Makes models of duplicates anew, and merges sure pairs of contacts, for as long as the worker runs."""

import asyncio

import structlog

from commands.auto_merge import AutoMerge
from domain.errors import kind_of
from projections.rescoring import Rescorer

_POLL_SECONDS = 2.0

_log = structlog.get_logger()


async def run(rescorer: Rescorer, merging: AutoMerge) -> None:
    """Work until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(rescorer.run())
        tasks.create_task(_merge(merging))


async def _merge(work: AutoMerge) -> None:
    """What was merged leaves the list a moment later, so there is no hurry."""
    while True:
        try:
            await work.turn()
        except Exception as error:  # noqa: BLE001  whatever is away, the next turn sees
            _log.warning("duplicates.merge_unavailable", error=kind_of(error))
        await asyncio.sleep(_POLL_SECONDS)
