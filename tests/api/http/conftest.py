"""The whole API in the tests' own process."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.api.http.inside import api_inside, sign_up
from tests.conftest import Database


@pytest.fixture
async def client(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in as the admin of a new tenant."""
    async with (
        api_inside(database, tmp_path) as transport,
        httpx.AsyncClient(transport=transport, base_url="http://tests") as made,
    ):
        await sign_up(made)
        yield made
