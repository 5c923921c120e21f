"""R7.4, N-S3, invariant 4: one id from the request to the logs and the events, and no one's data in a log."""

import json
import re
import time
from typing import Any

import psycopg
import pytest

from tests.acceptance.installation import PASSWORD, Installation, Tenant
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers


def logged(installation: Installation, correlation_id: str) -> dict[str, Any]:
    """The line that the API wrote of a request."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for line in installation.log_lines("api"):
            if line.get("correlation_id") == correlation_id and line.get("event") == "request":
                return line
        time.sleep(0.02)
    raise LookupError(correlation_id)


def stored(installation: Installation, tenant: Tenant, position: int) -> Any:
    """The traceparent in the metadata of an event."""
    with psycopg.connect(installation.ready["postgres_admin"]) as connection:
        query = "SELECT convert_from(metadata, 'UTF8') FROM store.event WHERE tenant_id = %s AND position = %s"
        ((text,),) = connection.execute(query, (tenant.id, position)).fetchall()
    return json.loads(text).get("traceparent")


@pytest.mark.parametrize("given", ["a", "x" * 128, "A-Z.09_", "0af7651916cd43dd8448eb211c80319c"])
def test_a_sound_correlation_id_is_taken(tenant: Tenant, given: str) -> None:
    answers = [
        tenant.http.get("/v1/contacts", headers={"X-Correlation-Id": given}),
        tenant.http.get("/v1/contacts", headers={"X-Correlation-Id": given, "Authorization": ""}),
        tenant.http.get("/nowhere", headers={"X-Correlation-Id": given}),
        tenant.http.get("/health/live", headers={"X-Correlation-Id": given}),
    ]
    assert {answer.headers["X-Correlation-Id"] for answer in answers} == {given}
    assert answers[1].json()["correlation_id"] == answers[2].json()["correlation_id"] == given


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 129, "a/b", "a\tb", "{}", "<script>"])
def test_without_a_sound_one_each_request_gets_its_own(tenant: Tenant, given: str | None) -> None:
    headers = {} if given is None else {"X-Correlation-Id": given}
    made = [tenant.http.get("/v1/contacts", headers=headers).headers.get_list("X-Correlation-Id") for _ in range(2)]
    assert made[0] != made[1]
    for ids in made:
        assert len(ids) == 1
        assert re.fullmatch(r"[A-Za-z0-9._-]{16,128}", ids[0])


TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_sound_traceparent_is_given_back_logged_and_stored(installation: Installation, tenant: Tenant) -> None:
    headers = {"traceparent": TRACEPARENT, "X-Correlation-Id": f"{tenant.id}.traced"}
    answers = [
        tenant.http.post("/v1/contacts", json={"name": "Ada"}, headers=headers),
        tenant.http.get("/v1/contacts", headers={"traceparent": TRACEPARENT, "Authorization": ""}),
        tenant.http.get("/nowhere", headers={"traceparent": TRACEPARENT}),
    ]
    assert [answer.status_code for answer in answers] == [201, 401, 404]
    assert [answer.headers.get_list("traceparent") for answer in answers] == [[TRACEPARENT]] * 3
    assert logged(installation, headers["X-Correlation-Id"])["traceparent"] == TRACEPARENT
    assert stored(installation, tenant, int(answers[0].headers["Event-Position"])) == TRACEPARENT


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "x",
        TRACEPARENT.upper(),
        f"{TRACEPARENT}-00",
        f"ff{TRACEPARENT[2:]}",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
    ],
)
def test_without_a_sound_traceparent_there_is_none(
    installation: Installation, tenant: Tenant, given: str | None
) -> None:
    headers = {"X-Correlation-Id": f"{tenant.id}.untraced"} | ({} if given is None else {"traceparent": given})
    answer = tenant.http.post("/v1/contacts", json={"name": "Ada"}, headers=headers)
    assert answer.status_code == 201
    assert "traceparent" not in answer.headers
    assert "traceparent" not in logged(installation, headers["X-Correlation-Id"])
    assert stored(installation, tenant, int(answer.headers["Event-Position"])) is None


def test_the_log_line_of_a_request_says_who_asked_for_which_tenant(installation: Installation, tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada"}, **{"X-Correlation-Id": f"{tenant.id}.post"})
    tenant.http.get(f"/v1/contacts/{made['id']}", headers={"X-Correlation-Id": f"{tenant.id}.get"})

    post, get = (logged(installation, f"{tenant.id}.{method}") for method in ("post", "get"))

    for line, method, status in ((post, "POST", 201), (get, "GET", 200)):
        assert (line["tenant_id"], line["actor_id"]) == (tenant.id, tenant.user_id)
        assert (line["method"], line["status"]) == (method, status)
        assert line["ms"] >= 0
    assert get["route"] == "/v1/contacts/{contact_id}"
    assert made["id"] not in get["route"]


def test_a_line_of_a_stranger_names_nobody(installation: Installation, tenant: Tenant) -> None:
    tenant.http.get("/v1/contacts")
    headers = {"X-Correlation-Id": f"{tenant.id}.stranger", "Authorization": "Bearer x"}
    tenant.http.get("/v1/contacts", headers=headers)
    line = logged(installation, headers["X-Correlation-Id"])
    assert line["status"] == 401
    assert not {"tenant_id", "actor_id"} & line.keys()


def test_no_log_line_of_any_role_holds_personal_data_or_secrets(installation: Installation, tenant: Tenant) -> None:
    secret = "Xanthippe"
    body = {
        "name": f"{secret} Name",
        "email": f"{secret}@mail.example",
        "phone": "+49 30 90182077",
        "company": f"{secret} Ltd",
        "title": f"{secret} title",
        "tags": [f"{secret} tag"],
        "external_ids": {"erp": f"{secret} id"},
    }
    made = tenant.add(body)
    tenant.search(secret)
    tenant.get("/v1/contacts", tag=f"{secret} tag")
    tenant.http.post("/v1/contacts", json=body)
    tenant.http.post("/v1/contacts", json=body | {"email": f"{secret} nonsense", secret: 1})
    tenant.http.post(
        "/v1/contacts", content=f'{{"name": "{secret}'.encode(), headers={"Content-Type": "application/json"}
    )
    tenant.http.patch(f"/v1/contacts/{made['id']}", json={"title": f"{secret} again"})
    tenant.http.get(f"/v1/contacts/{secret}", params={secret: secret})
    tenant.http.post("/v1/auth/login", json={"email": f"{secret}@mail.example", "password": f"{secret} wrong"})
    tenant.http.get("/v1/contacts", headers={"Authorization": f"Bearer {secret}"})
    tenant.get(f"/v1/contacts/{made['id']}/history", limit=1)

    for role in ("api", "relay", "projector"):
        text = (installation.data / "logs" / f"{role}.log").read_text()
        found = [
            word
            for word in (secret, secret.lower(), "90182077", PASSWORD, tenant.token, tenant.email, "Hopper")
            if word in text
        ]
        assert found == [], role


def test_the_logs_are_json_lines_without_faults(installation: Installation, tenant: Tenant) -> None:
    tenant.http.get("/v1/contacts")
    text = (installation.data / "logs" / "api.log").read_text()
    assert len(installation.log_lines("api")) == len(text.splitlines())
    failed = [line for line in installation.log_lines("api") if line.get("event") == "request.failed"]
    # An export is made to fail half-way by a test of its own.
    assert [line for line in failed if line["route"] != "/v1/contacts/export"] == []
