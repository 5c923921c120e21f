"""The whole API in the tests' own process, where what it does can be counted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import jwt

import bootstrap
from commands.limits import Limits
from infra.wiring import wiring
from settings import Settings
from tests.conftest import TEXT, Database


@asynccontextmanager
async def api_inside(database: Database, folder: Path) -> AsyncIterator[httpx.ASGITransport]:
    """The API on the tests' own database, without limits and without a projector."""
    settings = Settings(
        data=folder,
        secret=TEXT,
        postgres_dsn=database.admin_dsn,
        search="postgres",
        bcrypt_cost=4,
        limits=Limits(auth=None, address=None),
    )
    async with wiring(settings, "api") as wired:
        yield httpx.ASGITransport(await bootstrap.api(wired))


async def sign_up(client: httpx.AsyncClient) -> None:
    """From here on the client speaks for the admin of a new tenant."""
    body = {"tenant_name": "T", "name": "Ada", "email": f"{uuid4().hex}@t.example", "password": "long enough, this"}
    answer = await client.post("/v1/auth/register", json=body)
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def tenant_of(client: httpx.AsyncClient) -> UUID:
    """Whom a client speaks for."""
    token = client.headers["Authorization"].removeprefix("Bearer ")
    return UUID(jwt.decode(token, options={"verify_signature": False})["tid"])
