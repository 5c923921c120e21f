"""R6.2, R6.5, invariant 4: one tenant's rows are all that a transaction of it sees, whatever it asks for."""

from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent, Tracking

from commands.ports import Snapshot, StreamEvents
from commands.sessions import NewSession
from domain.company import CompanyRegistered
from domain.tenant import PLATFORM
from domain.user import UserRegistered
from infra.access.key_uses import PostgresKeyUses
from infra.access.sessions import PostgresSessions
from infra.event_store.codec import claim_hmac
from infra.event_store.library.datastore import RapportDatastore
from infra.event_store.library.recorders import RapportSnapshotRecorder, RapportTrackingRecorder
from infra.event_store.snapshots import PostgresSnapshots
from infra.event_store.store import PostgresEventStore
from infra.keys.destruction import KeyDestroyer
from infra.postgres import AUDITOR, PROJECTOR, RECORDER, SERVICE
from projections import poison
from projections.poison import Poison
from tests.conftest import SECRET, Database
from tests.given import changed, registered
from tests.infra.event_store.appends import append, claim, key, one
from tests.infra.event_store.catalogue import Connection, count, may, names
from tests.projections.reading import catch_up

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
async def tenants(database: Database) -> tuple[UUID, UUID]:
    """Two tenants with rows in every table that there is."""
    store, made = PostgresEventStore(database.appends, database.service, SECRET), (uuid4(), uuid4())
    for tenant, name in zip(made, ("Ada Lovelace", "Grace Hopper"), strict=True):
        for number in range(3):
            ada = uuid4()
            told = (registered(name), changed(title="Engineer"))
            email = claim(PLATFORM, f"{ada}@x.example", ada, "user.email")
            claims = [claim(tenant, str(number), ada), email]
            await store.append(append(tenant, StreamEvents(ada, 0, told), claims=claims, key=key(f"k{number}")))
        user = UserRegistered(name="Grace", email="g@x.example", password_hash="-", roles=("admin",))
        await store.append(one(tenant, user))
        await store.append(one(tenant, CompanyRegistered(name="Engines")))
        session = NewSession(id=uuid4(), user_id=uuid4(), epoch=0, client=None, address=None)
        await PostgresSessions(database.service, 60).start(tenant, session)
        await PostgresKeyUses(database.service).note(tenant, uuid4())
        await catch_up(database, tenant)
        async with database.projector.of(tenant) as connection:
            await poison.park(connection, tenant, "walls_v1", [Poison(ada, 1, "for the sake of a row")])
            await connection.execute("INSERT INTO read.filling VALUES (%s, 'walls_v1/next', 1, %s)", (tenant, ada))
        await KeyDestroyer(database.appends, database.keyring).destroy(tenant, uuid4())
        snapshots = PostgresSnapshots(database.service, database.appends, database.keyring)
        await snapshots.load(tenant, ada, "fold")
        snapshots.keep(tenant, ada, "fold", Snapshot(2, 2, b"state"))
        await snapshots.flush()
        with psycopg.connect(database.dsns[AUDITOR]) as connection:
            connection.execute("SELECT set_config('app.tenant', %s, true)", (str(tenant),))
            connection.execute("SELECT store.keep_checkpoints('{1}', '{2}', '{signed}')")
        with RapportDatastore(database.dsns[RECORDER], tenant) as datastore:
            RapportTrackingRecorder(datastore).insert_tracking(Tracking("app", 1))
            RapportSnapshotRecorder(datastore).insert_events([StoredEvent(ada, 1, "topic", b"state")])
    return made


@pytest.mark.parametrize("role", [SERVICE, PROJECTOR, RECORDER])
@pytest.mark.parametrize("setting", [None, ""])
@pytest.mark.usefixtures("tenants")
def test_without_a_tenant_there_is_no_row(
    database: Database, admin: Connection, role: str, setting: str | None
) -> None:
    with psycopg.connect(database.dsns[role]) as connection:
        if setting is not None:
            connection.execute("SELECT set_config('app.tenant', %s, true)", (setting,))
        for table in names(admin):
            if may(admin, role, table, "SELECT"):
                assert count(connection, table) == 0, table
                assert count(admin, table) > 0, table


@pytest.mark.parametrize("role", [SERVICE, PROJECTOR, RECORDER])
def test_with_a_tenant_there_is_no_other_tenants_row(
    database: Database, admin: Connection, tenants: tuple[UUID, UUID], role: str
) -> None:
    mine, _ = tenants
    with psycopg.connect(database.dsns[role]) as connection:
        connection.execute("SELECT set_config('app.tenant', %s, true)", (str(mine),))
        for table in names(admin):
            if may(admin, role, table, "SELECT"):
                assert count(connection, table, other_than=mine) == 0, table
                assert count(connection, table) > 0, table


def test_the_projector_cannot_write_rows_of_another_tenant(database: Database, tenants: tuple[UUID, UUID]) -> None:
    mine, other = tenants
    with psycopg.connect(database.dsns[PROJECTOR]) as connection:
        connection.execute("SELECT set_config('app.tenant', %s, false)", (str(mine),))
        connection.commit()
        assert connection.execute("DELETE FROM read.contact_v1 WHERE tenant_id = %s", (other,)).rowcount == 0
        update = "UPDATE read.checkpoint SET position = 0 WHERE tenant_id = %s"
        assert connection.execute(update, (other,)).rowcount == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO read.checkpoint VALUES (%s, 'x', 1)", (other,))
        connection.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE read.contact_v1 SET tenant_id = %s", (other,))


def test_definer_functions_show_the_transactions_tenant_only(
    database: Database, admin: Connection, tenants: tuple[UUID, UUID]
) -> None:
    mine, other = tenants
    words = "SELECT * FROM read.contact_words_like_v1('{ada,grace,lovelace,hopper}', %s, 100)"
    near = admin.execute("SELECT array_agg(n) FROM read.contact_vocabulary_v1, unnest(near) n").fetchone()
    everyone = admin.execute("SELECT array_agg(DISTINCT w) FROM read.contact_words_v1, unnest(words) w").fetchone()
    assert everyone is not None
    search = "SELECT contact_id FROM read.search_contacts_v1(%s, %s, %s::real[], %s, false, 0, 1000, 1000, 1)"
    size = len(everyone[0])
    arguments = (everyone[0], [1] * size, [1.0] * size, [1] * size)
    own = {row[0] for row in admin.execute("SELECT id FROM read.contact_v1 WHERE tenant_id = %s", (mine,)).fetchall()}
    with psycopg.connect(database.dsns[SERVICE]) as connection:
        assert connection.execute(words, near).fetchall() == []
        assert connection.execute(search, arguments).fetchall() == []
        connection.execute("SELECT set_config('app.tenant', %s, true)", (str(mine),))
        assert {row[0] for row in connection.execute(words, near).fetchall()} == {"ada", "lovelace", "engineer"}
        assert {row[0] for row in connection.execute(search, arguments).fetchall()} == own
        # Who owns an e-mail is for login; of what tenants claim for themselves nothing is told.
        digest = claim_hmac(SECRET, other, "contact.external_id/crm", "1")
        owner = "SELECT * FROM store.owner_of_claim(%s, %s, %s)"
        assert connection.execute(owner, (other, "contact.external_id/crm", digest)).fetchall() == []
        digest = claim_hmac(SECRET, mine, "contact.external_id/crm", "1")
        assert connection.execute(owner, (mine, "contact.external_id/crm", digest)).fetchall() == []
