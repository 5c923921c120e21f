"""N-R3: when more waits to be saved than may, a client hears so at once, and when to come again."""

import asyncio
import os
import threading
from uuid import uuid4

import bcrypt
import httpx
import psycopg
import pytest

from infra.event_store import waiting
from tests.api.http.inside import tenant_of
from tests.conftest import Database
from tests.infra.event_store.appends import held
from tests.waiting import until

pytestmark = pytest.mark.servers


def waits_in_postgres(database: Database) -> bool:
    """Whether somebody waits there for what another holds."""
    with psycopg.connect(database.admin_dsn) as connection:
        return connection.execute("SELECT FROM pg_locks WHERE NOT granted").fetchone() is not None


async def test_too_many_writes_of_a_tenant_are_refused_with_a_time_to_come_again(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_MOST_OF_TENANT", 3)
    async with held(database, tenant_of(client)):
        first = asyncio.create_task(client.post("/v1/contacts", json={"name": "Ada"}))
        await until(lambda: waits_in_postgres(database))
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
