"""N-R3: when more waits to be saved than may, a client hears so at once, and when to come again."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import bcrypt
import httpx
import jwt
import pytest

import bootstrap
from commands.limits import Limits
from infra.event_store import waiting
from infra.wiring import wiring
from settings import Settings
from tests.conftest import Database
from tests.infra.event_store.appends import held
from tests.waiting import until

pytestmark = pytest.mark.servers

SECRET = "the tests' secret, the same every time"


@pytest.fixture
async def client(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The whole API in this process, signed in."""
    settings = Settings(
        data=tmp_path,
        secret=SECRET,
        postgres_dsn=database.admin_dsn,
        search="postgres",
        bcrypt_cost=4,
        limits=Limits(auth=None, address=None),
    )
    async with wiring(settings, "api") as wired:
        transport = httpx.ASGITransport(await bootstrap.api(wired))
        async with httpx.AsyncClient(transport=transport, base_url="http://tests") as made:
            body = {
                "tenant_name": "T",
                "name": "Ada",
                "email": f"{uuid4().hex}@t.example",
                "password": "long enough, this",
            }
            answer = await made.post("/v1/auth/register", json=body)
            made.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            yield made


def tenant_of(client: httpx.AsyncClient) -> UUID:
    token = client.headers["Authorization"].removeprefix("Bearer ")
    return UUID(jwt.decode(token, options={"verify_signature": False})["tid"])


async def test_too_many_writes_of_a_tenant_are_refused_with_a_time_to_come_again(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_MOST_OF_TENANT", 3)
    async with held(database, tenant_of(client)):
        first = asyncio.create_task(client.post("/v1/contacts", json={"name": "Ada"}))
        await asyncio.sleep(0.3)
        others = [asyncio.create_task(client.post("/v1/contacts", json={"name": f"Ada {n}"})) for n in range(12)]
        await until(lambda: sum(task.done() for task in others) == 9)
        refused = [await task for task in others if task.done()]
        assert {answer.status_code for answer in refused} == {503}
        assert {answer.json()["code"] for answer in refused} == {"store.overloaded"}
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    answers = await asyncio.gather(first, *others)
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [503] * 9


async def test_too_many_passwords_at_once_are_refused_with_a_time_to_come_again(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R1.1: hashing has a queue of its own, with an end; everything else goes on meanwhile."""
    free, most = threading.Event(), 21 * (os.cpu_count() or 1)
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: free.wait(20) and False)
    asked = [{"email": f"{uuid4().hex}@t.example", "password": "a long enough password"} for _ in range(most + 5)]
    logins = [asyncio.create_task(client.post("/v1/auth/login", json=body)) for body in asked]
    try:
        await until(lambda: sum(task.done() for task in logins) == 5)
        refused = [await task for task in logins if task.done()]
        assert (await client.get("/v1/me")).status_code == 200
    finally:
        free.set()
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "auth.busy")}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert sorted(answer.status_code for answer in await asyncio.gather(*logins)) == [401] * most + [503] * 5
