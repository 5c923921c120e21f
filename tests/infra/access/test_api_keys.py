"""R1.6, R2.4: what an API key may do follows the last commit, whichever process made it."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from msgspec import structs

from commands.identity.access import KeyClaims
from commands.ports import StreamEvents
from domain.access import BUILT_IN_ROLES
from domain.api_key import ApiKeyIssued, ApiKeyRevoked
from domain.errors import DomainError
from domain.event import Event
from domain.user import UserRegistered, UserRestored, UserRolesChanged, UserSuspended
from infra import clock
from infra.access.authorization import PostgresAuthorization
from infra.access.key_uses import PostgresKeyUses
from infra.event_store.store import PostgresEventStore
from infra.keys.api_keys import MacApiKeys
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import append

pytestmark = pytest.mark.servers

KEYS = MacApiKeys(SECRET.key("api-keys"))


class Case:
    """A tenant with an admin, for whom a key acts; the user's stream is at version `at`."""

    def __init__(self, database: Database) -> None:
        self.store = PostgresEventStore(database.appends, database.service, SECRET)
        self.tenant, self.user, self.key = uuid4(), uuid4(), uuid4()
        self.at = 0

    async def begin(self, expires_at: datetime | None = None) -> KeyClaims:
        await self.tell(UserRegistered(name="Ada", email="a@x.example", password_hash="-", roles=("admin",)))
        spelt = KEYS.make(self.tenant, self.key)
        issued = ApiKeyIssued(
            name="Import",
            roles=("sales",),
            user_id=self.user,
            prefix=spelt.prefix,
            digest=spelt.digest,
            expires_at=expires_at,
        )
        await self.store.append(append(self.tenant, StreamEvents(self.key, 0, (issued,))))
        return KEYS.read(spelt.text)

    async def tell(self, event: Event) -> None:
        await self.store.append(append(self.tenant, StreamEvents(self.user, self.at, (event,))))
        self.at += 1


@pytest.fixture
def case(database: Database) -> Case:
    return Case(database)


async def refused(authorization: PostgresAuthorization, claims: KeyClaims) -> None:
    with pytest.raises(DomainError) as refusal:
        await authorization.of_key(claims)
    assert refusal.value.code == "auth.key_ended"


async def test_a_key_acts_in_its_own_roles_for_its_user_and_under_its_own_name(database: Database, case: Case) -> None:
    claims = await case.begin()
    principal = await PostgresAuthorization(database.appends).of_key(claims)
    assert (principal.user_id, principal.key_id, principal.roles) == (case.user, case.key, ("sales",))
    assert principal.grants == BUILT_IN_ROLES["sales"]
    assert (principal.actor.kind, principal.actor.id) == ("api_key", case.key)


async def test_revoked_by_one_process_it_is_refused_by_all(database: Database, case: Case) -> None:
    claims = await case.begin()
    here, there = (PostgresAuthorization(database.appends) for _ in range(2))
    for process in (here, there):
        assert (await process.of_key(claims)).key_id == case.key
    await case.store.append(append(case.tenant, StreamEvents(case.key, 1, (ApiKeyRevoked(),))))
    for process in (here, there, PostgresAuthorization(database.appends)):
        await refused(process, claims)
    assert (await here.access(case.tenant)).keys[case.key].name == "Import"


async def test_it_rests_while_its_user_is_suspended_whose_roles_it_does_not_share(
    database: Database, case: Case
) -> None:
    claims, authorization = await case.begin(), PostgresAuthorization(database.appends)
    await case.tell(UserSuspended())
    await refused(authorization, claims)
    await case.tell(UserRestored())
    await case.tell(UserRolesChanged(roles=()))
    assert (await authorization.of_key(claims)).grants == BUILT_IN_ROLES["sales"]


async def test_it_is_good_until_it_expires(database: Database, case: Case) -> None:
    late = await Case(database).begin(clock.now() - timedelta(seconds=1))
    await refused(PostgresAuthorization(database.appends), late)
    early = await case.begin(clock.now() + timedelta(minutes=1))
    assert (await PostgresAuthorization(database.appends).of_key(early)).key_id == case.key


async def test_claims_that_do_not_belong_together_are_refused(database: Database, case: Case) -> None:
    mine, theirs = await case.begin(), await Case(database).begin()
    authorization = PostgresAuthorization(database.appends)
    for wrong in (
        structs.replace(mine, tenant_id=theirs.tenant_id),
        structs.replace(mine, key_id=theirs.key_id),
        structs.replace(mine, digest=theirs.digest),
        structs.replace(mine, digest=""),
        KeyClaims(uuid4(), uuid4(), mine.digest),
    ):
        await refused(authorization, wrong)


def aged(database: Database, key_id: UUID, seconds: int) -> None:
    with psycopg.connect(database.admin_dsn) as connection:
        connection.execute(
            "UPDATE store.api_key_use SET used_at = used_at - make_interval(secs => %s) WHERE key_id = %s",
            (seconds, key_id),
        )


async def test_a_use_is_noted_to_the_minute_under_its_tenant(database: Database) -> None:
    tenant, key = uuid4(), uuid4()
    uses = PostgresKeyUses(database.service)
    assert await uses.last(tenant, [key]) == {}
    before = clock.now()
    await uses.note(tenant, key)
    first = await uses.last(tenant, [key])
    assert before - timedelta(seconds=1) < first[key] < clock.now() + timedelta(seconds=1)
    # This process knows, and another is told by the row, that it was noted just now.
    for process in (uses, PostgresKeyUses(database.service)):
        await process.note(tenant, key)
        assert await uses.last(tenant, [key, uuid4()]) == first
    aged(database, key, 61)
    await PostgresKeyUses(database.service).note(tenant, key)
    assert (await uses.last(tenant, [key]))[key] >= first[key]
    assert await uses.last(uuid4(), [key]) == {}
