"""R6.5: a lone event takes a shorter way, and what comes of it is the same."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec import structs

from commands.ports import Append, StreamEvents
from infra.event_store import codec
from infra.event_store.calls import StoreCalls, is_plain
from infra.event_store.sealed import SealedAppend, seal
from infra.event_store.store import PostgresEventStore
from infra.keys.keyring import Keyring
from infra.keys.master import local_master
from tests.conftest import SECRET, Database
from tests.given import changed, deleted
from tests.infra.event_store.appends import append, claim, held, key, one, stream
from tests.infra.event_store.catalogue import Connection
from tests.infra.integrity.independent import chain

pytestmark = pytest.mark.servers

Way = Callable[[Append], Awaitable[Sequence[Any]]]
"""Gives the row of the answer."""


def removed(tenant: UUID, stream_id: UUID, after: int, command_id: UUID | None = None) -> Append:
    """An append in which nothing is personal."""
    return append(tenant, StreamEvents(stream_id, after, (deleted(),)), command_id=command_id)


@pytest.fixture(params=["alone", "in a batch"])
def way(request: pytest.FixtureRequest, database: Database) -> Way:
    calls, keyring = StoreCalls(database.appends), Keyring(database.service, local_master(SECRET))

    async def short(asked: Append) -> Sequence[Any]:
        sealed = await seal(asked, keyring)
        assert is_plain(sealed)
        return (await calls.append_one(sealed))[0]

    async def long(asked: Append) -> Sequence[Any]:
        sealed = await seal(asked, keyring)
        return (await calls.append(codec.batch([sealed], SECRET, "1 hour"), skip_busy=False))[0]

    return short if request.param == "alone" else long


async def test_an_event_of_a_new_tenant_is_its_first(way: Way) -> None:
    outcome, first, last, at, result_id, status, detail = await way(removed(uuid4(), uuid4(), 0))
    assert (outcome, first, last, result_id, status, detail) == ("ok", 1, 1, None, None, None)
    assert at is not None


async def test_it_is_recorded_when_it_was_written_however_long_it_waited(
    way: Way, database: Database, tenant: UUID
) -> None:
    """B4: a moment that a read has answered for stays as it was."""
    await way(removed(tenant, uuid4(), 0))
    async with held(database, tenant) as other:
        waiting = asyncio.ensure_future(way(removed(tenant, uuid4(), 0)))
        await asyncio.sleep(0.2)
        (asked,) = await (await other.execute("SELECT clock_timestamp()")).fetchone() or (None,)
    row = await waiting
    assert row[0] == "ok"
    assert row[3] > asked


async def test_events_of_a_stream_follow_one_another(way: Way, tenant: UUID) -> None:
    ada = uuid4()
    rows = [await way(removed(tenant, ada, after)) for after in range(4)]
    assert [(row[0], row[2]) for row in rows] == [("ok", position) for position in range(2, 6)]
    times = [row[3] for row in rows]
    assert times == sorted(times)


@pytest.mark.parametrize("after", [0, 1, 3, 17])
async def test_another_version_than_that_after_the_last_is_a_conflict(way: Way, tenant: UUID, after: int) -> None:
    ada = uuid4()
    for version in range(2):
        await way(removed(tenant, ada, version))
    refused = await way(removed(tenant, ada, after))
    assert (refused[0], refused[2], refused[6]) == ("conflict", None, 1)


async def test_what_was_appended_already_is_told_again(way: Way, tenant: UUID) -> None:
    """Invariant 2: an answer was lost, and others have appended to the stream since."""
    ada, command = uuid4(), uuid4()
    first = await way(removed(tenant, ada, 0, command))
    await way(removed(tenant, ada, 1))
    assert (await way(removed(tenant, ada, 0, command)))[:4] == ("repeated", *first[1:4])
    assert (await way(removed(tenant, ada, 1, command)))[0] == "conflict"


async def test_time_never_goes_back(way: Way, tenant: UUID, admin: Connection) -> None:
    """Fault 14."""
    late = (
        "UPDATE store.tenant_head SET recorded_at = now() + interval '1 h' WHERE tenant_id = %s RETURNING recorded_at"
    )
    (until,) = admin.execute(late, (tenant,)).fetchone() or (None,)
    assert (await way(removed(tenant, uuid4(), 0)))[3] == until


async def test_both_ways_write_one_chain(
    store: PostgresEventStore, database: Database, tenant: UUID, admin: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes of docs/integrity.md, as computed from the rows by code that shares nothing with ours."""
    ada, ways = uuid4(), []
    original = StoreCalls.append_one

    async def noted(self: StoreCalls, asked: SealedAppend) -> Any:
        ways.append("short")
        return await original(self, asked)

    monkeypatch.setattr(StoreCalls, "append_one", noted)
    await store.append(append(tenant, stream(ada)))
    await store.append(append(tenant, StreamEvents(ada, 1, (changed(title="Countess"),))))
    await store.append(append(tenant, stream(ada, after=2, count=3)))
    await store.append(append(tenant, StreamEvents(ada, 5, (changed(title="Gräfin 🎩"),))))
    assert ways == ["short", "short"]
    query = "SELECT position, hash FROM store.event WHERE tenant_id = %s ORDER BY position"
    rows = admin.execute(query, (tenant,)).fetchall()
    assert rows == chain(database.admin_dsn, tenant)
    assert len(rows) == 7
    assert admin.execute("SELECT hash FROM store.tenant_head WHERE tenant_id = %s", (tenant,)).fetchone() == (
        rows[-1][1],
    )


@pytest.mark.parametrize("beside", ["claims", "releases", "key", "events"])
def test_what_has_more_to_it_goes_the_long_way(beside: str) -> None:
    tenant, ada = uuid4(), uuid4()
    taken = [claim(tenant, "42", ada)]
    asked = {
        "claims": append(tenant, stream(ada), claims=taken),
        "releases": append(tenant, stream(ada), releases=taken),
        "key": append(tenant, stream(ada), key=key("k")),
        "events": append(tenant, stream(ada, count=2)),
    }[beside]
    assert not is_plain(as_sealed(asked))
    assert is_plain(as_sealed(one(tenant)))


def as_sealed(asked: Append) -> SealedAppend:
    data = tuple(b"{}" for part in asked.streams for _ in part.events)
    return SealedAppend(**structs.asdict(asked), data=data, sealed_metadata=b"{}")
