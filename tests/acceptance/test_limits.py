"""R7.1, R7.3, OWASP API4:2023: rate limits over HTTP, over three API processes, and without Valkey."""

import os
import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address

import httpx
import psutil
import pytest
from valkey import Valkey

from tests.acceptance.installation import PASSWORD, Installation, Tenant, problem
from tests.acceptance.more import more_apis
from tests.waiting import PATIENCE, wait

pytestmark = pytest.mark.servers

LIMITS = {
    "RAPPORT_RATE_LIMIT_AUTH": "6/60",
    "RAPPORT_RATE_LIMIT_ADDRESS": "20/60",
    "RAPPORT_RATE_LIMIT_USER": "40/60 search=3/60",
    "RAPPORT_RATE_LIMIT_KEY": "4/60",
    "RAPPORT_RATE_LIMIT_TENANT": "100/60",
    "RAPPORT_TRUSTED_PROXIES": "127.0.0.1/32",
    # How busy the machine is must not decide what these tests say.
    "RAPPORT_VALKEY_TIMEOUT_MS": "2000",
}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    data = tmp_path_factory.mktemp("limits") / "data"
    with Installation(data, "--no-demo", "--search", "postgres", environment=LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def urls(first: Installation) -> Iterator[list[str]]:
    """Three API processes on the same servers."""
    with more_apis(first, 2, LIMITS) as more:
        yield [str(first.ready["url"]), *more]


@pytest.fixture
def address() -> str:
    """An address that no other test uses, as a trusted proxy names it."""
    return str(IPv4Address(uuid.uuid4().int % 2**29 + 2**29))


@pytest.fixture
def tenant(first: Installation, address: str) -> Iterator[Tenant]:
    with httpx.Client(base_url=str(first.ready["url"]), headers={"X-Forwarded-For": address}) as http:
        made = Tenant.__new__(Tenant)
        made.email = f"{uuid.uuid4().hex}@engines.example"
        body = {"tenant_name": "Limited", "name": "Grace Hopper", "email": made.email, "password": PASSWORD}
        answer = http.post("/v1/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        made.http, made.token = http, answer.json()["access_token"]
        http.headers["Authorization"] = f"Bearer {made.token}"
        yield made


def at_once(urls: list[str], token: str, number: int) -> list[httpx.Response]:
    """The answers to requests that go to all processes at the same time."""
    with (
        httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE) as http,
        ThreadPoolExecutor(12) as pool,
    ):
        return list(pool.map(http.get, [f"{urls[n % len(urls)]}/v1/me" for n in range(number)]))


def each_has_heard_of_the_others(valkey: str) -> None:
    """Wait until all three have looked who is there since all three were."""
    with Valkey.from_url(valkey) as client:
        wait(lambda: client.zcard("limit:processes") == 3)
        since = time.time()
        wait(lambda: client.zcount("limit:processes", since, "+inf") == 3)


def test_over_three_processes_exactly_the_limit_is_let_through(urls: list[str], tenant: Tenant) -> None:
    answers = at_once(urls, tenant.token, 90)
    assert Counter(answer.status_code for answer in answers) == {200: 40, 429: 50}
    assert sorted(
        int(answer.headers["RateLimit"][9:].split(";")[0]) for answer in answers if answer.is_success
    ) == list(range(40))


def test_a_refusal_says_what_is_limited_and_when_to_come_again(tenant: Tenant) -> None:
    answers = [tenant.http.get("/v1/contacts/search", params={"q": "ada"}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"user-search";q=3;w=60, "tenant";q=100;w=60'
    assert answers[0].headers["RateLimit"].startswith('"user-search";r=2;t=60, "tenant";r=99;t=')
    refused = problem(answers[3], 429, "rate_limit.exceeded")
    assert 30 <= refused["retry_after"] == int(answers[3].headers["Retry-After"]) <= 90
    assert answers[3].headers["RateLimit"].startswith('"user-search";r=0;t=')
    assert "user-search" in refused["detail"]
    assert tenant.http.get("/v1/me").status_code == 200, "another kind of route counts apart"


def test_who_brings_no_token_counts_for_the_address_and_others_there_are_not_kept_out(tenant: Tenant) -> None:
    stranger = {"Authorization": "Bearer no-token"}
    answers = [tenant.http.get("/v1/me", headers=stranger) for _ in range(21)]
    # Signing up was the first of the twenty.
    assert [answer.status_code for answer in answers] == [401] * 19 + [429] * 2
    assert answers[0].headers["RateLimit-Policy"] == '"address";q=20;w=60'
    problem(tenant.http.get("/docs"), 429, "rate_limit.exceeded")
    assert tenant.http.get("/v1/me").status_code == 200
    elsewhere = {"X-Forwarded-For": "192.0.2.1", **stranger}
    problem(tenant.http.get("/v1/me", headers=elsewhere), 401, "auth.token_invalid")


def test_an_api_key_counts_apart_from_the_user_that_it_acts_for(tenant: Tenant) -> None:
    key = tenant.http.post("/v1/api-keys", json={"name": "Import", "roles": ["sales"]}).json()["key"]
    left = tenant.http.get("/v1/me").headers["RateLimit"]
    answers = [tenant.http.get("/v1/contacts", headers={"Authorization": f"Bearer {key}"}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429]
    assert answers[0].headers["RateLimit-Policy"] == '"key";q=4;w=60, "tenant";q=100;w=60'
    assert "limit key is" in problem(answers[4], 429, "rate_limit.exceeded")["detail"]
    assert int(left[9:].split(";")[0]) - 1 == int(tenant.http.get("/v1/me").headers["RateLimit"][9:].split(";")[0])


def test_a_revoked_token_uses_up_nothing_of_its_user(tenant: Tenant) -> None:
    login = {"email": tenant.email, "password": PASSWORD}
    stolen = tenant.http.post("/v1/auth/login", json=login).json()["access_token"]
    revoked = {"Authorization": f"Bearer {stolen}", "X-Forwarded-For": "192.0.2.2"}
    assert tenant.http.post("/v1/auth/logout", headers=revoked).status_code == 204
    left = tenant.http.get("/v1/me").headers["RateLimit"]
    problem(tenant.http.get("/v1/me", headers=revoked), 401, "auth.session_ended")
    assert int(left[9:].split(";")[0]) - 1 == int(tenant.http.get("/v1/me").headers["RateLimit"][9:].split(";")[0])


def test_signing_in_counts_for_the_address_whoever_it_is(tenant: Tenant) -> None:
    login = {"email": tenant.email, "password": PASSWORD}
    answers = [tenant.http.post("/v1/auth/login", json=login) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[0].headers["RateLimit-Policy"] == '"auth";q=6;w=60, "address";q=20;w=60'
    problem(tenant.http.post("/v1/auth/logout"), 429, "rate_limit.exceeded")
    assert tenant.http.get("/v1/me").status_code == 200


def test_whoever_looks_after_the_installation_is_not_limited(tenant: Tenant) -> None:
    for _ in range(25):
        answer = tenant.http.get("/health/live")
        assert answer.status_code == 200
    assert "RateLimit" not in answer.headers


def test_while_valkey_is_frozen_requests_go_on_by_local_shares_and_revocation_holds(
    first: Installation, urls: list[str], tenant: Tenant
) -> None:
    valkey = next(
        child.pid
        for child in psutil.Process(first.process.pid).children(recursive=True)
        if child.name().startswith("valkey")
    )
    login = {"email": tenant.email, "password": PASSWORD}
    other = {"Authorization": f"Bearer {tenant.http.post('/v1/auth/login', json=login).json()['access_token']}"}
    each_has_heard_of_the_others(str(first.ready["valkey"]))
    os.kill(valkey, signal.SIGSTOP)
    try:
        # The first few requests wait for as long as these processes are told to.
        assert tenant.http.post("/v1/auth/logout", headers=other).status_code == 204
        problem(tenant.http.get("/v1/me", headers=other), 401, "auth.session_ended")
        answers = at_once(urls, tenant.token, 90)
        assert Counter(answer.status_code for answer in answers) == {
            200: 3 * (40 // 3) - 1,
            429: 90 - 3 * (40 // 3) + 1,
        }
        started = time.monotonic()
        for _ in range(60):
            assert tenant.http.get("/v1/me", headers={"Authorization": "Bearer x"}).status_code in {401, 429}
        assert time.monotonic() - started < 60, "nothing waits for it any more, or it would have taken two seconds each"
    finally:
        os.kill(valkey, signal.SIGCONT)
