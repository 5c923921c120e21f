"""R3.5, invariants 1 to 3: a worker may die at any moment; no row comes twice and none is lost."""

import time

import psycopg
import pytest

from tests.acceptance.importing import contacts, ended, uploaded
from tests.acceptance.installation import Installation, Tenant
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

ROWS, PORTION = 3_000, 500


def test_an_import_goes_on_where_a_killed_worker_was(installation: Installation, tenant: Tenant) -> None:
    # Everybody is in the portion before as well, whose contacts no read model has yet.
    people = [f"Person {n},k{n}@x.example\n" for n in range(ROWS)]
    twice = [line for start in range(0, ROWS, PORTION) for line in 2 * people[start : start + PORTION]]
    text = "name,email\n" + "".join(twice)
    made = uploaded(tenant, text, auto_start=True)
    path, kills, seen = f"/v1/imports/{made['id']}", 0, 0
    deadline = time.monotonic() + 2 * PATIENCE
    while (found := tenant.http.get(path).json())["status"] == "running" and time.monotonic() < deadline:
        if found["progress"]["done"] > seen and kills < 2:
            seen = found["progress"]["done"]
            installation.wait_for_role("worker", other_than=installation.kill_role("worker"))
            kills += 1
        time.sleep(0.02)
    assert kills >= 2
    found = ended(tenant, made["id"])
    assert (found["status"], found["counts"]["created"], found["counts"]["skipped"]) == ("completed", ROWS, ROWS)
    events = _topics(installation, tenant)
    assert events["contact.registered.v1"] == ROWS
    tenant.position = sum(events.values())
    assert set(contacts(tenant)) == {f"Person {n}" for n in range(ROWS)}


def _topics(installation: Installation, tenant: Tenant) -> dict[str, int]:
    """How many events of each topic the tenant's log has."""
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        query = "SELECT topic, count(*) FROM store.event WHERE tenant_id = %s GROUP BY topic"
        return dict(connection.execute(query, (tenant.id,)).fetchall())
