"""Unique values and idempotency keys, as every event store keeps them (N-R2, invariants 2 and 6)."""

import asyncio
from uuid import UUID, uuid4

import pytest

from commands.ports import (
    ClaimTakenError,
    EventStore,
    Expected,
    KeptCommand,
    KeyReusedError,
    Owner,
    VersionConflictError,
)
from domain.tenant import PLATFORM
from tests.conformance.conftest import positions
from tests.infra.event_store.appends import append, claim, key, one, stream


async def test_a_claim_is_held_by_the_stream_that_took_it(store: EventStore, tenant: UUID) -> None:
    ada, value = uuid4(), claim(tenant, "42", ada_id := uuid4())
    await store.append(append(tenant, stream(ada_id), claims=[value]))
    assert await store.holder(tenant, value.kind, "42") == Owner(tenant, ada_id)
    with pytest.raises(ClaimTakenError) as taken:
        await store.append(append(tenant, stream(ada), claims=[claim(tenant, "free", ada), claim(tenant, "42", ada)]))
    assert taken.value.claim == claim(tenant, "42", ada)
    assert await store.holder(tenant, value.kind, "free") is None
    assert list(await store.load(tenant, ada)) == []
    assert await store.head(tenant) == 1


async def test_a_stream_may_claim_again_what_it_holds(store: EventStore, tenant: UUID) -> None:
    ada = uuid4()
    await store.append(append(tenant, stream(ada), claims=[claim(tenant, "42", ada)]))
    await store.append(append(tenant, stream(ada, after=1), claims=[claim(tenant, "42", ada)]))
    assert await store.holder(tenant, "contact.external_id/crm", "42") == Owner(tenant, ada)


async def test_the_same_value_of_another_kind_or_tenant_is_another_claim(store: EventStore, tenant: UUID) -> None:
    ada, grace, other = uuid4(), uuid4(), uuid4()
    await store.append(append(tenant, stream(ada), claims=[claim(tenant, "42", ada)]))
    await store.append(append(tenant, stream(grace), claims=[claim(tenant, "42", grace, kind="other")]))
    await store.append(append(other, stream(ada), claims=[claim(other, "42", ada)]))
    assert await store.holder(tenant, "other", "42") == Owner(tenant, grace)
    assert await store.holder(other, "contact.external_id/crm", "42") == Owner(other, ada)


async def test_a_released_claim_is_free_for_another_stream(store: EventStore, tenant: UUID) -> None:
    ada, grace = uuid4(), uuid4()
    await store.append(append(tenant, stream(ada), claims=[claim(tenant, "42", ada)]))
    await store.append(append(tenant, stream(ada, after=1), releases=[claim(tenant, "42", ada)]))
    assert await store.holder(tenant, "contact.external_id/crm", "42") is None
    await store.append(append(tenant, stream(grace), claims=[claim(tenant, "42", grace)]))
    assert await store.holder(tenant, "contact.external_id/crm", "42") == Owner(tenant, grace)


async def test_only_the_holder_can_release_a_claim(store: EventStore, tenant: UUID) -> None:
    ada, grace = uuid4(), uuid4()
    await store.append(append(tenant, stream(ada), claims=[claim(tenant, "42", ada)]))
    await store.append(append(tenant, stream(grace), releases=[claim(tenant, "42", grace)]))
    assert await store.holder(tenant, "contact.external_id/crm", "42") == Owner(tenant, ada)


async def test_what_is_released_and_claimed_at_once_stays_held(store: EventStore, tenant: UUID) -> None:
    ada = uuid4()
    held = claim(tenant, "42", ada)
    await store.append(append(tenant, stream(ada), claims=[held]))
    await store.append(append(tenant, stream(ada, after=1), claims=[held], releases=[held]))
    assert await store.holder(tenant, held.kind, "42") == Owner(tenant, ada)


async def test_what_one_stream_releases_and_another_claims_at_once_goes_over(store: EventStore, tenant: UUID) -> None:
    """R3.5: what a contact is found by goes with it when it is merged into another."""
    ada, grace, third = uuid4(), uuid4(), uuid4()
    await store.append(append(tenant, stream(ada), claims=[claim(tenant, "42", ada)]))
    both = (stream(grace), stream(ada, after=1))
    moved = await store.append(
        append(tenant, *both, claims=[claim(tenant, "42", grace)], releases=[claim(tenant, "42", ada)])
    )
    assert moved.position == 3
    assert await store.holder(tenant, "contact.external_id/crm", "42") == Owner(tenant, grace)
    for refused in (
        append(tenant, stream(third), claims=[claim(tenant, "42", third)], releases=[claim(tenant, "42", ada)]),
        append(tenant, stream(third), claims=[claim(tenant, "42", third)], releases=[claim(tenant, "43", grace)]),
    ):
        with pytest.raises(ClaimTakenError):
            await store.append(refused)
    assert await store.holder(tenant, "contact.external_id/crm", "42") == Owner(tenant, grace)


async def test_nothing_goes_over_in_an_append_that_is_refused(store: EventStore, tenant: UUID) -> None:
    ada, grace, third = uuid4(), uuid4(), uuid4()
    await store.append(append(tenant, stream(ada), claims=[claim(tenant, "42", ada)]))
    await store.append(append(tenant, stream(third), claims=[claim(tenant, "43", third)]))
    with pytest.raises(ClaimTakenError):
        await store.append(
            append(
                tenant,
                stream(grace),
                claims=[claim(tenant, "42", grace), claim(tenant, "43", grace)],
                releases=[claim(tenant, "42", ada)],
            )
        )
    assert await store.holder(tenant, "contact.external_id/crm", "42") == Owner(tenant, ada)
    assert await store.holder(tenant, "contact.external_id/crm", "43") == Owner(tenant, third)


async def test_a_refused_append_releases_nothing(store: EventStore, tenant: UUID) -> None:
    ada = uuid4()
    held = claim(tenant, "42", ada)
    await store.append(append(tenant, stream(ada), claims=[held]))
    with pytest.raises(VersionConflictError):
        await store.append(append(tenant, stream(ada, after=7), releases=[held]))
    assert await store.holder(tenant, held.kind, "42") == Owner(tenant, ada)


async def test_an_email_is_unique_across_tenants(store: EventStore, tenant: UUID) -> None:
    email, user, other, intruder = f"{uuid4()}@x.example", uuid4(), uuid4(), uuid4()
    await store.append(append(tenant, stream(user), claims=[claim(PLATFORM, email, user, "user.email")]))
    assert await store.holder(PLATFORM, "user.email", email) == Owner(tenant, user)
    with pytest.raises(ClaimTakenError):
        await store.append(append(other, stream(intruder), claims=[claim(PLATFORM, email, intruder, "user.email")]))
    assert await store.head(other) == 0


async def test_a_key_used_again_for_the_same_body_gives_the_first_answer(store: EventStore, tenant: UUID) -> None:
    used = key("k", status=201)
    first = await store.append(append(tenant, stream(uuid4(), count=2), key=used))
    await store.append(one(tenant))
    again = await store.append(append(tenant, stream(uuid4()), key=key("k")))
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.position, again.result_id, again.status) == (2, used.result_id, 201)
    assert await store.head(tenant) == 3


async def test_a_key_used_for_another_body_is_refused(store: EventStore, tenant: UUID) -> None:
    await store.append(append(tenant, stream(uuid4()), key=key("k", "one body")))
    with pytest.raises(KeyReusedError):
        await store.append(append(tenant, stream(uuid4()), key=key("k", "another")))
    assert await store.head(tenant) == 1


async def test_the_same_key_of_another_tenant_is_another_key(store: EventStore, tenant: UUID) -> None:
    other = uuid4()
    await store.append(append(tenant, stream(uuid4()), key=key("k", "one body")))
    answer = await store.append(append(other, stream(uuid4()), key=key("k", "another")))
    assert not answer.replayed
    assert await store.head(other) == 1


async def test_an_append_without_events_keeps_its_key_and_moves_nothing(store: EventStore, tenant: UUID) -> None:
    await store.append(append(tenant, stream(uuid4(), count=3)))
    used = key("k", status=200)
    first = await store.append(append(tenant, key=used))
    await store.append(one(tenant))
    again = await store.append(append(tenant, key=used))
    assert (first.position, first.replayed) == (3, False)
    assert (again.position, again.replayed, again.status) == (3, True, 200)
    assert await positions(store, tenant) == [1, 2, 3, 4]


async def test_a_refused_append_keeps_its_key_free(store: EventStore, tenant: UUID) -> None:
    ada = uuid4()
    with pytest.raises(VersionConflictError):
        await store.append(append(tenant, stream(ada, after=3), key=key("k")))
    assert not (await store.append(append(tenant, stream(ada), key=key("k")))).replayed


async def test_what_a_key_was_used_for_can_be_asked(store: EventStore, tenant: UUID) -> None:
    used = key("k", status=201)
    await store.append(append(tenant, stream(uuid4(), count=2), key=used))
    assert await store.kept_command(tenant, used.digest) == KeptCommand(used.body_digest, used.result_id, 2, 201)
    assert await store.kept_command(tenant, key("other").digest) is None
    assert await store.kept_command(uuid4(), used.digest) is None


async def test_what_was_decided_by_a_stream_stands_only_while_that_is_as_it_was(
    store: EventStore, tenant: UUID
) -> None:
    ada, grace, nobody = uuid4(), uuid4(), uuid4()
    await store.append(append(tenant, stream(ada)))
    await store.append(append(tenant, stream(grace), expects=[Expected(ada, 1), Expected(nobody, 0)]))
    for expected in (Expected(ada, 2), Expected(ada, 0), Expected(nobody, 1)):
        with pytest.raises(VersionConflictError):
            await store.append(append(tenant, stream(uuid4()), expects=[expected]))
    assert await store.head(tenant) == 2


async def test_what_another_tenant_has_is_not_expected(store: EventStore, tenant: UUID) -> None:
    ada = uuid4()
    await store.append(append(uuid4(), stream(ada)))
    with pytest.raises(VersionConflictError):
        await store.append(append(tenant, stream(uuid4()), expects=[Expected(ada, 1)]))


async def test_what_goes_over_goes_to_one_of_those_who_ask_at_the_same_time(store: EventStore, tenant: UUID) -> None:
    """R3.1: of upserts that found nobody together one adds the record, also when the last holder is long gone."""
    ada = uuid4()
    await store.append(append(tenant, stream(ada), claims=[claim(tenant, "42", ada)]))
    others = [uuid4() for _ in range(8)]
    asked = (
        append(tenant, stream(each), claims=[claim(tenant, "42", each)], releases=[claim(tenant, "42", ada)])
        for each in others
    )
    done = await asyncio.gather(*map(store.append, asked), return_exceptions=True)
    assert [type(each) for each in done if isinstance(each, Exception)] == [ClaimTakenError] * 7
    (winner,) = (each for each, result in zip(others, done, strict=True) if not isinstance(result, Exception))
    assert await store.holder(tenant, "contact.external_id/crm", "42") == Owner(tenant, winner)
