"""R6.2, R6.5, N-S2, invariants 4 and 7: what the database itself keeps apart, whatever the code asks for."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from domain.company import CompanyRegistered
from domain.tenant import PLATFORM
from domain.user import UserRegistered
from infra.event_store.codec import claim_hmac
from infra.event_store.store import PostgresEventStore
from infra.postgres import APPEND, LOGIN_ROLES, OWNER, PROJECTOR, RELAY, SERVICE
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import append, claim, key, one, stream
from tests.projections.reading import catch_up

pytestmark = pytest.mark.servers

Connection = psycopg.Connection[tuple[Any, ...]]

TABLES = """
SELECT n.nspname, c.relname, c.relrowsecurity, c.relispartition, pg_get_userbyid(c.relowner),
       EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('store', 'read') AND c.relkind IN ('r', 'p')
"""
UNIQUE_KEYS = """
SELECT i.indexrelid::regclass::text, a.attname
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
 WHERE n.nspname IN ('store', 'read') AND (i.indisunique OR i.indisexclusion)
"""
DEFINERS = """
SELECT p.oid::regprocedure::text, has_function_privilege(%s, p.oid, 'EXECUTE')
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname IN ('store', 'read', 'ops') AND p.prosecdef
"""
ALLOWED = {
    SERVICE: {"store.owner_of_claim", "read.contact_words_like_v1", "read.search_contacts_v1"},
    APPEND: {"store.append"},
    RELAY: {"store.relay_read", "store.relay_behind", "store.purge_expired_commands"},
    PROJECTOR: {"store.tenants", "read.behind"},
}


@pytest.fixture
def admin(database: Database) -> Iterator[Connection]:
    with psycopg.connect(database.admin_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
async def tenants(database: Database) -> tuple[UUID, UUID]:
    """Two tenants with rows in every table that there is."""
    store, made = PostgresEventStore(database.appends, database.service, SECRET), (uuid4(), uuid4())
    for tenant in made:
        for number in range(3):
            ada = uuid4()
            email = claim(PLATFORM, f"{ada}@x.example", ada, "user.email")
            claims = [claim(tenant, str(number), ada), email]
            await store.append(append(tenant, stream(ada, count=2), claims=claims, key=key(f"k{number}")))
        user = UserRegistered(name="Grace", email="g@x.example", password_hash="-", roles=("admin",))
        await store.append(one(tenant, user))
        await store.append(one(tenant, CompanyRegistered(name="Engines")))
        await catch_up(database, tenant)
    return made


def tables(admin: Connection) -> list[tuple[Any, ...]]:
    found = admin.execute(TABLES).fetchall()
    assert len(found) > 20
    return found


def names(admin: Connection) -> list[tuple[str, str]]:
    """The tables that are asked: a partition is reached through its table."""
    return [(schema, name) for schema, name, _, is_partition, *_ in tables(admin) if not is_partition]


def count(connection: Connection, table: tuple[str, str], *, other_than: UUID | None = None) -> int:
    query = sql.SQL("SELECT count(*) FROM {} WHERE tenant_id IS DISTINCT FROM %s").format(sql.Identifier(*table))
    found = connection.execute(query, (other_than,)).fetchone()
    assert found is not None
    return int(found[0])


def may(admin: Connection, role: str, table: tuple[str, str], right: str) -> bool:
    row = admin.execute("SELECT has_table_privilege(%s, %s, %s)", (role, ".".join(table), right)).fetchone()
    assert row is not None
    return bool(row[0])


def test_every_unique_key_starts_with_the_tenant(admin: Connection) -> None:
    """Invariant 7: so the schema distributes by tenant, and no tenant learns of another's values from a conflict."""
    keys = admin.execute(UNIQUE_KEYS).fetchall()
    assert len(keys) > 20
    assert {name: column for name, column in keys if column != "tenant_id"} == {}


def test_every_table_has_row_level_security_and_a_policy(admin: Connection) -> None:
    for schema, name, secured, is_partition, _, has_policy in tables(admin):
        if not is_partition:
            assert (secured, has_policy) == (True, True), f"{schema}.{name}"


def test_a_policy_lets_through_the_transactions_tenant_only(admin: Connection) -> None:
    policies = admin.execute(
        "SELECT DISTINCT qual, with_check, permissive FROM pg_policies WHERE schemaname IN ('store', 'read')"
    ).fetchall()
    assert policies == [("(tenant_id = store.current_tenant())", None, "PERMISSIVE")]


def test_partitions_cannot_be_reached_past_their_table(admin: Connection) -> None:
    partitions = [(schema, name) for schema, name, _, is_partition, *_ in tables(admin) if is_partition]
    assert len(partitions) == 16
    for table in partitions:
        for role in LOGIN_ROLES:
            assert not may(admin, role, table, "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER")


@pytest.mark.parametrize("role", LOGIN_ROLES)
def test_a_login_role_has_no_power_of_its_own(admin: Connection, role: str) -> None:
    """N-S2."""
    flags = admin.execute(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles WHERE rolname = %s",
        (role,),
    ).fetchone()
    assert flags == (False,) * 5
    owned = "SELECT classid::regclass, objid FROM pg_shdepend WHERE deptype = 'o' AND refobjid = %s::regrole"
    assert admin.execute(owned, (role,)).fetchall() == []
    member_of = "SELECT roleid::regrole FROM pg_auth_members WHERE member = %s::regrole"
    assert admin.execute(member_of, (role,)).fetchall() == []
    schemas = "SELECT nspname FROM pg_namespace WHERE has_schema_privilege(%s, oid, 'CREATE') AND nspname !~ '^pg_'"
    assert admin.execute(schemas, (role,)).fetchall() == []


def test_the_owner_of_everything_cannot_log_in(admin: Connection) -> None:
    assert {owner for *_, owner, _ in tables(admin)} == {OWNER}
    assert admin.execute(
        "SELECT rolcanlogin, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = %s", (OWNER,)
    ).fetchone() == (False, False, False)


@pytest.mark.parametrize("role", LOGIN_ROLES)
def test_no_role_of_the_services_writes_to_the_log(admin: Connection, role: str) -> None:
    for table in names(admin):
        if table[0] == "store":
            assert not may(admin, role, table, "INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER"), table


@pytest.mark.parametrize("role", [SERVICE, APPEND, RELAY])
def test_only_the_projector_writes_read_models(admin: Connection, role: str) -> None:
    for table in names(admin):
        assert not may(admin, role, table, "INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER"), table


@pytest.mark.parametrize("role", [APPEND, RELAY])
def test_who_appends_and_who_relays_reads_no_table(admin: Connection, role: str) -> None:
    for table in names(admin):
        assert not may(admin, role, table, "SELECT"), table


@pytest.mark.parametrize("role", LOGIN_ROLES)
def test_a_role_executes_only_what_is_its_own(admin: Connection, role: str) -> None:
    granted = {name.partition("(")[0] for name, may_call in admin.execute(DEFINERS, (role,)).fetchall() if may_call}
    assert granted == ALLOWED[role]


def test_every_definer_function_pins_its_search_path(admin: Connection) -> None:
    loose = admin.execute(
        """SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname IN ('store', 'read', 'ops') AND p.prosecdef
              AND NOT coalesce(p.proconfig, '{}') @> '{"search_path=pg_catalog, pg_temp"}'"""
    ).fetchall()
    assert loose == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM store.append('{}'::jsonb)",
        "SELECT * FROM store.relay_read('{}', '{}', 1)",
        "SELECT * FROM store.relay_behind(1)",
        "SELECT * FROM read.behind('{}', 1)",
        "SELECT * FROM store.tenants()",
        "SELECT store.purge_expired_commands(1)",
        "DELETE FROM store.event",
        "UPDATE store.tenant_head SET position = 0",
        "INSERT INTO store.claim SELECT gen_random_uuid(), 'a', '', gen_random_uuid(), gen_random_uuid()",
        "SELECT * FROM store.event_0",
        "SELECT * FROM ops.lease",
        "SET ROLE rapport_owner",
        "SET row_security = off; SELECT * FROM store.event",
    ],
)
def test_the_service_is_refused(database: Database, query: str) -> None:
    with psycopg.connect(database.dsns[SERVICE]) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(query)


@pytest.mark.parametrize("role", [SERVICE, PROJECTOR])
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


@pytest.mark.parametrize("role", [SERVICE, PROJECTOR])
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
    words = "SELECT * FROM read.contact_words_like_v1('{ada,lovelace}', '{}', 100)"
    everyone = admin.execute("SELECT array_agg(DISTINCT w) FROM read.contact_words_v1, unnest(words) w").fetchone()
    assert everyone is not None
    search = "SELECT contact_id FROM read.search_contacts_v1(%s, %s, %s::real[], %s, false, 0, 1000, 1000)"
    size = len(everyone[0])
    arguments = (everyone[0], [1] * size, [1.0] * size, [1] * size)
    own = {row[0] for row in admin.execute("SELECT id FROM read.contact_v1 WHERE tenant_id = %s", (mine,)).fetchall()}
    with psycopg.connect(database.dsns[SERVICE]) as connection:
        assert connection.execute(words).fetchall() == []
        assert connection.execute(search, arguments).fetchall() == []
        connection.execute("SELECT set_config('app.tenant', %s, true)", (str(mine),))
        assert {row[0] for row in connection.execute(words).fetchall()} == {"ada", "lovelace"}
        assert {row[0] for row in connection.execute(search, arguments).fetchall()} == own
        # Who owns an e-mail is for login; of what tenants claim for themselves nothing is told.
        digest = claim_hmac(SECRET, other, "contact.external_id/crm", "1")
        owner = "SELECT * FROM store.owner_of_claim(%s, %s, %s)"
        assert connection.execute(owner, (other, "contact.external_id/crm", digest)).fetchall() == []
        digest = claim_hmac(SECRET, mine, "contact.external_id/crm", "1")
        assert connection.execute(owner, (mine, "contact.external_id/crm", digest)).fetchall() == []
