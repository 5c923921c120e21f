"""R2.4: what a request may do follows the last commit, whichever process made it."""

import asyncio
import re
from uuid import uuid4

import psycopg
import pytest

from commands.identity.access import Claims, Principal
from commands.identity.sessions import NewSession
from commands.ports import StreamEvents
from domain.authorization import FACTS
from domain.errors import DomainError
from domain.user import SignOut, UserRegistered, UserSignedOut
from infra.access.authorization import PostgresAuthorization
from infra.access.sessions import PostgresSessions
from infra.event_store.store import PostgresEventStore
from tests.conftest import SECRET, Database
from tests.given import registered
from tests.infra.event_store.appends import append

pytestmark = pytest.mark.servers


@pytest.fixture
def store(database: Database) -> PostgresEventStore:
    return PostgresEventStore(database.appends, database.service, SECRET)


async def signed_in(database: Database, store: PostgresEventStore, *roles: str) -> Claims:
    claims = Claims(uuid4(), uuid4(), uuid4(), 0)
    user = UserRegistered(name="Ada", email="a@x.example", password_hash="-", roles=roles)
    await store.append(append(claims.tenant_id, StreamEvents(claims.user_id, 0, (user,))))
    await begin(database, claims)
    return claims


async def begin(database: Database, claims: Claims) -> None:
    session = NewSession(id=claims.session_id, user_id=claims.user_id, epoch=claims.epoch, client=None, address=None)
    await PostgresSessions(database.service, 60).start(claims.tenant_id, session)


async def refused(authorization: PostgresAuthorization, claims: Claims) -> None:
    with pytest.raises(DomainError) as refusal:
        await authorization.principal(claims)
    assert refusal.value.code == "auth.session_ended"


async def test_a_sign_out_in_another_process_holds_for_the_very_next_look(
    database: Database, store: PostgresEventStore
) -> None:
    claims = await signed_in(database, store, "sales")
    here, there = (PostgresAuthorization(database.appends) for _ in range(2))
    for process in (here, there):
        assert (await process.principal(claims)).roles == ("sales",)

    out = UserSignedOut(reason=SignOut.ASKED)
    await store.append(append(claims.tenant_id, StreamEvents(claims.user_id, 1, (out,))))

    for process in (here, there, PostgresAuthorization(database.appends)):
        await refused(process, claims)


async def test_a_session_that_was_begun_on_an_old_password_is_over_before_it_starts(
    database: Database, store: PostgresEventStore
) -> None:
    """A sign-in is under way, its password checked, when the password is changed: R1.4."""
    claims = await signed_in(database, store)
    out = UserSignedOut(reason=SignOut.PASSWORD_CHANGED)
    await store.append(append(claims.tenant_id, StreamEvents(claims.user_id, 1, (out,))))
    late = Claims(claims.tenant_id, claims.user_id, uuid4(), 0)
    await begin(database, late)
    await refused(PostgresAuthorization(database.appends), late)
    fresh = Claims(claims.tenant_id, claims.user_id, uuid4(), 1)
    await begin(database, fresh)
    assert (await PostgresAuthorization(database.appends).principal(fresh)).user_id == claims.user_id


async def test_claims_that_do_not_belong_together_are_refused(database: Database, store: PostgresEventStore) -> None:
    mine, theirs = await signed_in(database, store, "admin"), await signed_in(database, store, "admin")
    authorization = PostgresAuthorization(database.appends)
    for tenant, user, session, epoch in (
        (theirs.tenant_id, mine.user_id, mine.session_id, 0),
        (mine.tenant_id, theirs.user_id, mine.session_id, 0),
        (mine.tenant_id, mine.user_id, theirs.session_id, 0),
        (mine.tenant_id, mine.user_id, mine.session_id, 1),
        (uuid4(), uuid4(), uuid4(), 0),
    ):
        await refused(authorization, Claims(tenant, user, session, epoch))
    assert (await authorization.principal(mine)).grants


async def test_whoever_was_refused_or_signed_out_counts_as_let_in_no_more(
    database: Database, store: PostgresEventStore
) -> None:
    """R7.1: their requests count for them only once it is known that they still may make any."""
    ada = await signed_in(database, store, "sales")
    here, there = (PostgresAuthorization(database.appends) for _ in range(2))
    assert not here.was_let_in(ada)
    for process in (here, there):
        await process.principal(ada)
        assert process.was_let_in(ada)
        assert not process.was_let_in(Claims(ada.tenant_id, ada.user_id, ada.session_id, 1))
    here.forget(ada.session_id)
    await PostgresSessions(database.service, 60).end(ada.tenant_id, ada.session_id, ada.user_id)
    assert not here.was_let_in(ada)
    await refused(there, ada)
    assert not there.was_let_in(ada)


async def test_every_look_says_where_the_log_of_its_tenant_ends(database: Database, store: PostgresEventStore) -> None:
    ada, grace = await signed_in(database, store, "sales"), await signed_in(database, store, "sales")
    here, there = (PostgresAuthorization(database.appends) for _ in range(2))
    assert {(await process.principal(ada)).head for process in (here, there) for _ in range(2)} == {1}
    for length in (2, 3):
        await store.append(append(grace.tenant_id, StreamEvents(uuid4(), 0, (registered(),))))
        for process in (here, there):
            answers = await asyncio.gather(*(process.principal(claims) for claims in (ada, grace) * 3))
            assert [caller.head for caller in answers] == [1, length] * 3


async def test_who_may_do_what_is_found_in_every_partition(database: Database, store: PostgresEventStore) -> None:
    authorization, partitions = PostgresAuthorization(database.appends), set[int]()
    with psycopg.connect(database.admin_dsn) as connection:
        while len(partitions) < 16:
            claims = await signed_in(database, store, "sales")
            assert (await authorization.principal(claims)).roles == ("sales",)
            (number,) = connection.execute("SELECT store.partition_of(%s)", (claims.tenant_id,)).fetchone() or (0,)
            partitions.add(number)


async def test_a_log_that_was_set_back_and_went_on_otherwise_is_read_again(
    database: Database, store: PostgresEventStore
) -> None:
    """A standby that was behind has taken over: the log is as long as it was, and tells something else."""
    ada = await signed_in(database, store, "sales")
    await store.append(append(ada.tenant_id, StreamEvents(uuid4(), 0, (registered(),))))
    authorization = PostgresAuthorization(database.appends)
    assert (await authorization.principal(ada)).head == 2
    with psycopg.connect(database.admin_dsn) as connection:
        connection.execute("DELETE FROM store.event WHERE tenant_id = %s AND position = 2", (ada.tenant_id,))
        connection.execute(
            "UPDATE store.tenant_head h SET position = 1, hash = e.hash FROM store.event e"
            " WHERE h.tenant_id = %s AND e.tenant_id = h.tenant_id",
            (ada.tenant_id,),
        )
    out = UserSignedOut(reason=SignOut.ASKED)
    assert (await store.append(append(ada.tenant_id, StreamEvents(ada.user_id, 1, (out,))))).position == 2
    await refused(authorization, ada)


def test_the_index_is_over_the_topics_that_are_looked_at(database: Database) -> None:
    with psycopg.connect(database.admin_dsn) as connection:
        (text,) = connection.execute("SELECT pg_get_indexdef('store.event_access'::regclass)").fetchone() or ("",)
    assert {word for word in text.split("'") if word.endswith(".v1")} == FACTS.keys()


async def test_a_look_goes_by_that_index_in_a_tenant_with_many_events(
    database: Database, store: PostgresEventStore
) -> None:
    claims = await signed_in(database, store, "admin")
    for _ in range(20):
        streams = [StreamEvents(uuid4(), 0, (registered(),)) for _ in range(100)]
        await store.append(append(claims.tenant_id, *streams))
    with psycopg.connect(database.admin_dsn, autocommit=True) as connection:
        connection.execute("ANALYZE store.event")
        (body,) = connection.execute("SELECT prosrc FROM pg_proc WHERE proname = 'access_after'").fetchone() or ("",)
        (number,) = connection.execute("SELECT store.partition_of(%s)", (claims.tenant_id,)).fetchone() or (0,)
        (asked,) = re.findall(rf"RETURN QUERY (SELECT [^;]* FROM store\.event_{number} v[^;]*);", body)
        query = asked.replace("= tenant", "= $1").replace("> after", "> $2")
        connection.execute("SET plan_cache_mode = force_generic_plan")
        connection.execute(f"PREPARE asked (uuid, bigint) AS {query}".encode())
        rows = connection.execute(f"EXPLAIN ANALYZE EXECUTE asked ('{claims.tenant_id}', 0)".encode()).fetchall()
    plan = "\n".join(row[0] for row in rows)
    assert {word for word in body.split("'") if word.endswith(".v1")} == FACTS.keys()
    assert "position_idx" in plan, plan
    assert "Seq Scan" not in plan, plan


async def test_looks_of_one_moment_are_answered_each_for_its_own(database: Database, store: PostgresEventStore) -> None:
    ada, grace = await signed_in(database, store, "sales"), await signed_in(database, store, "marketing")
    stranger = Claims(ada.tenant_id, ada.user_id, grace.session_id, 0)
    authorization = PostgresAuthorization(database.appends)
    asked = [authorization.principal(claims) for claims in (ada, grace, stranger) * 20]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for mine, hers, theirs in zip(*[iter(answers)] * 3, strict=True):
        assert isinstance(mine, Principal)
        assert (mine.tenant_id, mine.roles) == (ada.tenant_id, ("sales",))
        assert isinstance(hers, Principal)
        assert (hers.tenant_id, hers.roles) == (grace.tenant_id, ("marketing",))
        assert isinstance(theirs, DomainError)
