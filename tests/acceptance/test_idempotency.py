"""N-R2: a request with a key is carried out once, whatever is lost on the way."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, problem
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

BODY = {"name": "Ada Lovelace", "company": "Engines"}


@pytest.fixture(scope="module")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that a test may break."""
    with Installation(tmp_path_factory.mktemp("broken") / "data", "--no-demo", "--search", "postgres") as running:
        yield running


def test_the_same_request_again_gets_the_first_answer(tenant: Tenant) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = tenant.http.post("/v1/contacts", json=BODY, headers=headers)
    tenant.http.patch(first.headers["Location"], json={"title": "Countess"})

    again = tenant.http.post("/v1/contacts", json=BODY, headers=headers)

    assert "Idempotent-Replay" not in first.headers
    assert again.headers["Idempotent-Replay"] == "true"
    assert (again.status_code, again.json()) == (201, first.json())
    for name in ("Location", "ETag", "Event-Position"):
        assert again.headers[name] == first.headers[name]


def test_changes_and_deletions_are_kept_too(tenant: Tenant) -> None:
    path = f"/v1/contacts/{tenant.add()['id']}"
    patches = [tenant.http.patch(path, json={"title": "x"}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    deletions = [tenant.http.delete(path, headers={"Idempotency-Key": "k"}) for _ in range(2)]

    assert [answer.status_code for answer in (*patches, *deletions)] == [200, 200, 204, 204]
    assert patches[0].json() == patches[1].json()
    assert deletions[1].headers["Idempotent-Replay"] == "true"
    assert deletions[0].headers["Event-Position"] == deletions[1].headers["Event-Position"]


def test_another_body_under_the_same_key_is_refused(tenant: Tenant) -> None:
    tenant.add(BODY, **{"Idempotency-Key": "k"})
    answer = tenant.http.post("/v1/contacts", json=BODY | {"title": "x"}, headers={"Idempotency-Key": "k"})
    problem(answer, 422, "idempotency.key_reused")


def test_a_key_belongs_to_its_method_and_path(tenant: Tenant) -> None:
    one, two = (tenant.add({"name": name}) for name in ("Ada", "Grace"))
    for made in (one, two):
        answer = tenant.http.patch(f"/v1/contacts/{made['id']}", json={"title": "x"}, headers={"Idempotency-Key": "k"})
        assert answer.json()["id"] == made["id"]
        assert "Idempotent-Replay" not in answer.headers


def test_a_refused_request_leaves_its_key_free(tenant: Tenant) -> None:
    headers = {"Idempotency-Key": "k"}
    problem(tenant.http.post("/v1/contacts", json={}, headers=headers), 422, "validation.failed")
    assert tenant.http.post("/v1/contacts", json=BODY, headers=headers).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\xe9"])
def test_a_key_is_1_to_255_visible_characters(tenant: Tenant, key: str) -> None:
    answer = tenant.http.post("/v1/contacts", json=BODY, headers={b"Idempotency-Key": key.encode("latin-1")})
    (error,) = problem(answer, 400, "idempotency.key_invalid")["errors"]
    assert error["header"] == "Idempotency-Key"


def test_the_longest_key_works(tenant: Tenant) -> None:
    headers = {"Idempotency-Key": "~" * 255}
    answers = [tenant.http.post("/v1/contacts", json=BODY, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()


def test_the_same_request_many_times_at_once_is_carried_out_once(tenant: Tenant) -> None:
    headers = {"Idempotency-Key": "k"}
    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda _: tenant.http.post("/v1/contacts", json=BODY, headers=headers), range(8)))

    made = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert len({answer.json()["id"] for answer in made}) == 1
    assert len(made) + len(waiting) == 8
    for answer in waiting:
        problem(answer, 409, "idempotency.in_progress")
        assert int(answer.headers["Retry-After"]) >= 1
    tenant.position = int(made[0].headers["Event-Position"])
    assert len(tenant.get("/v1/contacts").json()["data"]) == 1


def test_a_key_outlives_the_process_that_took_it(breakable: Installation) -> None:
    tenant = breakable.tenant()
    headers = {"Idempotency-Key": "k"}
    first = tenant.http.post("/v1/contacts", json=BODY, headers=headers)

    breakable.wait_for_role("api", other_than=breakable.kill_role("api"))
    again = answered(tenant, headers)

    assert again.headers["Idempotent-Replay"] == "true"
    assert (again.status_code, again.json()) == (201, first.json())


def test_what_was_under_way_when_the_process_died_happened_once_or_not_at_all(breakable: Installation) -> None:
    tenant = breakable.tenant()
    keys = [f"k{n}" for n in range(30)]

    def send(key: str) -> None:
        with suppress(httpx.TransportError):
            tenant.http.post("/v1/contacts", json=BODY, headers={"Idempotency-Key": key})

    with ThreadPoolExecutor(8) as people:
        sent = people.map(send, keys)
        killed = breakable.kill_role("api")
        list(sent)
    breakable.wait_for_role("api", other_than=killed)

    answered(tenant, {"Idempotency-Key": "first"})
    answers = [tenant.http.post("/v1/contacts", json=BODY, headers={"Idempotency-Key": key}) for key in keys]
    last = answered(tenant, {"Idempotency-Key": "last"})
    tenant.position = int(last.headers["Event-Position"])

    # A request that died before its commit leaves a mark that fades by itself: it has not happened, and is told so.
    made = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len(made) >= len(keys) - 8
    listed = [contact["id"] for page in tenant.pages("/v1/contacts") for contact in page]
    assert len(set(made)) == len(made)
    assert len(listed) == len(set(listed)) == len(made) + 2
    assert set(made) < set(listed)


def answered(tenant: Tenant, headers: dict[str, str]) -> httpx.Response:
    """The answer of an API that is just coming up again."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            answer = tenant.http.post("/v1/contacts", json=BODY, headers=headers)
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        if answer.status_code == 201:
            return answer
        assert answer.status_code == 503, answer.text
        time.sleep(0.1)
    raise TimeoutError
