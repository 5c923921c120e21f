"""R1.4: a time step is good once, whoever asks at the same time."""

import asyncio
from uuid import uuid4

import pytest

from infra.access.totp_steps import PostgresTotpSteps
from tests.conftest import Database

pytestmark = pytest.mark.servers


@pytest.fixture
def steps(database: Database) -> PostgresTotpSteps:
    return PostgresTotpSteps(database.service)


async def test_a_step_and_those_before_it_are_good_once(steps: PostgresTotpSteps) -> None:
    tenant, user = uuid4(), uuid4()
    taken = [await steps.take(tenant, user, step) for step in (7, 7, 6, 8, 9, 8)]
    assert taken == [True, False, False, True, True, False]


async def test_of_many_at_once_one_gets_a_step(steps: PostgresTotpSteps) -> None:
    tenant, user = uuid4(), uuid4()
    for step in range(3):
        assert sum(await asyncio.gather(*(steps.take(tenant, user, step) for _ in range(20)))) == 1


async def test_steps_are_those_of_one_user_of_one_tenant(steps: PostgresTotpSteps) -> None:
    tenant, user = uuid4(), uuid4()
    for whose in ((tenant, user), (tenant, uuid4()), (uuid4(), user)):
        assert await steps.take(*whose, 60_000_000)
