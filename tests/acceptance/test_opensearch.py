"""R3.2, N-R3, B7: OpenSearch joins behind the running API, and may go away."""

import json
import os
import signal
import time
from collections.abc import Callable

import httpx
import psutil
import pytest

from tests.acceptance.installation import Installation
from tests.acceptance.test_up import rapport
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.servers, pytest.mark.opensearch, pytest.mark.timeout(600)]

PATH = "/v1/contacts/search"
MISSPELT = {"q": "lovelase"}


def test_search_moves_to_opensearch_falls_back_and_returns(searching: Installation) -> None:
    tenant = searching.tenant()
    first = tenant.add({"name": "Ada Lovelace", "email": "ada@engines.example"})
    early = tenant.get(PATH, **MISSPELT)
    assert [hit["id"] for hit in early.json()["data"]] == [first["id"]], "while OpenSearch starts"

    joined = until(lambda: tenant.get(PATH, **MISSPELT), backend("opensearch"))
    assert [hit["id"] for hit in joined.json()["data"]] == [first["id"]]

    second = tenant.add({"name": "Augusta Ada Lovelace"})
    read_own = tenant.get(PATH, **MISSPELT)
    assert {hit["id"] for hit in read_own.json()["data"]} == {first["id"], second["id"]}

    second_of_all = {first["id"], second["id"]}
    stopped = opensearch_pid(searching)
    os.kill(stopped, signal.SIGSTOP)
    answers = [tenant.http.post(PATH, json={"q": "lovelase"}) for _ in range(8)]
    os.kill(stopped, signal.SIGCONT)
    assert {answer.status_code for answer in answers} == {200}, "no client sees that OpenSearch is slow"
    assert answers[-1].headers["Search-Backend"] == "postgres"
    assert [{hit["id"] for hit in answer.json()["data"]} for answer in answers] == [second_of_all] * 8
    until(lambda: tenant.get(PATH, **MISSPELT), backend("opensearch"))

    store = opensearch_url(searching)
    block(store)
    full = tenant.add({"name": "Full Lovelace"})
    while_full = tenant.get(PATH, **MISSPELT)
    assert {hit["id"] for hit in while_full.json()["data"]} == {*second_of_all, full["id"]}
    until(lambda: tenant.get(PATH, **MISSPELT), backend("postgres"))
    block(store, None)
    tenant.position = int(tenant.http.delete(f"/v1/contacts/{full['id']}").headers["Event-Position"])
    emptied = until(lambda: tenant.get(PATH, **MISSPELT), backend("opensearch"))
    assert {hit["id"] for hit in emptied.json()["data"]} == second_of_all

    os.kill(opensearch_pid(searching), signal.SIGKILL)
    answers = [tenant.http.get(PATH, params=MISSPELT) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {200}, "no client sees that OpenSearch is gone"
    assert answers[-1].headers["Search-Backend"] == "postgres"

    third = tenant.add({"name": "Byron Lovelace"})
    back = until(lambda: tenant.get(PATH, **MISSPELT), backend("opensearch"))
    assert {hit["id"] for hit in back.json()["data"]} == {first["id"], second["id"], third["id"]}

    rebuilt = rapport("projections", "rebuild", "search", "--json", RAPPORT_DATA=str(searching.data))
    assert json.loads(rebuilt.stdout.splitlines()[-1])["events"] >= 4, rebuilt.stderr  # one is deleted
    anew = until(lambda: tenant.get(PATH, **MISSPELT), backend("opensearch"))
    assert {hit["id"] for hit in anew.json()["data"]} == {first["id"], second["id"], third["id"]}


def backend(name: str) -> Callable[[httpx.Response], bool]:
    return lambda answer: answer.status_code == 200 and answer.headers["Search-Backend"] == name


def until(
    ask: Callable[[], httpx.Response], right: Callable[[httpx.Response], bool], *, seconds: float = 2 * PATIENCE
) -> httpx.Response:
    """Ask until the answer is right."""
    deadline = time.monotonic() + seconds
    while not right(answer := ask()):
        assert time.monotonic() < deadline, f"{answer.status_code} {dict(answer.headers)} {answer.text}"
        time.sleep(0.2)
    return answer


def opensearch(running: Installation) -> psutil.Process:
    return [
        child
        for child in psutil.Process(running.process.pid).children(recursive=True)
        if any("OpenSearchRunner" in word for word in child.cmdline())
    ][-1]


def opensearch_pid(running: Installation) -> int:
    return opensearch(running).pid


def opensearch_url(running: Installation) -> str:
    ports = [each.laddr.port for each in opensearch(running).net_connections("tcp") if each.status == "LISTEN"]
    return next(f"http://127.0.0.1:{port}" for port in sorted(ports) if 9200 <= port < 9300)


def block(store: str, how: str | None = "true") -> None:
    """As OpenSearch does itself when the disk is nearly full."""
    settings = {"index.blocks.read_only_allow_delete": how}
    answer = httpx.put(f"{store}/rapport-*/_settings", json=settings)
    assert answer.status_code == 200, answer.text
