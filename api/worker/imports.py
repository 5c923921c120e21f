"""Goes on with imports, one turn after another: whoever waited longest is next, whatever others have waiting."""

import asyncio
from contextlib import suppress

import structlog

from commands.imports.ports import Job
from commands.imports.work import Tools, Turn
from commands.ports import StoreUnavailableError
from domain.errors import kind_of

_IDLE_SECONDS = 0.25
_TROUBLED_SECONDS = 2.0
_SWEEP_SECONDS = 600.0
_HOLD_SECONDS = 1.0

_log = structlog.get_logger()


async def run(tools: Tools) -> None:
    """Work until cancelled."""
    sweeping = asyncio.ensure_future(_sweep(tools))
    try:
        while True:
            pause = await once(tools)
            await asyncio.sleep(pause)
    finally:
        sweeping.cancel()


async def once(tools: Tools) -> float:
    """One turn, with whichever import is next; seconds to wait before another is worth it."""
    try:
        job = await tools.jobs.take()
        if job is None:
            return _IDLE_SECONDS
        return 0.0 if await _turn(tools, job) else _IDLE_SECONDS
    except StoreUnavailableError:
        return _TROUBLED_SECONDS


async def _turn(tools: Tools, job: Job) -> bool:
    """Whether there was something to do."""
    holding = asyncio.ensure_future(_hold(tools, job))
    done = False
    try:
        worked, done = await Turn(tools, job).work()
    except StoreUnavailableError:
        raise
    except Exception as error:  # noqa: BLE001  one import that can't go on keeps no other from it
        _log.error("import.turn_failed", tenant_id=job.tenant_id, import_id=job.import_id, error=kind_of(error))
        worked = False
    finally:
        holding.cancel()
        with suppress(StoreUnavailableError):  # then the turn ends with its lease
            await tools.jobs.leave(job, done=done)
    return worked


async def _hold(tools: Tools, job: Job) -> None:
    """Keep the turn while a portion takes long."""
    while True:
        await asyncio.sleep(_HOLD_SECONDS)
        with suppress(StoreUnavailableError):
            await tools.jobs.hold(job)


async def _sweep(tools: Tools) -> None:
    """Delete files that were kept for long enough."""
    while True:
        swept = 0
        try:
            swept = await tools.jobs.sweep()
        except StoreUnavailableError:
            _log.warning("import.sweep_failed")
        await asyncio.sleep(_IDLE_SECONDS if swept else _SWEEP_SECONDS)
