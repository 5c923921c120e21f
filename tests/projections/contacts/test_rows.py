"""Contacts are read by their ids, a batch at a time, by way of keys: also by a plan from before there were any."""

from uuid import uuid4

import psycopg
import pytest

from infra.postgres import PROJECTOR, READ_PATH
from projections.contacts import address, rows, words
from projections.duplicates import people
from tests.conftest import Database

pytestmark = pytest.mark.servers

STATEMENTS = {"address": address._SAVE, "rows": rows._ROWS, "words": words._ROWS, "duplicates": people._BY_ID}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_turn_of_an_import_reads_its_own_contacts_and_their_companies_alone(database: Database, name: str) -> None:
    tenant, statement = uuid4(), STATEMENTS[name] % ("$1", "$2")
    with psycopg.connect(database.dsns[PROJECTOR], options=f"-c search_path={READ_PATH}") as connection:
        connection.execute("SELECT set_config('app.tenant', %s, true)", (str(tenant),))
        connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        connection.execute("SET LOCAL enable_seqscan = off")  # small tables of other tests may be read whole
        connection.execute(f"PREPARE turn (uuid, uuid[]) AS {statement}".encode())
        explained = connection.execute(f"EXPLAIN EXECUTE turn ('{tenant}', '{{}}')".encode()).fetchall()
    plan = "\n".join(line for (line,) in explained)
    assert "Index Cond: ((tenant_id = $1) AND (id = ANY ($2)))" in plan, plan
    assert "_idx" not in plan, plan
    assert "Join Filter" not in plan, plan
