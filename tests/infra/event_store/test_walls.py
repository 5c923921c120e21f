"""N-S2, invariant 7: what the schema says about keys, policies, owners and rights."""

import psycopg
import pytest

from infra.postgres import APPEND, AUDITOR, LOGIN_ROLES, MONITOR, OWNER, PROJECTOR, RECORDER, RELAY, SERVICE
from tests.conftest import Database
from tests.infra.event_store.catalogue import Connection, may, names, tables

pytestmark = pytest.mark.servers

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
    SERVICE: {
        *("store.owner_of_claim", "read.contact_words_like_v1", "read.search_contacts_v1"),
        "read.timeline_page_v1",
        "read.select_contacts_v1",
        *("read.companies_like_v1", "read.contacts_by_email_v1"),
        *("read.pipeline_v1", "read.pipeline_entries_v1", "read.pipeline_repeats_v1", "read.pipeline_trend_v1"),
        *("store.start_session", "store.refresh_session", "store.end_session"),
        *("store.keep_import_key", "store.keep_import_part", "store.drop_import"),
        *("store.queue_import", "store.note_active", "store.keep_mails", "store.stream_events"),
        *("store.attempt_sign_in", "store.signed_in", "store.used_api_key", "store.take_totp_step"),
    },
    APPEND: {
        *(
            "store.append",
            "store.append_columns",
            "store.append_one",
            "store.destroy_keys",
            "store.keep_snapshots",
            "store.look",
        ),
        *("store.owners_of", "store.take_import", "store.hold_import", "store.leave_import", "store.sweep_imports"),
        *("store.take_sweeps", "store.leave_sweep", "store.fail_sweep", "store.sweep_clock"),
        *("store.take_mails", "store.leave_mail", "store.notification_news_v1"),
    },
    RELAY: {"store.relay_read", "store.relay_behind", "store.purge_expired_commands", "store.purge_attempts"},
    PROJECTOR: {
        *(
            "store.tenants",
            "read.behind",
            "read.parked_streams",
            "read.lag",
            "read.rebuild_begin",
            "read.rebuild_forget",
        ),
        *("read.rebuild_indexes", "read.rebuild_index", "read.rebuild_fence", "read.rebuild_gaps"),
        "read.rebuild_analyze",
        *("read.rebuild_swap", "read.rebuild_sweep", "read.matching_due_v1", "read.auto_merging_v1"),
        "read.lead_scoring_due_v1",
    },
    MONITOR: {"read.lag", "store.relay_backlog", "store.sweeps_failing"},
    RECORDER: {"store.record", "store.track", "store.record_snapshots"},
    AUDITOR: {"store.tenants", "store.logs", "store.keep_checkpoints", "ops.begin_incarnation"},
}


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


@pytest.mark.parametrize("role", [SERVICE, APPEND, RELAY, RECORDER, AUDITOR, MONITOR])
def test_only_the_projector_writes_read_models(admin: Connection, role: str) -> None:
    for table in names(admin):
        assert not may(admin, role, table, "INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER"), table


@pytest.mark.parametrize("role", [APPEND, RELAY, MONITOR])
def test_who_appends_who_relays_and_who_watches_reads_no_table(admin: Connection, role: str) -> None:
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
        "SELECT * FROM store.append_columns('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', false)",
        "SELECT store.destroy_keys(gen_random_uuid(), gen_random_uuid())",
        "SELECT * FROM store.relay_read('{}', '{}', 1)",
        "SELECT * FROM store.relay_behind(1)",
        "SELECT * FROM read.behind('{}', 1)",
        "SELECT * FROM store.tenants()",
        "SELECT * FROM store.owners_of('{}', '{}')",
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
