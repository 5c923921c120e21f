"""Whatever is asked of them, in whatever order: the store in Postgres answers as the one in memory does."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from commands.ports import (
    Append,
    ClaimTakenError,
    EventStore,
    KeyReusedError,
    StreamEvents,
    VersionConflictError,
)
from infra import clock
from infra.event_store.memory import MemoryEventStore
from infra.event_store.store import PostgresEventStore
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import append, claim, key, stream

pytestmark = pytest.mark.servers

VALUES = ("a", "b")
KIND = "contact.external_id/crm"
NAMES = ("k", "l")


class Step(Struct, frozen=True):
    """One append: streams as (which, what is off about the version, how many events), and the rest by number."""

    streams: tuple[tuple[int, int, int], ...]
    claims: tuple[tuple[int, str], ...]
    releases: tuple[tuple[int, str], ...]
    key: tuple[str, str] | None
    repeats: bool


some_stream = st.integers(0, 2)
off = st.sampled_from([0, 0, 0, 0, 1, -1])
held = st.tuples(some_stream, st.sampled_from(VALUES))
values = st.lists(held, max_size=2, unique_by=lambda pair: pair[1]).map(tuple)
steps = st.builds(
    Step,
    st.lists(st.tuples(some_stream, off, st.integers(1, 3)), max_size=2, unique_by=lambda part: part[0]).map(tuple),
    values,
    values,
    st.none() | st.tuples(st.sampled_from(NAMES), st.sampled_from(["one body", "another"])),
    st.sampled_from([False, False, False, True]),
)


@given(st.lists(steps, min_size=1, max_size=12))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_both_stores_answer_alike(database: Database, sequence: Sequence[Step]) -> None:
    """Invariants 1, 2 and 6 as the simpler of two implementations has them."""
    tenant = uuid4()
    memory = MemoryEventStore(clock.now)
    postgres = PostgresEventStore(database.appends, database.service, SECRET)
    sent: list[Append] = []
    for step in sequence:
        asked = sent[-1] if step.repeats and sent else await build(memory, tenant, step)
        sent.append(asked)
        assert await answer(postgres, asked) == await answer(memory, asked)
    assert await contents(postgres, tenant) == await contents(memory, tenant)


async def build(store: EventStore, tenant: UUID, step: Step) -> Append:
    ids = [uuid5(tenant, str(number)) for number in range(3)]
    streams: list[StreamEvents] = []
    for which, wrong_by, count in step.streams:
        version = len(await store.load(tenant, ids[which]))
        streams.append(stream(ids[which], after=max(0, version + wrong_by), count=count))
    used = key(*step.key, result_id=uuid5(tenant, "result")) if step.key else None
    return append(
        tenant,
        *streams,
        claims=[claim(tenant, value, ids[which]) for which, value in step.claims],
        releases=[claim(tenant, value, ids[which]) for which, value in step.releases],
        key=used,
    )


async def answer(store: EventStore, asked: Append) -> tuple[Any, ...]:
    try:
        appended = await store.append(asked)
    except ClaimTakenError as taken:
        # Which of two taken values is named is up to the store.
        return "claimed", taken.claim in asked.claims
    except (VersionConflictError, KeyReusedError) as refusal:
        return (type(refusal).__name__,)
    return appended.position, appended.replayed, appended.replayed and (appended.result_id, appended.status)


async def contents(store: EventStore, tenant: UUID) -> tuple[Any, ...]:
    log = await store.read(tenant, after=0, limit=1000)
    return (
        await store.head(tenant),
        [(item.position, item.stream_id, item.version, item.event, item.command_id) for item in log],
        [await store.holder(tenant, KIND, value) for value in VALUES],
        [await store.kept_command(tenant, key(name).digest) for name in NAMES],
    )
