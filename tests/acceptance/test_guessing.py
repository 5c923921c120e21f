"""R1.3: guessing a password over HTTP."""

import uuid

import httpx
import psycopg
import pytest

from tests.acceptance.installation import PASSWORD, Installation, Tenant, bad_fields, problem
from tests.acceptance.people import login, person
from tests.waiting import until, wait

pytestmark = pytest.mark.servers


def guess(tenant: Tenant, email: str) -> httpx.Response:
    return tenant.http.post("/v1/auth/login", json={"email": email, "password": "wrong password"})


def topics(installation: Installation, tenant: Tenant) -> list[str]:
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        query = "SELECT topic FROM store.event WHERE tenant_id = %s AND topic LIKE 'security.%%'"
        return [topic for (topic,) in connection.execute(query, (tenant.id,)).fetchall()]


def test_whether_or_not_there_is_such_a_user_guessing_stops_the_same(
    installation: Installation, tenant: Tenant
) -> None:
    there = person(installation, tenant).email
    bodies = set()
    for email in (there, f"{uuid.uuid4().hex}@engines.example"):
        answers = [guess(tenant, email) for _ in range(12)]
        assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
        last = problem(answers[-1], 429, "auth.throttled")
        assert answers[-1].headers["Retry-After"] == str(last["retry_after"]) == "1"
        bodies.add(answers[-1].content.replace(answers[-1].headers["X-Correlation-Id"].encode(), b""))
    assert len(bodies) == 1


def test_a_right_password_starts_the_count_anew(installation: Installation, tenant: Tenant) -> None:
    email = person(installation, tenant).email
    for _ in range(2):
        for _ in range(9):
            problem(guess(tenant, email), 401, "auth.invalid_credentials")
        login(tenant.http, email)


async def test_a_failure_is_a_security_event_of_the_users_tenant(installation: Installation, tenant: Tenant) -> None:
    stranger = installation.tenant()
    guess(stranger, tenant.email)
    guess(stranger, tenant.email)
    guess(stranger, f"{uuid.uuid4().hex}@engines.example")
    await until(lambda: topics(installation, tenant) == ["security.sign_in_failed.v1"] * 2)
    assert topics(installation, stranger) == []


def test_who_has_a_session_gets_no_more_guesses_than_at_the_door(installation: Installation, tenant: Tenant) -> None:
    ada = person(installation, tenant)

    def change(current: str) -> httpx.Response:
        return ada.http.post("/v1/auth/password/change", json={"current": current, "new": "a plate of iron wheels"})

    assert {bad_fields(change("wrong password"))["/current"] for _ in range(10)} == {"password.wrong"}
    problem(change("wrong password"), 429, "auth.throttled")
    problem(change(PASSWORD), 429, "auth.throttled")


def test_asking_whether_emails_are_taken_gets_slow(installation: Installation, tenant: Tenant) -> None:
    body = {"tenant_name": "X", "name": "X", "email": tenant.email, "password": PASSWORD}
    invitation = {"email": tenant.email, "roles": []}
    try:
        for path, asked in (("/v1/auth/register", body), ("/v1/invites", invitation)):
            codes = [tenant.http.post(path, json=asked).json()["code"] for _ in range(60)]
            assert set(codes[:40]) == {"user.email_taken"}
            assert codes[-1] == "auth.throttled"

        def unknown() -> httpx.Response:
            return tenant.http.post("/v1/auth/register", json=body | {"email": f"{uuid.uuid4().hex}@x.example"})

        # The pause may be over by the time that it is asked; each further try makes the next one longer.
        wait(lambda: tenant.http.post("/v1/auth/register", json=body).is_error and unknown().status_code == 429)
    finally:  # other tests sign up from here too
        with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
            connection.execute("DELETE FROM store.sign_in_attempt")


def test_a_common_password_is_refused_at_sign_up(tenant: Tenant) -> None:
    body = {"tenant_name": "X", "name": "X", "email": f"{uuid.uuid4().hex}@x.example", "password": "Password123"}
    errors = problem(tenant.http.post("/v1/auth/register", json=body), 422, "validation.failed")["errors"]
    assert [error["code"] for error in errors] == ["password.common"]
    assert tenant.http.post("/v1/auth/register", json=body | {"password": PASSWORD}).status_code == 201
