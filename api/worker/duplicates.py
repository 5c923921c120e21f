"""Makes models of duplicates anew, and merges sure pairs of contacts, for as long as the worker runs."""

import asyncio

from api.worker.rounds import rounds
from commands.contacts.auto_merge import AutoMerge
from projections.duplicates.rescoring import Rescorer

_REST_SECONDS = 1.0
_MERGE_REST_SECONDS = 2.0
"""What was merged leaves the list a moment later, so there is no hurry."""


async def run(rescorer: Rescorer, merging: AutoMerge) -> None:
    """Work until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(rounds(rescorer.turn, rest=_REST_SECONDS, trouble="duplicates.unavailable"))
        tasks.create_task(rounds(merging.turn, rest=_MERGE_REST_SECONDS, trouble="duplicates.merge_unavailable"))
