"""N-R5: what Prometheus is told."""

from uuid import uuid4

import pytest

from infra.event_store.store import PostgresEventStore
from infra.metrics import Metrics
from infra.postgres import MONITOR, PROJECTOR, open_pool
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import one

pytestmark = pytest.mark.servers


class Seen:
    """What a process has recorded of violations."""

    recorded = 2
    dropped = 5


async def test_only_those_that_lag_most_have_figures_of_their_own_and_the_sums_are_of_all(database: Database) -> None:
    store = PostgresEventStore(database.appends, database.service, SECRET)
    for _ in range(3):
        await store.append(one(uuid4()))
    name = f"made_up_{uuid4().hex[:6]}_v1"  # nobody has applied it, so every tenant lags
    async with database.pools[PROJECTOR].connection() as connection:
        cursor = await connection.execute("SELECT tenant_id, head FROM store.tenants()")
        heads = {str(tenant): head for tenant, head in await cursor.fetchall()}
    made = await Metrics(database.pools[MONITOR], [name], lambda: 7, Seen()).text()
    lines = [line for line in made.decode().splitlines() if not line.startswith("#")]
    shown = [line for line in lines if line.startswith("rapport_projection_tenant_behind_events")]
    assert len(shown) == min(100, sum(head > 0 for head in heads.values()))
    assert f'rapport_projection_behind_events{{projection="{name}"}} {float(sum(heads.values()))}' in lines
    assert "rapport_append_waiting 7.0" in lines
    assert any(line.startswith("rapport_relay_backlog_events ") for line in lines)


async def test_while_postgres_is_away_there_is_what_the_process_knows() -> None:
    pool = await open_pool("postgresql://nobody:x@127.0.0.1:1/none", name="away", size=1, patient=False)
    try:
        made = (await Metrics(pool, ["contact_v1"], lambda: 3, Seen()).text()).decode()
    finally:
        await pool.close()
    assert "rapport_postgres_up 0.0" in made
    assert "rapport_append_waiting 3.0" in made
    assert "rapport_security_violations_total 2.0" in made
    assert "rapport_security_violations_unseen_total 5.0" in made
    assert "rapport_projection" not in made
