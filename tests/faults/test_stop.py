"""N-R1: `rapport up` ends when it is told to: soon, whole, and with an answer to whoever has asked."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from infra.keys.master import local_master
from infra.secret import secret_in
from tests.acceptance.installation import Installation
from tests.faults.check import check
from tests.infra.embedded.processes import all_gone
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

OPTIONS = ("--no-demo", "--search", "postgres")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_requests_under_way_and_leaves_nothing_running(tmp_path: Path, how: signal.Signals) -> None:
    with Installation(tmp_path / "data", *OPTIONS) as installation, ThreadPoolExecutor(3) as clients:
        tenant = installation.tenant()
        position = int(tenant.position)
        tree = psutil.Process(installation.process.pid).children(recursive=True)
        with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
            # Somebody else is in the middle of a write: these requests wait for it, and the stop finds them waiting.
            connection.execute("SELECT FROM store.tenant_head WHERE tenant_id = %s FOR UPDATE", (tenant.id,))
            sent = [clients.submit(tenant.http.post, "/v1/contacts", json={"name": f"Ada {n}"}) for n in range(3)]
            time.sleep(0.3)
            started = time.monotonic()
            installation.process.send_signal(how)
            time.sleep(0.5)
            assert not any(each.done() for each in sent)
            connection.rollback()
            answers = [each.result(timeout=PATIENCE) for each in sent]
        code = installation.process.wait(PATIENCE)
        took = time.monotonic() - started
        assert [answer.status_code for answer in answers] == [201, 201, 201]
        assert sorted(int(answer.headers["Event-Position"]) for answer in answers) == [position + n for n in (1, 2, 3)]
        assert code == 0
        assert took < PATIENCE / 2
        assert len(tree) > 6
        assert all_gone([process.pid for process in tree])


def test_what_was_written_is_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    with Installation(tmp_path / "data", *OPTIONS) as before:
        tenant = before.tenant()
        made = tenant.add({"name": "Ada Lovelace"})
        position, token = tenant.position, tenant.token
        assert before.stop() == 0
    with Installation(tmp_path / "data", *OPTIONS) as after:
        headers = {"Read-After": str(position), "Authorization": f"Bearer {token}"}
        answer = httpx.get(f"{after.ready['url']}/v1/contacts/{made['id']}", headers=headers)
        assert (answer.status_code, answer.json()["name"]) == (200, made["name"])
        report = check(str(after.ready["postgres_admin"]), local_master(secret_in(after.data)))
    assert report.problems == []
    assert report.contacts == 1
