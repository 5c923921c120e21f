"""What batches ask of an event store: many streams and many claims at once, and results kept with a key (N-R2)."""

from uuid import UUID, uuid4

from msgspec import structs

from commands.ports import EventStore
from tests.infra.event_store.appends import append, claim, key, stream


async def test_events_of_several_streams_come_stream_by_stream_after_a_version_of_each(
    store: EventStore, tenant: UUID
) -> None:
    ada, grace, alan, nobody = sorted(uuid4() for _ in range(4))
    await store.append(append(tenant, stream(ada, count=3), stream(grace), stream(alan, count=2)))
    await store.append(append(tenant, stream(grace, after=1)))

    found = await store.load_several(tenant, {alan: 2, grace: 0, nobody: 0, ada: 1})

    assert [(item.stream_id, item.version) for item in found] == [(ada, 2), (ada, 3), (grace, 1), (grace, 2)]
    assert found[2].event == (await store.load(tenant, grace))[0].event
    assert list(await store.load_several(tenant, {})) == []
    assert list(await store.load_several(uuid4(), {ada: 0})) == []


async def test_holders_of_several_claims_are_found_by_kind_and_value(store: EventStore, tenant: UUID) -> None:
    ada, grace, other = uuid4(), uuid4(), uuid4()
    await store.append(append(tenant, stream(ada), claims=[claim(tenant, "1", ada), claim(tenant, "2", ada, kind="k")]))
    await store.append(append(tenant, stream(grace), claims=[claim(tenant, "2", grace)]))
    await store.append(append(other, stream(uuid4()), claims=[claim(other, "3", uuid4())]))
    kind = claim(tenant, "1", ada).kind

    found = await store.holders(tenant, {(kind, "1"), (kind, "2"), ("k", "2"), ("k", "1"), (kind, "3")})

    assert found == {(kind, "1"): ada, ("k", "2"): ada, (kind, "2"): grace}
    assert await store.holders(tenant, ()) == {}


async def test_what_came_of_several_commands_is_kept_with_their_key(store: EventStore, tenant: UUID) -> None:
    used = structs.replace(key("k", status=200), results=b'[[201,"Ada"]]')
    await store.append(append(tenant, stream(uuid4()), key=used))

    kept = await store.kept_command(tenant, used.digest)

    assert kept is not None
    assert (kept.results, kept.result_id) == (used.results, used.result_id)
