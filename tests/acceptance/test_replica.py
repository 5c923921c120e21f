"""N-K2, N-R3, B7: an installation with a read replica that is not there yet, falls behind, comes near and goes."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.embedded import ports
from tests.acceptance.installation import Installation, Tenant
from tests.infra.replicas import replica_of
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers


@pytest.fixture
def port() -> int:
    return next(number for number in ports.usual_range() if ports.is_free(number))


@pytest.fixture
def installation(tmp_path: Path, port: int) -> Iterator[Installation]:
    settings = {"RAPPORT_POSTGRES_READ_DSN": f"postgresql://127.0.0.1:{port}/postgres"}
    with Installation(tmp_path / "data", "--no-demo", "--search", "postgres", environment=settings) as running:
        yield running


def wait(condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def state(tenant: Tenant) -> str:
    ready = tenant.http.get("/health/ready")
    assert ready.status_code == 200
    return str(ready.json()["components"]["postgres_replica"]["status"])


def listed(tenant: Tenant, **headers: str) -> list[str]:
    answer = tenant.http.get("/v1/contacts", headers={"Read-After": "0"} | headers)
    assert answer.status_code == 200, answer.text
    return [contact["name"]["display"] for contact in answer.json()["data"]]


def test_queries_go_to_the_replica_and_writes_are_read_back_wherever_it_is(
    installation: Installation, port: int, tmp_path: Path
) -> None:
    tenant = installation.tenant()
    tenant.add({"name": "Ada"})
    assert state(tenant) == "unavailable"
    assert tenant.http.get("/health/ready").json()["status"] == "degraded"
    assert listed(tenant, **{"Read-After": str(tenant.position)}) == ["Ada"]

    with replica_of(installation.ready["postgres_admin"], tmp_path / "replica", port) as replica:
        wait(lambda: state(tenant) == "ok")
        wait(lambda: listed(tenant) == ["Ada"])

        with replica.paused():
            made = tenant.add({"name": "Grace"})
            assert listed(tenant) == ["Ada"]
            assert listed(tenant, **{"Read-After": str(tenant.position)}) == ["Ada", "Grace"]
            assert tenant.search("grace").json()["data"][0]["id"] == made["id"]
            assert tenant.http.get(f"/v1/contacts/{made['id']}").json() == made
        wait(lambda: listed(tenant) == ["Ada", "Grace"])

        replica.stop()
        for _ in range(50):
            assert listed(tenant) == ["Ada", "Grace"]
        wait(lambda: state(tenant) == "unavailable")
        assert tenant.get(f"/v1/contacts/{made['id']}/history").status_code == 200
