"""R1.3: what is done after an answer."""

import asyncio

import structlog

from infra.later import Later
from tests.waiting import until


async def test_it_is_done_beside_the_requests_and_its_trouble_goes_to_the_log() -> None:
    done: list[str] = []

    async def well() -> None:
        await asyncio.sleep(0)
        done.append("well")

    async def badly() -> None:
        raise RuntimeError("lost")

    later = Later()
    with structlog.testing.capture_logs() as logs:
        later.do(badly())
        later.do(well())
        assert done == []
        await until(lambda: bool(done) and bool(logs))
    assert [line["event"] for line in logs] == ["later.failed"]


async def test_more_than_can_wait_is_dropped_and_told() -> None:
    end = asyncio.Event()

    async def wait() -> None:
        await end.wait()

    later = Later()
    with structlog.testing.capture_logs() as logs:
        for _ in range(1_002):
            later.do(wait())
    assert [line["event"] for line in logs] == ["later.dropped"] * 2
    end.set()
    await until(lambda: not later._under_way)
