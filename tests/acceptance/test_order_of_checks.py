"""R7.1, R2.3, R6.3, N-U3: the order of checks decides what a stranger learns, so it is fixed."""

import uuid
from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.people import person

pytestmark = pytest.mark.servers

NOWHERE = f"/v1/contacts/{uuid.uuid4()}"
EVERYTHING_WRONG: dict[str, Any] = {
    "content": b"{" * 2_000_000,
    "headers": {"Content-Type": "text/plain", "If-Match": "nonsense"},
}


@pytest.fixture
def powerless(installation: Installation, tenant: Tenant) -> dict[str, str]:
    """The header of a user of the tenant who holds no role."""
    return {"Authorization": f"Bearer {person(installation, tenant).token}"}


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "GET"])
def test_who_asks_comes_first(tenant: Tenant, method: str) -> None:
    path = "/v1/contacts" if method == "POST" else NOWHERE
    headers = EVERYTHING_WRONG["headers"] | {"Authorization": ""}

    answer = tenant.http.request(method, path, content=EVERYTHING_WRONG["content"], headers=headers)

    problem(answer, 401, "auth.token_missing")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("method", "permission"),
    [("POST", "write"), ("PATCH", "write"), ("DELETE", "delete"), ("GET", "read")],
)
def test_whether_they_may_comes_second(tenant: Tenant, powerless: dict[str, str], method: str, permission: str) -> None:
    path = "/v1/contacts" if method == "POST" else NOWHERE
    headers = EVERYTHING_WRONG["headers"] | powerless

    answer = tenant.http.request(method, path, content=EVERYTHING_WRONG["content"], headers=headers)

    assert problem(answer, 403, "permission.missing")["permission"] == f"contacts.{permission}"


def test_what_a_token_allows_does_not_depend_on_whether_the_record_is_there(
    tenant: Tenant, powerless: dict[str, str]
) -> None:
    made = tenant.add()
    there = tenant.http.get(f"/v1/contacts/{made['id']}", headers=powerless)
    assert without_correlation(there) == without_correlation(tenant.http.get(NOWHERE, headers=powerless))


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_whether_it_is_there_comes_before_the_body(tenant: Tenant, method: str) -> None:
    problem(tenant.http.request(method, NOWHERE, **EVERYTHING_WRONG), 404, "contact.not_found")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_that_it_is_gone_comes_before_the_body_too(tenant: Tenant, method: str) -> None:
    path = f"/v1/contacts/{tenant.add()['id']}"
    assert tenant.http.delete(path).status_code == 204
    problem(tenant.http.request(method, path, **EVERYTHING_WRONG), 410, "contact.deleted")


def test_then_comes_the_version_then_the_body(tenant: Tenant) -> None:
    path = f"/v1/contacts/{tenant.add()['id']}"

    def patch(content: bytes, **headers: str) -> httpx.Response:
        return tenant.http.patch(path, content=content, headers={"Content-Type": "text/plain", **headers})

    assert problem(patch(b"{", **{"If-Match": '"9"'}), 412, "precondition.version")["version"] == 1
    problem(patch(b"{", **{"If-Match": "9"}), 400, "if_match.invalid")
    problem(patch(b"x" * 2_000_000), 413, "body.too_large")
    problem(patch(b"{"), 415, "body.media_type")
    problem(patch(b"{", **{"Content-Type": "application/json"}), 400, "body.malformed")
    problem(patch(b"[]", **{"Content-Type": "application/json"}), 422, "validation.failed")


def test_unknown_paths_and_methods_are_told_plainly(tenant: Tenant) -> None:
    problem(tenant.http.get("/v1/contracts"), 404, "route.not_found")
    for method in ("PUT", "OPTIONS"):
        for path, allowed in (("/v1/contacts", "GET, HEAD, POST"), (NOWHERE, "DELETE, GET, HEAD, PATCH")):
            answer = tenant.http.request(method, path)
            problem(answer, 405, "method.not_allowed")
            assert answer.headers["Allow"] == allowed
    assert tenant.http.head("/v1/auth/login").headers["Allow"] == "POST"


def test_head_is_answered_as_get_without_what_follows_the_head(tenant: Tenant) -> None:
    tenant.add()
    for path in ("/v1/contacts", NOWHERE, "/v1/contacts?colour=red", "/health/live", "/v1/contacts/export"):
        whole, head = tenant.http.get(path), tenant.http.head(path)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert tenant.http.head("/v1/pipeline/stream").status_code == 200  # where GET goes on for ever
    stranger = {"Authorization": ""}
    assert tenant.http.head("/v1/contacts", headers=stranger).status_code == 401


def without_correlation(answer: httpx.Response) -> tuple[int, bytes]:
    """Status and body, but for the one member that always differs."""
    return answer.status_code, answer.content.replace(answer.headers["X-Correlation-Id"].encode(), b"")
