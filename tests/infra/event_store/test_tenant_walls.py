"""R6.2, R6.5, invariant 4: one tenant's rows are all that a transaction of it sees, whatever it asks for."""

from uuid import UUID

import psycopg
import pytest

from infra.event_store.codec import claim_hmac
from infra.postgres import AUDITOR, PROJECTOR, RECORDER, SERVICE
from tests.conftest import SECRET, Database
from tests.infra.event_store.catalogue import Connection, count, may, names

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("role", [SERVICE, PROJECTOR, RECORDER, AUDITOR])
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


@pytest.mark.parametrize("role", [SERVICE, PROJECTOR, RECORDER, AUDITOR])
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
    there = "SELECT id FROM read.contact_v1 WHERE tenant_id = %s AND deleted_at IS NULL"
    own = {row[0] for row in admin.execute(there, (mine,)).fetchall()}
    with psycopg.connect(database.dsns[SERVICE]) as connection:
        assert connection.execute(words, near).fetchall() == []
        assert connection.execute(search, arguments).fetchall() == []
        connection.execute("SELECT set_config('app.tenant', %s, true)", (str(mine),))
        assert {row[0] for row in connection.execute(words, near).fetchall()} == {
            "ada",
            "lovelace",
            "engineer",
            "example",
        }
        assert {row[0] for row in connection.execute(search, arguments).fetchall()} == own
        # Who owns an e-mail is for login; of what tenants claim for themselves nothing is told.
        digest = claim_hmac(SECRET, other, "contact.external_id/crm", "1")
        owner = "SELECT * FROM store.owner_of_claim(%s, %s, %s)"
        assert connection.execute(owner, (other, "contact.external_id/crm", digest)).fetchall() == []
        digest = claim_hmac(SECRET, mine, "contact.external_id/crm", "1")
        assert connection.execute(owner, (mine, "contact.external_id/crm", digest)).fetchall() == []


def test_no_table_elsewhere_tells_the_query_role_of_tenants(admin: Connection) -> None:
    """Row level security is on every table of the schemas store and read; nothing of tenants may stand beside them."""
    found = admin.execute(
        """SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname NOT IN ('store', 'read', 'pg_catalog', 'information_schema')
              AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_table_privilege(%s, c.oid, 'SELECT')""",
        (SERVICE,),
    ).fetchall()
    assert {name for (name,) in found} == {"ops.active_projection", "ops.installation", "ops.signing_key"}
