"""N-R5, invariant 4: figures are for operators."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from msgspec import structs

import bootstrap
from infra.wiring import wiring
from settings import Settings
from tests.conftest import TEXT, Database

pytestmark = pytest.mark.servers

HERE, ELSEWHERE = "127.0.0.1", "203.0.113.7"


@asynccontextmanager
async def asking(
    database: Database, folder: Path, *, peer: str = HERE, **changes: str
) -> AsyncIterator[httpx.AsyncClient]:
    """The whole API in this process, and somebody who asks it."""
    settings = Settings(data=folder, secret=TEXT, postgres_dsn=database.admin_dsn, search="postgres", bcrypt_cost=4)
    async with wiring(structs.replace(settings, **changes), "api") as wired:
        transport = httpx.ASGITransport(await bootstrap.api(wired), client=(peer, 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://tests") as made:
            yield made


@pytest.mark.parametrize("peer", [HERE, "::1", "::ffff:127.0.0.1"])
async def test_they_are_for_this_machine(database: Database, tmp_path: Path, peer: str) -> None:
    async with asking(database, tmp_path, peer=peer) as client:
        answer = await client.get("/metrics")
        assert answer.status_code == 200
        assert 'rapport_projection_behind_events{projection="contact_v1"}' in answer.text
        assert "rapport_postgres_up 1.0" in answer.text


@pytest.mark.parametrize("peer", [ELSEWHERE, "2001:db8::1", "not an address"])
async def test_nobody_else_finds_anything_there(database: Database, tmp_path: Path, peer: str) -> None:
    async with asking(database, tmp_path, peer=peer) as client:
        answer = await client.get("/metrics", headers={"Authorization": "Bearer x"})
        assert (answer.status_code, answer.json()["code"]) == (404, "route.not_found")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
async def test_nor_does_who_comes_through_a_proxy_on_this_machine(
    database: Database, tmp_path: Path, header: str
) -> None:
    async with asking(database, tmp_path) as client:
        assert (await client.get("/metrics", headers={header: ELSEWHERE})).status_code == 404


async def test_with_a_token_set_it_is_the_token_that_counts(database: Database, tmp_path: Path) -> None:
    async with asking(database, tmp_path, peer=ELSEWHERE, metrics_token="for metrics only") as client:
        for wrong in ({}, {"Authorization": "Bearer for metrics onl"}, {"Authorization": "for metrics only"}):
            assert (await client.get("/metrics", headers=wrong)).status_code == 404
        assert (await client.get("/metrics", headers={"Authorization": "Bearer for metrics only"})).status_code == 200
    async with asking(database, tmp_path, metrics_token="for metrics only") as client:
        assert (await client.get("/metrics")).status_code == 404
