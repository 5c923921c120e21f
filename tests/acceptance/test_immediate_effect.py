"""R2.4: after the answer to a role change, a suspension or a logout everywhere, the very next request obeys it.

With three API processes and thousands of requests in flight, whatever becomes of Valkey meanwhile.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import httpx
import psutil
import pytest

from tests.acceptance.flight import Flight
from tests.acceptance.installation import Installation, Tenant
from tests.acceptance.people import Person, person

pytestmark = pytest.mark.servers

CONNECTIONS = 48
PATH = "/v1/users?limit=1"
"""Needs users.read, which sales has and marketing has not."""
ROUNDS = 10
IN_FLIGHT = 10_000 // (3 * ROUNDS)
"""Requests between two changes: ten thousand in all, with each of the three fates of Valkey."""

Trouble = Callable[[Installation], AbstractAsyncContextManager[None]]


async def valkey(installation: Installation) -> int:
    """Its process, as soon as it is there again."""
    while True:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(installation.process.pid).children(recursive=True):
                if child.name().startswith("valkey") and child.status() != psutil.STATUS_ZOMBIE:
                    return child.pid
        await asyncio.sleep(0.05)


@asynccontextmanager
async def none(_: Installation) -> AsyncIterator[None]:
    """Nothing happens to it."""
    yield


@asynccontextmanager
async def killed_again_and_again(installation: Installation) -> AsyncIterator[None]:
    """It dies every half second, and is started anew."""

    async def kill() -> None:
        while True:
            os.kill(await valkey(installation), signal.SIGKILL)
            await asyncio.sleep(0.5)

    killing = asyncio.create_task(kill())
    yield
    killing.cancel()
    with suppress(asyncio.CancelledError):
        await killing


@asynccontextmanager
async def frozen(installation: Installation) -> AsyncIterator[None]:
    """It answers nothing, and its connections stay open."""
    pid = await valkey(installation)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def done(by: httpx.Client, method: str, path: str, body: object) -> tuple[float, float]:
    """When a change was asked for and when it was answered."""
    asked = time.perf_counter()
    answer = await asyncio.to_thread(by.request, method, path, json=body)
    assert answer.is_success, answer.text
    return asked, time.perf_counter()


@pytest.mark.parametrize("trouble", [none, killed_again_and_again, frozen])
async def test_a_role_given_or_taken_holds_for_every_request_sent_after_the_answer(
    installation: Installation, tenant: Tenant, urls: list[str], trouble: Trouble
) -> None:
    someone = person(installation, tenant, ["sales"])
    roles = f"/v1/users/{someone.id}/roles"
    async with trouble(installation), Flight(urls, PATH, someone.token, connections=CONNECTIONS) as flight:
        last = 0.0
        for number in range(ROUNDS):
            taken = number % 2 == 0
            asked, answered = await done(tenant.http, "PUT", roles, {"roles": ["marketing" if taken else "sales"]})
            assert flight.statuses(last, asked) <= {200 if taken else 403}
            await flight.more(IN_FLIGHT)
            assert flight.statuses(answered) == {403 if taken else 200}
            last = answered


@pytest.mark.parametrize("trouble", [none, killed_again_and_again, frozen])
@pytest.mark.parametrize("end", ["suspended", "logged out everywhere"])
async def test_who_is_put_out_stays_out_from_the_answer_on(
    installation: Installation, tenant: Tenant, urls: list[str], trouble: Trouble, end: str
) -> None:
    someone: Person = person(installation, tenant, ["sales"])
    async with trouble(installation), Flight(urls, PATH, someone.token, connections=CONNECTIONS) as flight:
        if end == "suspended":
            asked, answered = await done(tenant.http, "POST", f"/v1/users/{someone.id}/suspend", None)
        else:
            asked, answered = await done(someone.http, "POST", "/v1/auth/logout", {"everywhere": True})
        await flight.more(IN_FLIGHT)
    assert flight.statuses(0, asked) == {200}
    assert flight.statuses(answered) == {401}
