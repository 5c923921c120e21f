"""B7: waiting for a read model, woken by an announcement or by looking."""

import asyncio
from collections.abc import Collection
from uuid import UUID, uuid4

import pytest

from infra import progress as progress_module
from infra.progress import Progress
from tests.waiting import PATIENCE, until

TENANT = uuid4()
BOTH = ("contact_v1", "company_v1")


class Postgres:
    """The checkpoints as Postgres would tell them; counts who asks."""

    def __init__(self, position: int = 0) -> None:
        self.position = position
        self.looks = 0
        self.error: Exception | None = None

    async def look(self, tenant_id: UUID, checkpoints: Collection[str]) -> int:
        del tenant_id, checkpoints
        self.looks += 1
        if self.error:
            raise self.error
        return self.position


async def test_what_is_reached_already_needs_one_look() -> None:
    postgres = Postgres(5)
    progress = Progress(postgres.look)
    assert await progress.reached(TENANT, BOTH, 5, timeout=1)
    assert await progress.reached(TENANT, BOTH, 4, timeout=1)
    assert postgres.looks == 1


async def test_what_was_announced_needs_no_look() -> None:
    postgres = Postgres()
    progress = Progress(postgres.look)
    progress.heard(TENANT, BOTH, 7)
    assert await progress.reached(TENANT, BOTH, 7, timeout=1)
    assert postgres.looks == 0


async def test_an_announcement_wakes_who_waits_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "_FIRST_PAUSE_SECONDS", PATIENCE)
    monkeypatch.setattr(progress_module, "_LONGEST_PAUSE_SECONDS", PATIENCE)
    postgres = Postgres()
    progress = Progress(postgres.look)
    waiting = asyncio.create_task(progress.reached(TENANT, BOTH, 3, timeout=PATIENCE))
    await until(lambda: postgres.looks == 1)
    progress.heard(TENANT, BOTH, 3)
    assert await waiting
    assert postgres.looks == 1, "it did not have to look for itself"


async def test_many_who_wait_are_all_woken() -> None:
    progress = Progress(Postgres().look)
    waiting = [asyncio.create_task(progress.reached(TENANT, BOTH, n, timeout=PATIENCE)) for n in range(1, 51)]
    await asyncio.sleep(0.02)
    progress.heard(TENANT, BOTH, 50)
    assert all(await asyncio.gather(*waiting))


async def test_without_announcements_it_looks_for_itself() -> None:
    postgres = Postgres()
    progress = Progress(postgres.look)
    waiting = asyncio.create_task(progress.reached(TENANT, BOTH, 3, timeout=PATIENCE))
    await until(lambda: postgres.looks > 3)
    assert not waiting.done()
    postgres.position = 3
    assert await waiting


async def test_the_longer_somebody_waits_the_more_seldom_it_looks() -> None:
    """Else those who wait for a read model that is behind would be what keeps it behind."""
    postgres = Postgres()
    assert not await Progress(postgres.look).reached(TENANT, BOTH, 3, timeout=0.35)
    assert postgres.looks <= 8, "after 10, 20, 40, 80 and then every 100 ms"


async def test_what_is_not_reached_in_time_is_answered_so() -> None:
    progress = Progress(Postgres(2).look)
    started = asyncio.get_running_loop().time()
    assert not await progress.reached(TENANT, BOTH, 3, timeout=0.2)
    assert asyncio.get_running_loop().time() - started > 0.15
    assert progress._waiting == {}


async def test_all_of_the_read_models_must_have_got_there() -> None:
    progress = Progress(Postgres().look)
    progress.heard(TENANT, ["contact_v1"], 9)
    assert not await progress.reached(TENANT, BOTH, 9, timeout=0.05)
    progress.heard(TENANT, ["company_v1"], 9)
    assert await progress.reached(TENANT, BOTH, 9, timeout=0.05)


async def test_progress_of_one_tenant_is_not_anothers() -> None:
    progress = Progress(Postgres().look)
    progress.heard(uuid4(), BOTH, 9)
    assert progress.known(TENANT, BOTH) == 0
    assert not await progress.reached(TENANT, BOTH, 1, timeout=0.05)


async def test_a_late_announcement_takes_nothing_back() -> None:
    progress = Progress(Postgres().look)
    progress.heard(TENANT, BOTH, 9)
    progress.heard(TENANT, BOTH, 4)
    assert progress.known(TENANT, BOTH) == 9


async def test_trouble_with_postgres_is_told_and_leaves_nothing_waiting() -> None:
    postgres = Postgres()
    postgres.error = ConnectionError("gone")
    progress = Progress(postgres.look)
    with pytest.raises(ConnectionError):
        await progress.reached(TENANT, BOTH, 1, timeout=1)
    assert progress._waiting == {}


async def test_what_is_remembered_has_a_bound() -> None:
    """N-P2: tenants come and go; the oldest are asked for again."""
    postgres = Postgres(1)
    progress = Progress(postgres.look)
    first = uuid4()
    progress.heard(first, BOTH, 1)
    for _ in range(30_000):
        progress.heard(uuid4(), BOTH, 1)
    assert len(progress._positions) <= 50_000
    assert progress.known(first, BOTH) == 0
    assert await progress.reached(first, BOTH, 1, timeout=1)
