"""`rapport up` as its users meet it: starting, refusing, stopping, starting again. N-R1, Invariant 2."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from api.cli import demo
from tests.acceptance.installation import ROOT, Installation
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers


def rapport(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bootstrap", *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_ready_line_has_every_address(installation: Installation) -> None:
    ready = installation.ready
    assert list(ready) == [
        *("url", "grpc", "postgres", "postgres_admin", "nats", "valkey", "opensearch", "mail_folder", "pid")
    ]
    assert ready["pid"] == installation.process.pid
    assert ready["postgres"].startswith("postgresql://rapport_service:")
    assert ready["opensearch"] is None, "it was started with --search postgres"


def test_a_port_in_use_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = rapport("up", "--data", str(tmp_path), "--port", str(port))
    assert refused.returncode == 1
    assert f"port {port} on 127.0.0.1 can't be used" in refused.stderr
    assert "--port" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_data_folder_that_is_in_use_is_told(installation: Installation) -> None:
    refused = rapport("up", "--data", str(installation.data), "--port", "0", "--search", "postgres")
    assert refused.returncode == 1
    assert str(installation.data) in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_setting_that_cannot_be_used_is_named() -> None:
    refused = rapport("migrate", RAPPORT_ACCESS_TTL="soon")
    assert refused.returncode == 1
    assert "RAPPORT_ACCESS_TTL" in refused.stderr


def test_a_cheap_password_hash_is_for_tests_only() -> None:
    refused = rapport("migrate", RAPPORT_BCRYPT_COST="4", RAPPORT_TESTING="0")
    assert "RAPPORT_BCRYPT_COST" in refused.stderr


def test_without_demo_data_nobody_signs_in_as_its_people(installation: Installation) -> None:
    for tenant in demo.tenants():
        login = {"email": tenant.admin_email, "password": tenant.password}
        assert httpx.post(f"{installation.ready['url']}/v1/auth/login", json=login).status_code == 401


def test_other_commands_find_what_runs_on_their_data_folder(installation: Installation) -> None:
    tenant = installation.tenant()
    made = tenant.add()
    shown = rapport("events", "tail", tenant.email, RAPPORT_DATA=str(installation.data))
    events = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [event["type"] for event in events] == [
        *("tenant.registered.v1", "user.registered.v1", "session.started.v1", "contact.registered.v1")
    ]
    assert events[-1]["stream"] == made["id"]
    assert "password" not in shown.stdout


def test_a_rebuild_leaves_the_same_rows(installation: Installation) -> None:
    """B6, first form."""
    tenant = installation.tenant()
    tenant.add({"name": "Ada Lovelace", "company": "Analytical Engines Ltd"})
    before = tenant.get("/v1/contacts").json()
    rebuilt = rapport("projections", "rebuild", "contact", RAPPORT_DATA=str(installation.data))
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert tenant.get("/v1/contacts").json() == before


def test_data_survives_a_sigkill_of_the_parent_which_leaves_no_orphan_and_so_does_a_sigterm(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Installation(data, "--no-demo", "--search", "postgres") as first:
        tenant = first.tenant()
        made = tenant.add({"name": "Ada Lovelace"})
        family = psutil.Process(first.process.pid).children(recursive=True)
        assert len(family) > 5
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
        _, alive = psutil.wait_procs(family, timeout=PATIENCE)
        assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []

    with Installation(data, "--no-demo", "--search", "postgres") as second:
        headers = {"Authorization": f"Bearer {tenant.token}"}
        read = httpx.get(f"{second.ready['url']}/v1/contacts/{made['id']}", headers=headers)
        assert read.json() == made, "the same secret, the same keys, the same data"

        family = psutil.Process(second.process.pid).children(recursive=True)
        started = time.monotonic()
        assert second.stop() == 0
        assert time.monotonic() - started < PATIENCE / 2
        _, alive = psutil.wait_procs(family, timeout=PATIENCE)
        assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_external_servers_are_used_as_set(installation: Installation, tmp_path: Path) -> None:
    """The second installation runs roles only, on the first one's servers and secret."""
    environment = {
        "RAPPORT_POSTGRES_DSN": installation.ready["postgres_admin"],
        "RAPPORT_NATS_URL": installation.ready["nats"],
        "RAPPORT_VALKEY_URL": installation.ready["valkey"],
        "RAPPORT_SECRET": (installation.data / "secrets" / "root").read_text(),
    }
    tenant = installation.tenant()
    made = tenant.add()
    with Installation(
        *(tmp_path / "data", "--no-demo", "--search", "postgres", "--roles", "crm,identity"), environment=environment
    ) as other:
        headers = {"Authorization": f"Bearer {tenant.token}", "Read-After": str(tenant.position)}
        read = httpx.get(f"{other.ready['url']}/v1/contacts/{made['id']}", headers=headers)
        assert read.json() == made
        assert not (tmp_path / "data" / "postgres").exists()
