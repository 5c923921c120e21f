"""The log against what was signed of it, on the command line of a running installation. N-S3, B4."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import pytest

from api.cli.main import run
from infra.tools import Tools
from projections.registry import POSTGRES
from settings import from_environment
from tests.acceptance.installation import Installation, Tenant

pytestmark = pytest.mark.servers


class Ran(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    error: str


Rapport = Callable[..., Ran]


@pytest.fixture
def rapport(capsys: pytest.CaptureFixture[str], installation: Installation) -> Rapport:
    """`rapport events ...` in this process, which saves starting one for each command."""

    def ran(*words: object, data: Path = installation.data) -> Ran:
        tools = Tools(from_environment({"RAPPORT_DATA": str(data)}), POSTGRES)
        with ThreadPoolExecutor(1) as elsewhere:  # the command has a loop of its own
            failure = elsewhere.submit(run, tools, ["events", *map(str, words)]).exception()
        assert isinstance(failure, SystemExit), failure
        out, error = capsys.readouterr()
        return Ran(int(failure.code or 0), out, error)

    return ran


@pytest.fixture
def signed(rapport: Rapport, tenant: Tenant) -> Tenant:
    """A tenant whose last event, at `position`, added a contact; all of them signed."""
    for _ in range(2):
        tenant.add()
    wanted = {"checkpoints": 1, "events": tenant.position, "refused": {}}
    made = rapport("checkpoint", "--tenant", tenant.id, "--json")
    assert (made.code, json.loads(made.out)) == (0, wanted), made.error
    return tenant


def verify(rapport: Rapport, *words: str) -> tuple[int, dict[str, Any]]:
    ran = rapport("verify", "--json", *words)
    return ran.code, json.loads(ran.out)


def test_what_was_written_is_verified(rapport: Rapport, signed: Tenant) -> None:
    code, report = verify(rapport, "--tenant", signed.id)
    assert (code, report["findings"]) == (0, [])
    assert (report["tenants"], report["events"], report["checkpoints"]) == (1, signed.position, 1)
    told = rapport("verify", "--tenant", signed.id)
    assert f"1 tenants, {signed.position} events, 1 checkpoints" in told.out
    assert "The log is as it was written." in told.out


def test_an_altered_event_is_told_with_its_position_and_repaired_it_is_well_again(
    installation: Installation, rapport: Rapport, signed: Tenant
) -> None:
    change = "UPDATE store.event SET data = {} WHERE tenant_id = %s AND position = %s"
    with psycopg.connect(installation.ready["postgres_admin"], autocommit=True) as admin:
        admin.execute(change.format("data || ' '").encode(), (signed.id, signed.position))
        try:
            code, report = verify(rapport, "--tenant", signed.id)
            assert code == 1
            (finding,) = report["findings"]
            assert (finding["tenant"], finding["position"], finding["kind"]) == (signed.id, signed.position, "hash")
            told = rapport("verify", "--tenant", signed.id)
            assert (told.code, f"position {signed.position}:" in told.out) == (1, True)
        finally:
            admin.execute(change.format("substr(data, 1, length(data) - 1)").encode(), (signed.id, signed.position))
    assert verify(rapport, "--tenant", signed.id)[0] == 0


def test_who_cannot_look_says_so_with_another_code(rapport: Rapport, tmp_path: Path) -> None:
    nowhere = rapport("verify", data=tmp_path)
    assert (nowhere.code, nowhere.out) == (2, "")
    assert "RAPPORT_POSTGRES_DSN" in nowhere.error
    missing = rapport("verify", "--checkpoints", str(tmp_path / "none"))
    assert missing.code == 2
    assert str(tmp_path / "none") in missing.error
    nobody = rapport("verify", "--tenant", str(uuid4()))
    assert nobody.code == 2
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "x.jsonl").write_text("nonsense\n")
    damaged = rapport("verify", "--checkpoints", str(tmp_path))
    assert damaged.code == 2
    assert "x.jsonl" in damaged.error


def test_a_proof_is_checked_by_who_has_nothing_but_the_public_key(
    installation: Installation, rapport: Rapport, signed: Tenant, tmp_path: Path
) -> None:
    """B4: in an empty folder, without the installation's secret and addresses."""
    made = rapport(
        "proof", signed.id, str(signed.position), "--output", str(tmp_path / "proof.json"), data=installation.data
    )
    assert made.code == 0, made.error
    (key,) = (installation.data / "checkpoints" / "keys").iterdir()
    (tmp_path / "key.pem").write_bytes(key.read_bytes())

    def check() -> Ran:
        proof, public = str(tmp_path / "proof.json"), str(tmp_path / "key.pem")
        return rapport("check-proof", proof, "--public-key", public, "--json", data=tmp_path / "empty")

    held = check()
    assert held.code == 0, held.error
    event = json.loads(held.out)["event"]
    assert (event["tenant"], event["position"], event["topic"]) == (signed.id, signed.position, "contact.registered.v1")
    content = (tmp_path / "proof.json").read_bytes()
    (tmp_path / "proof.json").write_bytes(content.replace(b'"version":1', b'"version":2'))
    refused = check()
    assert refused.code == 1
    assert "does not hold" in refused.error
    assert not (tmp_path / "empty").exists()


def test_an_event_without_a_checkpoint_and_one_that_is_not_there_are_told_apart(
    rapport: Rapport, signed: Tenant
) -> None:
    signed.add()
    early = rapport("proof", signed.id, str(signed.position))
    assert early.code == 1
    assert "rapport events checkpoint" in early.error
    absent = rapport("proof", signed.id, str(signed.position + 1))
    assert absent.code == 1
    assert f"no event at position {signed.position + 1}" in absent.error
