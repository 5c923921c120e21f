"""What operators use: the commands on read models, and the figures for Prometheus."""

import json
import os
import platform
import signal
import time
from typing import Any, LiteralString
from uuid import uuid4

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.acceptance.command_line import ran
from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.test_up import rapport
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers


def projections(installation: Installation, *words: str) -> tuple[int, list[Any]]:
    """A command on read models: its exit code, and the lines of JSON that it wrote."""
    done = ran(installation.data, "projections", *words, "--json")
    return done.code, [json.loads(line) for line in done.out.splitlines() if line.startswith(("{", "["))]


def changed(installation: Installation, statement: LiteralString, *parameters: object) -> None:
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        assert connection.execute(statement, parameters).rowcount > 0


def figures(installation: Installation) -> dict[tuple[str, str | None, str | None], float]:
    answer = httpx.get(f"{installation.ready['url']}/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, sample.labels.get("projection"), sample.labels.get("tenant")): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def until(holds: Any, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_row_that_was_tampered_with_is_found_mended_and_right_again(
    installation: Installation, tenant: Tenant
) -> None:
    """B6, invariant 3."""
    made = tenant.add({"name": "Ada Lovelace", "title": "Countess"})
    tenant.get(f"/v1/contacts/{made['id']}")
    changed(installation, "UPDATE read.contact_v1 SET title = 'Impostor' WHERE id = %s", made["id"])
    code, lines = projections(installation, "verify", "contact", "--tenant", tenant.id)
    (found,) = lines[-1]["verified"]["contact"]
    assert code == 1
    assert [(each["table"], each["keys"]) for each in found["differences"]] == [("contact_v1", [made["id"]])]
    assert "Impostor" not in json.dumps(lines)

    done = rapport("projections", "rebuild", "contact", "--json", RAPPORT_DATA=str(installation.data))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["tenant_id"] for each in lines[-1]["different"]] == [tenant.id]
    assert {line["stage"] for line in lines[:-1]} == {"fill", "index", "compare", "swap"}
    assert tenant.get(f"/v1/contacts/{made['id']}").json() == made
    until(lambda: projections(installation, "verify", "--tenant", tenant.id)[0] == 0)


def test_rows_of_a_tenant_or_a_stream_are_built_anew(installation: Installation, tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada Lovelace", "title": "Countess"})
    tenant.get(f"/v1/contacts/{made['id']}")
    for scope in ((), ("--stream", made["id"])):
        changed(installation, "UPDATE read.contact_v1 SET title = 'Impostor' WHERE id = %s", made["id"])
        assert tenant.get(f"/v1/contacts/{made['id']}").json()["title"] == "Impostor"
        code, lines = projections(installation, "rebuild", "contact", "--tenant", tenant.id, *scope)
        assert (code, lines[-1]["name"]) == (0, "contact")
        assert tenant.get(f"/v1/contacts/{made['id']}").json() == made


def test_a_parked_stream_is_told_retried_and_skipped(installation: Installation, tenant: Tenant) -> None:
    """Fault 7."""
    made = tenant.add({"name": "Ada Lovelace"})
    tenant.get(f"/v1/contacts/{made['id']}")
    statement: LiteralString = (
        "UPDATE store.event SET topic = %s WHERE tenant_id = %s AND stream_id = %s AND version = 1"
    )
    changed(installation, statement, "contact.of_the_future.v1", tenant.id, made["id"])
    back = ("UPDATE read.checkpoint SET position = 0 WHERE tenant_id = %s AND projection = %s", tenant.id, "contact_v1")
    changed(installation, "DELETE FROM read.contact_v1 WHERE tenant_id = %s", tenant.id)
    changed(installation, *back)

    def parked() -> list[dict[str, Any]]:
        return [each for each in projections(installation, "parked", "contact")[1][0] if each["tenant_id"] == tenant.id]

    until(lambda: len(parked()) == 1)
    (waits,) = parked()
    assert waits["stream_id"] == made["id"]
    assert waits["reason"] == "contact.of_the_future.v1 at version 1: UnknownTopicError"
    assert figures(installation)["rapport_projection_tenant_parked_streams", "contact_v1", tenant.id] == 1
    assert figures(installation)["rapport_projection_parked_streams", "contact_v1", None] >= 1

    code, lines = projections(installation, "retry", "contact", "--stream", made["id"])
    assert (code, lines[0]["applied"], len(lines[0]["parked"])) == (1, 0, 1)
    changed(installation, statement, "contact.registered.v1", tenant.id, made["id"])
    code, lines = projections(installation, "retry", "contact", "--stream", made["id"])
    assert (code, lines[0]) == (0, {"applied": 1, "parked": []})
    assert tenant.get(f"/v1/contacts/{made['id']}").json() == made

    changed(installation, statement, "contact.of_the_future.v1", tenant.id, made["id"])
    changed(installation, "DELETE FROM read.contact_v1 WHERE tenant_id = %s", tenant.id)
    changed(installation, *back)
    until(lambda: len(parked()) == 1)
    asked = ("--tenant", tenant.id, "--stream", made["id"], "--why", "a test", "--by", "grace")
    code, lines = projections(installation, "skip", "contact", *asked)
    assert (code, lines[0]["applied"], parked()) == (0, 1, [])
    changed(installation, statement, "contact.registered.v1", tenant.id, made["id"])


def test_a_record_with_an_event_that_cannot_be_read_is_told_so_and_all_else_goes_on(
    installation: Installation, tenant: Tenant
) -> None:
    """R6.5, R7.4."""
    spoilt, whole = (tenant.add({"name": name}) for name in ("Ada Lovelace", "Mary Somerville"))
    set_time: LiteralString = "UPDATE store.event SET occurred_at = %s WHERE tenant_id = %s AND stream_id = %s"
    path = f"/v1/contacts/{spoilt['id']}/history"
    changed(installation, set_time, "20000-01-01", tenant.id, spoilt["id"])
    refused = problem(tenant.http.get(path), 500, "event.unreadable")
    assert "the event at position" in refused["detail"]
    tenant.get(f"/v1/contacts/{whole['id']}/history")
    assert tenant.get(f"/v1/contacts/{spoilt['id']}").json() == spoilt
    tenant.add({"name": "Grace Hopper"})
    changed(installation, set_time, "2026-01-01", tenant.id, spoilt["id"])
    tenant.get(path)


def test_what_does_not_exist_is_refused_in_a_sentence(installation: Installation) -> None:
    refused = ran(installation.data, "projections", "rebuild", "nothing")
    assert refused.code == 1
    assert "there is no projection nothing" in refused.error
    refused = ran(installation.data, "projections", "rebuild", "search", RAPPORT_SEARCH="postgres")
    assert "there is no search index" in refused.error


def test_a_tenant_or_stream_that_is_none_does_not_look_like_work_done(
    installation: Installation, tenant: Tenant
) -> None:
    nobody, nothing = ("--tenant", str(uuid4())), ("--stream", str(uuid4()))
    of_tenant = ("--tenant", tenant.id)
    for words, said in (
        (("rebuild", "contact", *nobody), "there is no tenant"),
        (("verify", "contact", *nobody), "there is no tenant"),
        (("retry", *nothing), "no projection has parked the stream"),
        (("skip", "contact", *of_tenant, *nothing, "--why", "a slip"), "contact has not parked the stream"),
    ):
        refused = ran(installation.data, "projections", *words)
        assert (refused.code, said in refused.error) == (1, True), (words, refused.error)


def test_what_kept_moving_is_told_and_not_taken_for_verified(installation: Installation, tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada Lovelace"})
    tenant.search("lovelace")
    tenant.get(f"/v1/contacts/{made['id']}")
    until(lambda: projections(installation, "verify", "contact_words", "--tenant", tenant.id)[0] == 0)
    projector = installation.role_pid("projector")
    os.kill(projector, signal.SIGSTOP)
    try:
        # Words behind contacts, as they are while contacts are written faster than anybody looks.
        behind: LiteralString = (
            "UPDATE read.checkpoint SET position = position - 1"
            " WHERE tenant_id = %s AND projection LIKE 'contact_words%%'"
        )
        changed(installation, behind, tenant.id)
        done = ran(installation.data, "projections", "verify", "contact_words", "--tenant", tenant.id)
    finally:
        os.kill(projector, signal.SIGCONT)
    assert done.code == 1
    assert "1 kept moving and were not compared" in done.out
    assert "kept moving and were not compared" in done.error


def test_lag_backlog_and_queue_are_told(installation: Installation, tenant: Tenant) -> None:
    """N-R5."""
    tenant.add({"name": "Ada Lovelace"})

    def level() -> bool:
        found = figures(installation)
        names = ("contact_v1", "contact_words_v1", "user_v1")
        return all(found["rapport_projection_behind_events", name, None] == 0 for name in names)

    until(level)
    found = figures(installation)
    assert found["rapport_postgres_up", None, None] == 1
    assert found["rapport_append_waiting", None, None] == 0
    assert found["rapport_relay_backlog_events", None, None] >= 0
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        # A projector that hangs: its rows are locked, so it can't go on.
        connection.execute("SELECT FROM read.checkpoint WHERE tenant_id = %s FOR UPDATE", (tenant.id,))
        tenant.add({"name": "Grace Hopper"})
        until(
            lambda: figures(installation).get(("rapport_projection_tenant_behind_events", "company_v1", tenant.id)) == 1
        )
        assert figures(installation)["rapport_projection_behind_tenants", "company_v1", None] >= 1
    until(level)


@pytest.mark.skipif(platform.system() != "Linux", reason="backends give way on Linux")
def test_of_the_workers_backends_those_give_way_that_nobody_waits_for(installation: Installation) -> None:
    mine = os.getpriority(os.PRIO_PROCESS, 0)

    def nice() -> set[tuple[str, int]]:
        query = "SELECT usename, pid FROM pg_stat_activity WHERE application_name = 'rapport-worker'"
        with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
            backends = connection.execute(query).fetchall()
        return {(role, os.getpriority(os.PRIO_PROCESS, pid) - mine) for role, pid in backends}

    # Whoever appends holds the tenant's head, which others wait for.
    wanted = {("rapport_append", 5), ("rapport_service", 19), ("rapport_projector", 19)}
    until(lambda: (found := nice()) >= wanted and {role for role, by in found if by == 5} == {"rapport_append"})
