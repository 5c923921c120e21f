"""R3.2, N-R3, B7: OpenSearch joins behind the running API, and may go away."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.acceptance.installation import Installation
from tests.acceptance.test_up import rapport

pytestmark = [pytest.mark.servers, pytest.mark.opensearch, pytest.mark.timeout(180)]

MISSPELT = {"q": "lovelase"}


def test_search_moves_to_opensearch_falls_back_and_returns(tmp_path: Path) -> None:
    with Installation(tmp_path / "data", "--no-demo") as running:
        tenant = running.tenant()
        first = tenant.add({"name": "Ada Lovelace", "email": "ada@engines.example"})
        early = tenant.get("/v1/contacts/search", **MISSPELT)
        assert [hit["id"] for hit in early.json()["data"]] == [first["id"]], "while OpenSearch starts"

        joined = until(lambda: tenant.get("/v1/contacts/search", **MISSPELT), backend("opensearch"), seconds=90)
        assert [hit["id"] for hit in joined.json()["data"]] == [first["id"]]

        second = tenant.add({"name": "Augusta Ada Lovelace"})
        read_own = tenant.get("/v1/contacts/search", **MISSPELT)
        assert {hit["id"] for hit in read_own.json()["data"]} == {first["id"], second["id"]}

        os.kill(opensearch_pid(running), signal.SIGKILL)
        answers = [tenant.http.get("/v1/contacts/search", params=MISSPELT) for _ in range(10)]
        assert {answer.status_code for answer in answers} == {200}, "no client sees that OpenSearch is gone"
        assert answers[-1].headers["Search-Backend"] == "postgres"

        third = tenant.add({"name": "Byron Lovelace"})
        back = until(lambda: tenant.get("/v1/contacts/search", **MISSPELT), backend("opensearch"), seconds=90)
        assert {hit["id"] for hit in back.json()["data"]} == {first["id"], second["id"], third["id"]}

        rebuilt = rapport("projections", "rebuild", "search", "--json", RAPPORT_DATA=str(running.data))
        assert json.loads(rebuilt.stdout.splitlines()[-1])["events"] == 3, rebuilt.stderr
        anew = until(lambda: tenant.get("/v1/contacts/search", **MISSPELT), backend("opensearch"), seconds=60)
        assert {hit["id"] for hit in anew.json()["data"]} == {first["id"], second["id"], third["id"]}


def backend(name: str) -> Callable[[httpx.Response], bool]:
    return lambda answer: answer.status_code == 200 and answer.headers["Search-Backend"] == name


def until(
    ask: Callable[[], httpx.Response], right: Callable[[httpx.Response], bool], *, seconds: float
) -> httpx.Response:
    """Ask until the answer is right."""
    deadline = time.monotonic() + seconds
    while not right(answer := ask()):
        assert time.monotonic() < deadline, f"{answer.status_code} {dict(answer.headers)} {answer.text}"
        time.sleep(0.2)
    return answer


def opensearch_pid(running: Installation) -> int:
    found: list[Any] = [
        child
        for child in psutil.Process(running.process.pid).children(recursive=True)
        if any("OpenSearchRunner" in word for word in child.cmdline())
    ]
    return int(found[-1].pid)
