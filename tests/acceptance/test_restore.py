"""A database that was restored behind what the world outside has seen: fault 5, Invariant 3, B4."""

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import nats
import psycopg
import pytest

from infra.embedded.client import start
from infra.integrity.keys import SigningKey
from infra.integrity.records import Restored, from_lines, is_signed_by
from infra.secret import secret_in
from tests.acceptance.installation import Installation, Tenant
from tests.acceptance.patient import patient
from tests.infra.integrity.audited import cut_off

pytestmark = [pytest.mark.servers, pytest.mark.opensearch, pytest.mark.timeout(600)]


def test_positions_that_are_used_anew_reach_everything(searching: Installation) -> None:
    data, outside = searching.data, searching.data.parent / "outside"
    tenant = searching.tenant()
    ada = tenant.add({"name": "Ada Lovelace"})
    kept = tenant.position
    tenant.add({"name": "Grace Hopper"})
    lost = tenant.position
    wait_until(lambda: found_by_opensearch(tenant, "grace") == ["Grace Hopper"])
    wait_until(lambda: signed_to(outside, tenant.id) == lost)
    before = incarnation(searching)
    assert searching.stop() == 0

    with start(data, ["postgres"]) as servers, psycopg.connect(servers.endpoints.postgres_admin or "") as admin:
        cut_off(admin, UUID(tenant.id), kept)

    searching.start()
    tenant.http = patient(str(searching.ready["url"]), headers=tenant.http.headers)
    searching.clients.append(tenant.http)
    now = incarnation(searching)
    assert now != before
    tenant.position = kept
    assert names(tenant) == ["Ada Lovelace"], "the read model forgets what the log has lost"

    tenant.add({"name": "Hedy Lamarr"})
    assert tenant.position == lost, "the position is used anew"
    assert names(tenant) == ["Ada Lovelace", "Hedy Lamarr"]
    tenant.http.patch(f"/v1/contacts/{ada['id']}", json={"title": "Countess"}).raise_for_status()
    wait_until(lambda: found_by_opensearch(tenant, "hedy") == ["Hedy Lamarr"])
    assert found_by_opensearch(tenant, "grace") == []

    carried = messages(str(searching.ready["nats"]))
    assert carried.keys() == {f"EVT-{now.hex[:12]}-{partition}" for partition in range(4)}
    assert sum(carried.values()) >= 2
    url = json.loads((data / "secrets" / "running.json").read_text())["opensearch_url"]
    indexes = httpx.get(f"{url}/rapport-*").json()
    assert {name[:20] for name in indexes} == {f"rapport-{now.hex[:12]}"}
    wait_until(lambda: signed_to(outside, tenant.id) == lost + 1)
    another_one_begins_beside_it(searching, tenant)

    key = SigningKey(secret_in(data)).public
    (restored,) = [record for record in records(outside) if isinstance(record, Restored)]
    assert (str(restored.tenant), restored.incarnation) == (tenant.id, now)
    assert (restored.position, restored.lost) == (kept, lost)
    assert is_signed_by(restored, key)
    assert (outside / "incarnation").read_text().split()[:4:2] == [str(before), str(now)]


def another_one_begins_beside_it(running: Installation, tenant: Tenant) -> None:
    """Processes that know the one before end, and start again on this one."""
    roles = {name: running.role_pid(name) for name in ("api", "relay", "projector")}
    with psycopg.connect(running.ready["postgres_admin"], autocommit=True) as admin:
        admin.execute("UPDATE ops.installation SET former = former || incarnation, incarnation = gen_random_uuid()")
    for name, pid in roles.items():
        running.wait_for_role(name, other_than=pid)
    wait_until(lambda: answers(tenant))
    tenant.add({"name": "Mary Somerville"})
    assert names(tenant) == ["Ada Lovelace", "Hedy Lamarr", "Mary Somerville"]
    wanted = incarnation(running).hex[:12]
    wait_until(lambda: {name[4:16] for name in messages(str(running.ready["nats"]))} == {wanted})


def answers(tenant: Tenant) -> bool:
    try:
        return tenant.http.get("/v1/contacts").is_success
    except httpx.TransportError:
        return False


def names(tenant: Tenant) -> list[str]:
    return [contact["name"]["display"] for contact in tenant.get("/v1/contacts", sort="name").json()["data"]]


def found_by_opensearch(tenant: Tenant, text: str) -> list[str] | None:
    """None while another backend answers."""
    answer = tenant.search(text)
    if answer.status_code != 200 or answer.headers["Search-Backend"] != "opensearch":
        return None
    return [hit["name"]["display"] for hit in answer.json()["data"]]


def records(outside: Path) -> list[Any]:
    files = sorted((outside / "checkpoints").glob("*.jsonl"))
    return [record for file in files for record in from_lines(file.read_bytes())]


def signed_to(outside: Path, tenant: str) -> int | None:
    """The position that a tenant's log is signed to."""
    latest = outside / "latest.jsonl"
    lines = latest.read_text().splitlines() if latest.exists() else ()
    return next((record["to"] for record in map(json.loads, lines) if record["tenant"] == tenant), None)


def messages(url: str) -> dict[str, int]:
    """How many each stream of the broker holds."""

    async def ask() -> dict[str, int]:
        client = await nats.connect(url)
        found = await client.jetstream().streams_info()
        await client.close()
        return {str(each.config.name): each.state.messages for each in found}

    with ThreadPoolExecutor(1) as elsewhere:  # this thread may have a loop of its own
        return elsewhere.submit(asyncio.run, ask()).result()


def incarnation(running: Installation) -> UUID:
    with psycopg.connect(running.ready["postgres_admin"]) as admin:
        (found,) = admin.execute("SELECT incarnation FROM ops.installation").fetchall()
    return UUID(str(found[0]))


def wait_until(condition: Callable[[], bool], seconds: float = 100) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
