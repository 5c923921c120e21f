"""Fault 15: maintenance of one tenant beside another tenant, of which nothing may change and nothing may show."""

import time
from collections.abc import Iterator
from uuid import UUID

import psycopg
from psycopg import sql

from projections.registry import POSTGRES
from tests.faults.checks import walls
from tests.faults.trial import Trial

_ROWS = "SELECT t::text FROM {} t WHERE tenant_id = %s ORDER BY 1"
_FORGET = "DELETE FROM store.erased_subject WHERE tenant_id = %s AND subject = %s"
_SAVED_SECONDS = 2.5


def probed(trial: Trial) -> None:
    """Every operation of maintenance that there is, on one tenant, also with ids of the other one: the other's rows are
    the same afterwards, byte for byte, and nothing of it is in what was said."""
    tenant, other = trial.load.tenants[:2]
    mine, theirs = UUID(tenant.id), UUID(other.id)
    trial.load.until_acked(60)
    with trial.client(0) as client, trial.client(1) as another:
        own, strange = client.write("add"), another.write("add")
    assert own
    assert strange
    with trial.load.quiet(other):
        trial.read_models_reach_heads([theirs])
        time.sleep(_SAVED_SECONDS)  # the relay saves its checkpoints once a second
        before = _rows(trial, theirs)
        assert sum(map(len, before.values())) > 50
        with psycopg.connect(trial.site.dsn) as connection:
            for person in (own, strange):
                connection.execute("SELECT store.destroy_keys(%s, %s)", (mine, person))
            # Its own tenant has noted as erased who was never there.
            assert connection.execute(_FORGET, (mine, strange)).rowcount == 1
        said = [_said(trial, *words) for words in _operations(mine, own, strange)]
        trial.did("probed", f"{len(said)} operations")
        after = _rows(trial, theirs)
        for table, rows in before.items():
            assert after[table] == rows, table
    marks = {mark for mark, command in trial.history().commands.items() if command.tenant == theirs}
    for text in said:
        shown = [each for each in (str(theirs), *marks) if each in text]
        assert shown == [], text[:2000]
    trial.load.until_acked(20)


def _operations(tenant: UUID, own: UUID, strange: UUID) -> Iterator[tuple[str, ...]]:
    of_tenant = ("--tenant", str(tenant))
    yield ("events", "tail", str(tenant))
    yield ("tenant", "show", str(tenant))
    yield ("events", "verify", *of_tenant)
    yield ("events", "checkpoint", *of_tenant)
    yield ("events", "proof", str(tenant), "1")
    yield ("projections", "verify", *of_tenant)
    for projection in POSTGRES:
        yield ("projections", "rebuild", projection.name, *of_tenant)
    of_strange = (*of_tenant, "--stream", str(strange))
    for name in ("contact", "contact_past"):
        yield ("projections", "rebuild", name, *of_strange)
        yield ("projections", "rebuild", name, *of_tenant, "--stream", str(own))
    yield ("projections", "retry", "contact", *of_strange)
    yield ("projections", "skip", "contact", *of_strange, "--why", "a probe")


def _said(trial: Trial, *words: str) -> str:
    """What a command says, whether it can be done or is refused."""
    process = trial.site.rapport(*words)
    said, _ = process.communicate(timeout=120)
    assert "Traceback" not in said, said
    return said


def _rows(trial: Trial, tenant: UUID) -> dict[str, list[str]]:
    """Every row of a tenant."""
    with psycopg.connect(trial.site.dsn) as connection:
        return {
            f"{schema}.{table}": [
                row[0] for row in connection.execute(sql.SQL(_ROWS).format(sql.Identifier(schema, table)), (tenant,))
            ]
            for schema, table in walls.tables(connection)
        }
