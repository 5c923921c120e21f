"""B7, N-U3: what was written is there to be read, by whoever asks for it."""

import httpx
import psycopg
import pytest

from tests.acceptance.importing import uploaded
from tests.acceptance.installation import Installation, Tenant, problem
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

LISTS = ["/v1/contacts", "/v1/contacts/search?q=ada"]


def readable(tenant: Tenant) -> list[str]:
    """The path of every kind of read."""
    contact_id = tenant.add()["id"]
    return [*LISTS, f"/v1/contacts/{contact_id}", f"/v1/contacts/{contact_id}/history"]


def test_every_write_is_read_back_at_once_everywhere(tenant: Tenant) -> None:
    for n in range(20):
        made = tenant.add({"name": f"Ada Number{n}", "email": f"ada{n}@engines.example"})
        assert tenant.get("/v1/contacts", sort="-created_at", limit=1).json()["data"] == [made]
        found = tenant.search(f"ada{n}@engines.example", limit=1).json()["data"]
        assert [hit["id"] for hit in found] == [made["id"]]
        changed = tenant.http.patch(f"/v1/contacts/{made['id']}", json={"title": f"Title{n}"})
        tenant.position = int(changed.headers["Event-Position"])
        assert tenant.get(f"/v1/contacts/{made['id']}").json()["title"] == f"Title{n}"
        assert len(tenant.get(f"/v1/contacts/{made['id']}/history").json()["data"]) == 2


def ids_of(tenant: Tenant) -> dict[str, str]:
    """An id for each name that paths of reads use; a new name needs one here."""
    key = tenant.http.post("/v1/api-keys", json={"name": "Reads", "roles": ["sales"]})
    assert key.status_code == 201, key.text
    ids = {"api_key_id": key.json()["id"], "user_id": tenant.user_id, "role_key": "admin"}
    contact = tenant.add({"name": "Ada", "company": "Engines"})
    ids |= {"contact_id": contact["id"], "company_id": contact["company"]["id"], "record_kind": "contact"}
    ids["interaction_id"] = tenant.http.post("/v1/interactions", json={"type": "call"}).json()["id"]
    ids["note_id"] = tenant.http.post(f"/v1/contacts/{contact['id']}/notes", json={"html": "x"}).json()["id"]
    ids["import_id"] = uploaded(tenant, "name\nAda\n")["id"]
    lead = tenant.http.post("/v1/leads", json={"title": "Engine"}).json()
    assert tenant.http.post(f"/v1/leads/{lead['id']}/qualify", json={}).status_code == 200
    converted = tenant.http.post(f"/v1/leads/{lead['id']}/convert", json={})
    tenant.position = int(converted.headers["Event-Position"])
    return {**ids, "lead_id": lead["id"], "customer_id": converted.json()["customer_id"]}


def test_every_read_of_the_api_honours_it(tenant: Tenant) -> None:
    paths = tenant.http.get("/openapi.json").json()["paths"]
    reads = {path: methods["get"] for path, methods in paths.items() if path.startswith("/v1/") and "get" in methods}
    assert {"/v1/contacts", "/v1/roles/{role_key}", "/v1/auth/sessions"} <= set(reads)
    ids = ids_of(tenant)
    for path, operation in reads.items():
        if path.endswith(("/stream", "/progress")):  # they go on
            continue
        needed = {each["name"]: "ada" for each in operation["parameters"] if each["in"] == "query" and each["required"]}
        url = path.format_map(ids)
        ahead, odd, reached = (
            tenant.http.get(url, params=needed, headers={"Read-After": position})
            for position in (str(tenant.position + 1), "x", str(tenant.position))
        )
        problem(ahead, 400, "read_after.ahead")
        problem(odd, 400, "read_after.invalid")
        assert reached.status_code == 200, (path, reached.text)
        assert "Read-After" in {each["name"] for each in operation["parameters"]}, path


def test_a_position_beyond_the_end_is_refused(tenant: Tenant) -> None:
    for path in readable(tenant):
        answer = tenant.http.get(path, headers={"Read-After": str(tenant.position + 1)})
        (error,) = problem(answer, 400, "read_after.ahead")["errors"]
        assert error["header"] == "Read-After"


@pytest.mark.parametrize("position", ["x", "-1", "1.0", "", "9" * 30, "1, 2", "\xb2"])
def test_what_is_no_position_is_refused(tenant: Tenant, position: str) -> None:
    for path in LISTS:
        answer = tenant.http.get(path, headers=[(b"Read-After", position.encode("latin-1"))])
        problem(answer, 400, "read_after.invalid")


def test_positions_count_for_the_callers_tenant(installation: Installation, tenant: Tenant) -> None:
    for _ in range(5):
        tenant.add()
    other = installation.tenant()
    answer = other.http.get("/v1/contacts", headers={"Read-After": str(tenant.position)})
    problem(answer, 400, "read_after.ahead")


def test_zero_and_old_positions_are_included_always(tenant: Tenant) -> None:
    for path in readable(tenant):
        assert tenant.http.get(path, headers={"Read-After": "0"}).status_code == 200
        assert tenant.http.get(path, headers={"Read-After": "1"}).status_code == 200


def test_a_read_model_that_stays_behind_is_told_after_two_seconds(installation: Installation, tenant: Tenant) -> None:
    made = tenant.add()
    assert tenant.get("/v1/contacts").json()["data"] == [made]
    with psycopg.connect(installation.ready["postgres_admin"]) as holds_up_the_projector:
        holds_up_the_projector.execute(
            "SELECT FROM read.checkpoint WHERE tenant_id = %s FOR UPDATE", (tenant.id,)
        ).fetchall()
        other = tenant.add({"name": "Grace Hopper"})
        headers = {"Read-After": str(tenant.position), "Authorization": f"Bearer {tenant.token}"}
        answer = httpx.get(f"{installation.ready['url']}/v1/contacts", headers=headers, timeout=PATIENCE)
        problem(answer, 503, "read_after.timeout")
        assert answer.headers["Retry-After"].isdecimal()
        assert answer.elapsed.total_seconds() > 1.9
        assert tenant.http.get("/v1/contacts", headers={"Read-After": "0"}).json()["data"] == [made], (
            "without Read-After it says what it knows"
        )
    assert tenant.get("/v1/contacts", sort="created_at").json()["data"] == [made, other]
