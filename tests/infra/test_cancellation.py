"""Whoever is asked to end does, also when the libraries in between lose the first time of asking."""

import asyncio

import pytest

from infra.cancellation import ended, heed_cancellation


async def test_a_cancellation_that_comes_with_the_answer_is_heard() -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    waiting = asyncio.ensure_future(asyncio.wait_for(answer, 60))
    await asyncio.sleep(0)
    answer.set_result("here")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_an_answer_in_time_is_given_and_one_too_late_is_not() -> None:
    assert await asyncio.wait_for(asyncio.sleep(0, "here"), 60) == "here"
    assert await asyncio.wait_for(asyncio.sleep(0, "here"), None) == "here"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), 0)


async def test_a_task_that_loses_its_first_cancellation_ends_all_the_same() -> None:
    asked = 0

    async def deaf() -> None:
        nonlocal asked
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                asked += 1
                if asked == 2:
                    raise

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    await ended([task])
    assert task.cancelled()
    assert asked == 2


async def test_a_swallowed_cancellation_is_raised_where_it_is_asked_for() -> None:
    async def swallowing() -> None:
        heed_cancellation()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heed_cancellation()

    task = asyncio.create_task(swallowing())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
