"""OpenSearch for real. Needs the jars in the cache, or the network."""

import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from infra.embedded.client import Embedded, EmbeddedError, ServerEvent, start
from tests.infra.embedded.processes import all_gone, wait_until
from tests.infra.embedded.test_start import listening_on, port_of
from tests.waiting import PATIENCE

LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}


def ask(url: str, path: str, method: str = "GET", body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def start_opensearch(data: Path, events: list[ServerEvent]) -> tuple[Embedded, str]:
    embedded = start(data, ["opensearch"], on_event=events.append)
    return embedded, embedded.wait("opensearch", PATIENCE)


@pytest.mark.opensearch
def test_an_index_works_survives_restart_and_kill_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENSEARCH_JAVA_OPTS", "-XX:TieredStopAtLevel=1 '-Drapport.told=in two words'")
    events: list[ServerEvent] = []
    embedded, url = start_opensearch(tmp_path / "data", events)
    with embedded:
        ask(url, "/people", "PUT", {})
        ask(url, "/people/_doc/1?refresh=true", "PUT", {"name": "Müller ภาษาไทย"})
        assert ask(url, "/people/_search?q=muller~")["hits"]["total"]["value"] == 1
        (index,) = ask(url, "/_cat/indices?format=json")
        assert (index["health"], index["rep"]) == ("green", "0")
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            ask(url, "/other/_doc/1", "PUT", {"name": "x"})  # no index by a slip of the pen
        refused.value.close()
        settings = ask(url, "/_cluster/settings?include_defaults=true&flat_settings=true")["defaults"]
        assert settings["cluster.routing.allocation.disk.threshold_enabled"] == "false"
        assert listening_on(port_of(url)) <= LOOPBACK
        (node,) = ask(url, "/_nodes/_local/jvm")["nodes"].values()
        assert "-Drapport.told=in two words" in node["jvm"]["input_arguments"]
        os.kill(embedded.pids()["opensearch"], signal.SIGKILL)
        assert wait_until(lambda: [e.kind for e in events].count("ready") == 2)
        # It answers before it has its indexes again.
        assert ask(url, "/_cluster/health/people?wait_for_status=green&timeout=60s")["status"] == "green"
        assert ask(url, "/people/_count")["count"] == 1
        os.kill(embedded.supervisor_pid, signal.SIGKILL)
        assert all_gone(embedded.pids().values())


@pytest.mark.opensearch
def test_an_opensearch_that_cannot_be_fetched_fails_alone_and_names_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with start(tmp_path / "data", ["valkey", "opensearch"], cache=tmp_path / "cache") as embedded:
        with pytest.raises(EmbeddedError, match="Connect to the network") as caught:
            embedded.wait("opensearch", 60)
        assert caught.value.code == "embedded.fetch_failed"
        assert embedded.wait("valkey", 1)


@pytest.mark.opensearch
def test_a_port_that_opensearch_does_not_accept_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError) as caught:
        start(tmp_path / "data", ["opensearch"], ports={"opensearch": 9300}, wait_for=["opensearch"])
    assert caught.value.code == "embedded.port_not_allowed"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedError, match="in use"):
            start(tmp_path / "data", ["opensearch"], ports={"opensearch": port}, wait_for=["opensearch"])


@pytest.mark.opensearch
def test_it_leaves_the_others_a_head_start(tmp_path: Path) -> None:
    moments: dict[tuple[str, str | None], float] = {}

    def note(event: ServerEvent) -> None:
        moments.setdefault((event.kind, event.server), time.monotonic())

    with start(tmp_path / "data", ["opensearch", "nats"], on_event=note, head_start=0.5):
        assert wait_until(lambda: ("starting", "opensearch") in moments)
    assert moments["starting", "opensearch"] - moments["ready", "nats"] >= 0.5
    with start(tmp_path / "data", ["opensearch", "nats"], head_start=60) as embedded:
        assert list(embedded.pids()) == ["nats"]
