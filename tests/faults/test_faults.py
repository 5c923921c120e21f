"""N-R1, N-R2, N-R3, invariants 1 to 3: real processes under load, and something is taken away from them."""

import os
import signal
import time

import pytest

from tests.acceptance.installation import Installation
from tests.faults.load import Load
from tests.faults.servers import frozen, server, settled
from tests.infra.broker.streams import delete_streams, raw_client

pytestmark = pytest.mark.servers


def expect_whole(installation: Installation, load: Load) -> None:
    """Nothing lost, nothing doubled, and the read models say what the log says."""
    report = settled(installation, load.ids)
    assert report.problems == [], (str(load), str(report))
    assert list(load.faults()) == []
    assert load.acked, str(load)
    assert report.events > len(load.acked)
    assert report.contacts >= sum(map(len, load.added.values()))


async def test_deleted_streams_lose_nothing(installation: Installation) -> None:
    """Fault 6: every JetStream stream is deleted, again and again, while commands run."""
    deleted = 0
    client = await raw_client(str(installation.ready["nats"]))
    with Load(installation) as load:
        for _ in range(4):
            load.until_acked(40)
            deleted += await delete_streams(client)
        load.until_acked(40)
    await client.close()
    assert deleted > 0
    expect_whole(installation, load)
    for tenant in load.tenants:
        shown = {row["id"] for page in tenant.pages("/v1/contacts", limit=200) for row in page}
        assert shown == load.added[load.id_of(tenant)]


def test_a_killed_projector_applies_everything_once(installation: Installation) -> None:
    """Fault 1."""
    kills = 0
    with Load(installation) as load:
        for _ in range(4):
            load.until_acked(60)
            killed = installation.kill_role("projector")
            kills += 1
            assert installation.wait_for_role("projector", other_than=killed)
            load.until_acked(60)
    assert kills == 4
    expect_whole(installation, load)


def test_a_killed_relay_loses_nothing(installation: Installation) -> None:
    """Fault 1."""
    with Load(installation) as load:
        load.until_acked(60)
        killed = installation.kill_role("relay")
        load.until_acked(60)
        assert installation.wait_for_role("relay", other_than=killed)
    expect_whole(installation, load)


def test_a_killed_api_carries_out_what_it_acknowledged_once(installation: Installation) -> None:
    """Fault 1, invariant 2: clients repeat what got no answer, under its Idempotency-Key."""
    kills = 0
    with Load(installation) as load:
        for _ in range(3):
            load.until_acked(60)
            killed = installation.kill_role("api")
            kills += 1
            assert installation.wait_for_role("api", other_than=killed)
        load.until_acked(60)
    assert kills == 3
    assert load.repeats > 0
    expect_whole(installation, load)
    assert load.unknown == {}


def test_a_killed_postgres_comes_back_by_itself(installation: Installation) -> None:
    """Fault 5: recovery from the write-ahead log, and every role finds its way back."""
    kills = 0
    with Load(installation) as load:
        for _ in range(2):
            load.until_acked(60)
            os.kill(server(installation, "postgres"), signal.SIGKILL)
            kills += 1
            load.until_acked(60)
    assert kills == 2
    assert load.repeats > 0
    expect_whole(installation, load)
    assert load.unknown == {}


def test_a_frozen_broker_holds_up_neither_commands_nor_reads(installation: Installation) -> None:
    """Fault 6: it accepts everything and answers nothing."""
    tenant = installation.tenant()
    with Load(installation) as load:
        load.until_acked(20)
        with frozen(installation, "nats-server"):
            load.slowest = 0.0
            for _ in range(3):
                made = tenant.add({"name": "Ada Lovelace"})
                assert tenant.get(f"/v1/contacts/{made['id']}").status_code == 200
                found = tenant.search("lovelace")
                assert found.status_code == 200, found.text
                assert made["id"] in {hit["id"] for hit in found.json()["data"]}
            load.until_acked(100)
            slowest = load.slowest
        load.until_acked(50)
    assert slowest < 1
    expect_whole(installation, load)


def test_a_frozen_cache_slows_no_write(installation: Installation) -> None:
    """Fault 12: keys are the event store's business; Valkey only spares the second try some work."""
    tenant = installation.tenant()
    slowest = 0.0
    with frozen(installation, "valkey-server"):
        for number in range(20):
            started = time.monotonic()
            headers = {"Idempotency-Key": f"key-{number}"}
            first = tenant.http.post("/v1/contacts", json={"name": f"Ada {number}"}, headers=headers)
            again = tenant.http.post("/v1/contacts", json={"name": f"Ada {number}"}, headers=headers)
            slowest = max(slowest, time.monotonic() - started)
            assert (first.status_code, again.status_code) == (201, 201)
            assert first.json()["id"] == again.json()["id"]
            assert first.headers["Event-Position"] == again.headers["Event-Position"]
    assert slowest < 1
    with Load(installation) as load:
        load.until_acked(20)
    expect_whole(installation, load)
