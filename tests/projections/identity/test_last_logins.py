"""A user's last sign-in is asked of the read model, unless nothing can have changed it since it was."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from projections.identity.last_logins import LastLogins
from projections.identity.user_queries import LastLogin
from projections.ports import Connection
from tests.given import TENANT, some_id

ADA, GRACE = some_id(1), some_id(2)
MORNING = datetime(2026, 3, 1, 8, tzinfo=UTC)


class ReadModel:
    """Says what it is told to, and counts how often it is asked."""

    def __init__(self) -> None:
        self.says = LastLogin(MORNING, 5)
        self.asked = 0
        self.now = 0.0
        self.logins = LastLogins(seconds=60, clock=lambda: self.now)

    async def ask(self, _: UUID, __: Callable[[Connection], Awaitable[LastLogin]]) -> LastLogin:
        self.asked += 1
        return self.says

    async def of(self, user_id: UUID, head: int, tenant_id: UUID = TENANT) -> datetime | None:
        return await self.logins.of(self, tenant_id, user_id, head)


async def test_it_is_asked_once_while_the_log_ends_where_the_read_model_has_got_to() -> None:
    model = ReadModel()
    assert [await model.of(ADA, 5) for _ in range(3)] == [MORNING] * 3
    assert model.asked == 1


async def test_a_log_that_has_moved_on_is_asked_about_anew() -> None:
    model = ReadModel()
    await model.of(ADA, 5)
    model.says = LastLogin(MORNING + timedelta(hours=1), 6)
    assert await model.of(ADA, 6) == await model.of(ADA, 6) == MORNING + timedelta(hours=1)
    assert model.asked == 2


async def test_a_read_model_that_is_behind_is_asked_each_time() -> None:
    model = ReadModel()
    model.says = LastLogin(None, 4)
    assert await model.of(ADA, 5) is None
    model.says = LastLogin(MORNING, 5)
    assert await model.of(ADA, 5) == MORNING
    assert model.asked == 2


async def test_without_a_look_at_the_log_it_is_asked_each_time() -> None:
    model = ReadModel()
    model.says = LastLogin(None, 0)
    await model.of(ADA, 0)
    await model.of(ADA, 0)
    assert model.asked == 2


async def test_nothing_is_said_again_for_long() -> None:
    """A stream that was parked is applied late, and the log does not move for it."""
    model = ReadModel()
    await model.of(ADA, 5)
    model.now = 61
    await model.of(ADA, 5)
    assert model.asked == 2


async def test_what_is_known_is_of_one_user_of_one_tenant() -> None:
    model = ReadModel()
    await model.of(ADA, 5)
    model.says = LastLogin(None, 5)
    assert await model.of(GRACE, 5) is None
    assert await model.of(ADA, 5, tenant_id=some_id(900)) is None
    assert await model.of(ADA, 5) == MORNING
