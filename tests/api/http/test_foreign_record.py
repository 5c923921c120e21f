"""R6.1: another tenant's record takes as much work as one that is not there, and so as long."""

from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from infra.line import Command, Line
from tests.api.http.inside import api_inside, sign_up, tenant_of
from tests.conftest import Database
from tests.projections.reading import catch_up

pytestmark = pytest.mark.servers

_asked: ContextVar[list[str] | None] = ContextVar("asked", default=None)
"""What the database was asked for a request; nothing of what goes on beside it."""


def note(query: object) -> None:
    if (asked := _asked.get()) is not None:
        asked.append(str(query))


@pytest.fixture(autouse=True)
def listening(monkeypatch: pytest.MonkeyPatch) -> None:
    run, execute = Line.run, psycopg.AsyncConnection.execute

    async def noted_run(line: Line, commands: Sequence[Command]) -> Any:
        for command in commands:
            note(command.statement[0])
        return await run(line, commands)

    async def noted_execute(connection: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        note(query)
        return await execute(connection, query, *arguments, **options)

    monkeypatch.setattr(Line, "run", noted_run)
    monkeypatch.setattr(psycopg.AsyncConnection, "execute", noted_execute)


@pytest.mark.parametrize("kind", ["contacts", "companies", "leads", "interactions"])
async def test_a_foreign_record_costs_the_database_what_a_missing_one_does(
    database: Database, tmp_path: Path, kind: str
) -> None:
    bodies = {
        "contacts": {"name": "Ada"},
        "companies": {"name": "Engines"},
        "leads": {"title": "Engine"},
        "interactions": {"type": "call"},
    }
    async with (
        api_inside(database, tmp_path) as transport,
        httpx.AsyncClient(transport=transport, base_url="http://tests") as asking,
        httpx.AsyncClient(transport=transport, base_url="http://tests") as other,
    ):
        for client in (asking, other):
            await sign_up(client)
        theirs = (await other.post(f"/v1/{kind}", json=bodies[kind])).json()["id"]
        for client in (asking, other):
            await catch_up(database, tenant_of(client))
        assert (await other.get(f"/v1/{kind}/{theirs}")).status_code == 200

        async def asked_for(record_id: object) -> list[str]:
            asked: list[str] = []
            _asked.set(asked)
            answer = await asking.get(f"/v1/{kind}/{record_id}")
            _asked.set(None)
            assert answer.status_code == 404, answer.text
            return asked

        await asked_for(uuid4())  # what is read once and remembered
        foreign, missing = await asked_for(theirs), await asked_for(uuid4())
        assert foreign == missing
        assert foreign, "it was looked for"
