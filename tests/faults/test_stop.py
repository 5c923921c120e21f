"""N-R1: `rapport up` ends when it is told to: soon, whole, and with an answer to whoever has asked."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import LiteralString

import httpx
import psutil
import psycopg
import pytest

from infra.keys.master import local_master
from infra.secret import secret_in
from tests.acceptance.installation import Installation, Tenant
from tests.acceptance.patient import patient
from tests.faults.check import check
from tests.infra.embedded.processes import all_gone
from tests.waiting import PATIENCE, wait

pytestmark = pytest.mark.servers

_WAITING: LiteralString = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"
OPTIONS = ("--no-demo", "--search", "postgres")


def test_told_to_stop_it_answers_what_is_under_way_leaves_nothing_running_and_has_it_all_the_next_time(
    tmp_path: Path,
) -> None:
    with Installation(tmp_path / "data", *OPTIONS) as before:
        tenant = before.tenant()
        stopped_while_three_are_written(before, tenant, signal.SIGTERM)
    with Installation(tmp_path / "data", *OPTIONS) as after:
        tenant.http = patient(str(after.ready["url"]), headers=tenant.http.headers)
        after.clients.append(tenant.http)
        kept = tenant.get("/v1/contacts", sort="name").json()["data"]
        assert [contact["name"]["display"] for contact in kept] == ["Ada 0", "Ada 1", "Ada 2"]
        report = check(str(after.ready["postgres_admin"]), local_master(secret_in(after.data)))
        assert report.problems == []
        assert report.contacts == 3
        stopped_while_three_are_written(after, tenant, signal.SIGINT)


def appends_that_wait(installation: Installation) -> int:
    """For their turn in the API process, which is not that of the one that Postgres keeps waiting."""
    figures = httpx.get(f"{installation.ready['url']}/metrics").text
    return next(int(float(line.split()[1])) for line in figures.splitlines() if line.startswith("rapport_append_wait"))


def stopped_while_three_are_written(installation: Installation, tenant: Tenant, how: signal.Signals) -> None:
    position = int(tenant.position)
    tree = psutil.Process(installation.process.pid).children(recursive=True)
    with ThreadPoolExecutor(3) as clients:
        with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
            # Somebody else is in the middle of a write: these requests wait for it, and the stop finds them waiting.
            connection.execute("SELECT FROM store.tenant_head WHERE tenant_id = %s FOR UPDATE", (tenant.id,))
            sent = []
            for number in range(3):
                sent.append(clients.submit(tenant.http.post, "/v1/contacts", json={"name": f"Ada {number}"}))
                wait(lambda: connection.execute(_WAITING).fetchone() == (True,))
                wait(lambda number=number: appends_that_wait(installation) == number)  # type: ignore[misc]
            started = time.monotonic()
            installation.process.send_signal(how)
            time.sleep(0.5)
            assert not any(each.done() for each in sent)
            connection.rollback()
            answers = [each.result(timeout=PATIENCE) for each in sent]
        code = installation.process.wait(PATIENCE)
        took = time.monotonic() - started
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    positions = sorted(int(answer.headers["Event-Position"]) for answer in answers)
    assert positions == [position + n for n in (1, 2, 3)]
    tenant.position = positions[-1]
    assert code == 0
    assert took < PATIENCE / 2
    assert len(tree) > 6
    assert all_gone([process.pid for process in tree])
