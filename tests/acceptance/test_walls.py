"""R6.1, R6.3, invariant 4: whatever of one tenant another puts wherever the API takes something, the answer is that to
something which is not there, and nothing that is written beside the answers tells more."""

import os
import re
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx
import nats
import psycopg
import pytest

from tests.acceptance import probes
from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.test_isolation import comparable

pytestmark = pytest.mark.servers

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Side(NamedTuple):
    """A tenant with ids of its own, and a word that is in every text of it and in no other's."""

    tenant: Tenant
    ids: Mapping[str, str]
    sign: str

    @property
    def marks(self) -> set[str]:
        """What shows that something is this tenant's."""
        return {self.sign, self.tenant.id, self.tenant.email, *self.ids.values()}


@pytest.fixture(scope="module")
def sides(installation: Installation) -> tuple[Side, Side]:
    """Who asks, and whose data it is about."""
    found = []
    for name in ("Analytical Engines Ltd", "Bombe Works"):
        tenant, sign = installation.tenant(name), f"sign{uuid.uuid4().hex[:8]}"
        found.append(Side(tenant, probes.two_of_everything(tenant, sign), sign))
    return found[0], found[1]


def missing(probe: probes.Probe) -> str:
    """What nobody has, of the form that a place takes."""
    return f"role-{uuid.uuid4().hex[:8]}" if probe.name in {"role_key", "roles.0", "field_key"} else str(uuid.uuid4())


def kinds_for(probe: probes.Probe, other: Side) -> list[str]:
    """The kinds of ids to put in a place: in a path its own, elsewhere every one that has its form."""
    if probe.where == "path":
        return [probe.name]
    return ["role_key"] if probe.name == "roles.0" else [kind for kind in other.ids if not kind.endswith("_key")]


def test_a_foreign_id_is_answered_as_a_missing_one_wherever_ids_go(sides: tuple[Side, Side]) -> None:
    asking, other = sides
    found = list(probes.with_ids(probes.document_of(asking.tenant)))
    seen = {(probe.where, probe.name) for probe in found}
    assert {("path", "contact_id"), ("query", "owner_id"), ("body", "owner_id"), ("body", "company.id")} <= seen
    assert {("body", "user_ids.0"), ("body", "roles.0"), ("query", "target_id")} <= seen

    for probe in found:
        for kind in kinds_for(probe, other):
            foreign = probe.ask(asking.tenant, asking.ids, other.ids[kind])
            nothing = probe.ask(asking.tenant, asking.ids, missing(probe))
            assert comparable(foreign) == comparable(nothing), (probe, kind)
            assert not any(mark in foreign.text for mark in other.marks), (probe, kind)
            status = foreign.json()["results"][0]["status"] if "results" in foreign.text else foreign.status_code
            assert probe.where == "query" or status in {404, 422}, (probe, kind, foreign.text)


def test_a_foreign_cursor_is_answered_as_a_made_up_one(sides: tuple[Side, Side]) -> None:
    asking, other = sides
    tried = set()
    for probe in probes.with_cursor(probes.document_of(asking.tenant)):
        path = probes.filled(probe.path, other.ids)
        cursor = other.tenant.get(path, limit=1, **({"q": other.sign} if path.endswith("/search") else {})).json()
        if cursor["next_cursor"] is None:
            continue
        tried.add(probe.path)
        made_up = cursor["next_cursor"][:-30] + os.urandom(15).hex()
        answers = [
            probe.ask(asking.tenant, asking.ids, value) if "search" not in path else _search(asking, value)
            for value in (cursor["next_cursor"], made_up)
        ]
        assert comparable(answers[0]) == comparable(answers[1]), path
        problem(answers[0], 400, "cursor.invalid")
    assert {
        "/v1/companies",
        "/v1/companies/search",
        "/v1/companies/{company_id}/history",
        "/v1/contacts",
        "/v1/contacts/search",
        "/v1/users",
        "/v1/audit",
        "/v1/contacts/{contact_id}/history",
        "/v1/contacts/{contact_id}/relationships",
        "/v1/contacts/{contact_id}/timeline",
        "/v1/interactions",
        "/v1/notes/{note_id}/edits",
    } <= tried


def _search(asking: Side, cursor: str) -> httpx.Response:
    return asking.tenant.http.get("/v1/contacts/search", params={"q": "ada", "limit": 1, "cursor": cursor})


def test_a_foreign_position_is_answered_as_one_that_nobody_has_reached(sides: tuple[Side, Side]) -> None:
    asking, other = sides
    for _ in range(2 * asking.tenant.position):  # so that it is beyond the end of the other log
        other.tenant.add({"name": other.sign})
    found = list(probes.with_header(probes.document_of(asking.tenant), "Read-After"))
    assert len(found) > 10
    for probe in found:
        answers = []
        for position in (other.tenant.position, 10**12):
            options = {"q": "ada"} if "search" in probe.path else {}
            path = probes.filled(probe.path, asking.ids)
            answers.append(asking.tenant.http.get(path, params=options, headers={"Read-After": str(position)}))
        codes = [answer.json().get("code") for answer in answers]
        assert codes == ["read_after.ahead"] * 2, (probe.path, codes)


def test_an_idempotency_key_of_another_tenant_is_a_new_one(sides: tuple[Side, Side]) -> None:
    asking, other = sides
    found = list(probes.with_header(probes.document_of(asking.tenant), "Idempotency-Key"))
    assert {"/v1/contacts", "/v1/teams", "/v1/roles", "/v1/users"} <= {probe.path for probe in found}
    for number, probe in enumerate(found):
        if probe.method != "POST" or "{" in probe.path or probe.path.endswith("/batch") or isinstance(probe.body, str):
            continue  # a key counts for one path, and what is in that is tried by other tests; so are batches and files
        bodies = []
        for side in (other, asking):
            own = dict(side.ids) | {"name": f"{number} {side.sign}", "email": f"{number}-{side.sign}@engines.example"}
            bodies.append((side, probe.body | {name: own[name] for name in own.keys() & probe.body.keys()}))
        first, second = [
            side.tenant.http.post(
                probe.path,
                headers={"Idempotency-Key": f"import-{number}"},
                **({"files": probes.as_form(body)} if "file" in body else {"json": body}),
            )
            for side, body in bodies
        ]
        made = 202 if "file" in probe.body else 200 if probe.path.endswith("/read-all") else 201
        assert (first.status_code, second.status_code) == (made, made), (probe, first.text, second.text)
        assert "Idempotent-Replay" not in second.headers
        assert other.sign not in second.text


def test_no_line_of_the_log_tells_of_another_tenant(installation: Installation, sides: tuple[Side, Side]) -> None:
    """Every probe of this file, and every fault of the requests, has written its line by now."""
    asking, other = sides
    for probe in probes.with_ids(probes.document_of(asking.tenant)):
        probe.ask(asking.tenant, asking.ids, other.ids.get(probe.name, other.ids["contact_id"]))
    lines = {role: installation.log_lines(role) for role in ("api", "relay", "projector", "worker")}
    own = [line for line in lines["api"] if line.get("tenant_id") == asking.tenant.id]
    assert len(own) > 100
    for line in own:
        assert not any(mark in str(line) for mark in other.marks), line
    personal = {side.sign for side in sides} | {side.tenant.email for side in sides}
    for line in (line for each in lines.values() for line in each):
        assert not any(value in str(line) for value in personal), line
        if "tenant_id" not in line:
            ids = {each for side in sides for each in side.ids.values()}
            assert not any(each in str(line) for each in ids), "a line that is nobody's names no record"


def test_metrics_name_tenants_by_their_ids_to_the_operator_alone(
    installation: Installation, sides: tuple[Side, Side]
) -> None:
    asking, other = sides
    told = httpx.get(f"{installation.ready['url']}/metrics").text
    assert "rapport_security_violations_total" in told
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        tenants = {str(row[0]) for row in connection.execute("SELECT tenant_id FROM store.tenant_head").fetchall()}
    assert set(_UUID.findall(told)) <= tenants
    assert not any(mark in told for mark in (asking.marks | other.marks) - {asking.tenant.id, other.tenant.id})
    problem(asking.tenant.http.get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}), 404, "route.not_found")


async def test_subjects_and_messages_of_a_tenant_carry_nothing_of_another(
    installation: Installation, sides: tuple[Side, Side]
) -> None:
    asking, other = sides
    client = await nats.connect(str(installation.ready["nats"]))
    try:
        messages = [each async for each in _published(client, {asking.tenant.id, other.tenant.id})]
    finally:
        await client.close()
    assert {subject.split(".")[2] for subject, _ in messages} == {asking.tenant.id, other.tenant.id}
    for subject, payload in messages:
        mine, theirs = (asking, other) if asking.tenant.id in subject else (other, asking)
        assert f'"tenant_id":"{mine.tenant.id}"' in payload
        assert not any(mark in subject + payload for mark in theirs.marks), subject
        assert "@engines.example" not in payload, "what is personal travels sealed"


async def _published(client: Any, tenants: set[str]) -> Any:
    jetstream = client.jetstream()
    for info in await jetstream.streams_info():
        for sequence in range(max(info.state.first_seq, 1), info.state.last_seq + 1):
            message = await jetstream.get_msg(info.config.name, sequence)
            if str(message.subject).split(".")[2] in tenants:
                yield str(message.subject), (message.data or b"").decode()
