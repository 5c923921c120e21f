"""R1.2, R1.4: sessions: kept with refresh tokens that are good once, seen, and ended."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import psycopg
import pytest

from tests.acceptance.installation import PASSWORD, Installation, Tenant, bad_fields, problem
from tests.acceptance.patient import patient
from tests.acceptance.people import login, person

pytestmark = pytest.mark.servers

NEW = "a better horse battery staple"


@pytest.fixture
def http(installation: Installation) -> Any:
    """Somebody who is not signed in."""
    with patient(str(installation.ready["url"])) as client:
        yield client


def refresh(http: httpx.Client, token: str) -> httpx.Response:
    return http.post("/v1/auth/refresh", json={"refresh_token": token})


def me(http: httpx.Client, tokens: dict[str, str]) -> httpx.Response:
    return http.get("/v1/auth/sessions", headers={"Authorization": f"Bearer {tokens['access_token']}"})


def signed_out(http: httpx.Client, tokens: dict[str, str]) -> None:
    problem(me(http, tokens), 401, "auth.session_ended")


def later(installation: Installation, seconds: int = 11) -> None:
    """So much time passes for every session."""
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        connection.execute("UPDATE store.session SET rotated_at = rotated_at - make_interval(secs => %s)", (seconds,))


def security_events(installation: Installation, tenant: Tenant) -> list[str]:
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        query = "SELECT topic FROM store.event WHERE tenant_id = %s AND topic LIKE 'security.%%' ORDER BY position"
        return [topic for (topic,) in connection.execute(query, (tenant.id,)).fetchall()]


def test_a_sign_up_and_a_login_give_tokens_that_get_more_tokens(http: httpx.Client, tenant: Tenant) -> None:
    tokens = login(http, tenant.email)
    assert tokens.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    for _ in range(3):
        answer = refresh(http, tokens["refresh_token"])
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.json().keys() == tokens.keys()
        assert answer.json()["refresh_token"] != tokens["refresh_token"]
        tokens = answer.json()
        assert me(http, tokens).status_code == 200


def test_the_same_token_again_at_once_gets_the_same_successor(http: httpx.Client, tenant: Tenant) -> None:
    tokens = login(http, tenant.email)
    first, second = refresh(http, tokens["refresh_token"]), refresh(http, tokens["refresh_token"])
    assert first.json()["refresh_token"] == second.json()["refresh_token"]
    assert refresh(http, second.json()["refresh_token"]).status_code == 200


def test_refreshes_at_the_same_time_do_not_sign_an_honest_client_out(http: httpx.Client, tenant: Tenant) -> None:
    token = login(http, tenant.email)["refresh_token"]
    for _ in range(5):
        with ThreadPoolExecutor(8) as tabs:
            answers = list(tabs.map(partial(refresh, http), [token] * 8))
        assert {answer.status_code for answer in answers} == {200}
        (token,) = {answer.json()["refresh_token"] for answer in answers}


def test_a_token_used_again_later_ends_its_session(
    installation: Installation, http: httpx.Client, tenant: Tenant
) -> None:
    stolen, elsewhere = login(http, tenant.email), login(http, tenant.email)
    successor = refresh(http, stolen["refresh_token"]).json()
    later(installation)

    problem(refresh(http, stolen["refresh_token"]), 401, "auth.refresh_reused")

    signed_out(http, successor)
    signed_out(http, stolen)
    problem(refresh(http, successor["refresh_token"]), 401, "auth.session_ended")
    problem(refresh(http, stolen["refresh_token"]), 401, "auth.refresh_reused")
    assert me(http, elsewhere).status_code == 200
    assert security_events(installation, tenant) == ["security.refresh_reused.v1"]


def test_a_token_older_than_the_last_but_one_ends_its_session_at_once(http: httpx.Client, tenant: Tenant) -> None:
    first = login(http, tenant.email)
    second = refresh(http, first["refresh_token"]).json()
    third = refresh(http, second["refresh_token"]).json()
    problem(refresh(http, first["refresh_token"]), 401, "auth.refresh_reused")
    signed_out(http, third)


@pytest.mark.parametrize("token", ["", "x", "rr_", "rr_AAAA", "rr_\u00e9", "rr_" + "A" * 92, "x" * 10_000])
def test_what_is_no_refresh_token_is_refused(http: httpx.Client, token: str) -> None:
    answer = refresh(http, token)
    problem(answer, 401, "auth.refresh_invalid")
    assert answer.headers["WWW-Authenticate"]


def test_a_refresh_token_changed_anywhere_is_refused(http: httpx.Client, tenant: Tenant) -> None:
    token = login(http, tenant.email)["refresh_token"]
    for place in range(3, len(token) - 1, 7):
        changed = token[:place] + ("B" if token[place] == "A" else "A") + token[place + 1 :]
        problem(refresh(http, changed), 401, "auth.refresh_invalid")
    assert refresh(http, token).status_code == 200


def test_an_access_token_does_not_refresh_and_a_refresh_token_does_not_sign_in(
    http: httpx.Client, tenant: Tenant
) -> None:
    tokens = login(http, tenant.email)
    problem(refresh(http, tokens["access_token"]), 401, "auth.refresh_invalid")
    problem(me(http, {"access_token": tokens["refresh_token"]}), 401, "auth.token_invalid")


def test_a_logout_ends_this_session_and_no_other(http: httpx.Client, tenant: Tenant) -> None:
    here, there = login(http, tenant.email), login(http, tenant.email)
    answer = http.post("/v1/auth/logout", headers={"Authorization": f"Bearer {here['access_token']}"})
    assert answer.status_code == 204
    signed_out(http, here)
    problem(refresh(http, here["refresh_token"]), 401, "auth.session_ended")
    assert me(http, there).status_code == 200
    assert refresh(http, there["refresh_token"]).status_code == 200


def test_a_logout_everywhere_ends_every_session_of_the_user_alone(
    installation: Installation, http: httpx.Client, tenant: Tenant
) -> None:
    colleague = person(installation, tenant, ["admin"])
    sessions = [login(http, tenant.email) for _ in range(3)]
    body = {"everywhere": True}
    answer = http.post("/v1/auth/logout", json=body, headers={"Authorization": f"Bearer {sessions[0]['access_token']}"})
    assert answer.status_code == 204
    for session in (*sessions, {"access_token": tenant.token}):
        signed_out(http, session)
    problem(refresh(http, sessions[1]["refresh_token"]), 401, "auth.session_ended")
    assert me(colleague.http, colleague.tokens).status_code == 200
    assert me(http, login(http, tenant.email)).status_code == 200


def test_a_user_sees_the_sessions_that_last_and_ends_one(http: httpx.Client, tenant: Tenant) -> None:
    here = login(http, tenant.email)
    headers = {"Authorization": f"Bearer {here['access_token']}"}
    phone = http.post(
        "/v1/auth/login",
        json={"email": tenant.email, "password": PASSWORD},
        headers={"User-Agent": "Phone/1.0"},
    ).json()

    listed = me(http, here).json()["data"]
    assert [one["current"] for one in listed] == [False, True, False]
    assert (listed[0]["client"], listed[0]["address"]) == ("Phone/1.0", "127.0.0.1")

    path = f"/v1/auth/sessions/{listed[0]['id']}"
    assert http.delete(path, headers=headers).status_code == 204
    signed_out(http, phone)
    problem(http.delete(path, headers=headers), 410, "session.deleted")
    assert [one["id"] for one in me(http, here).json()["data"]] == [one["id"] for one in listed[1:]]


def test_a_session_of_somebody_else_is_missing(installation: Installation, tenant: Tenant) -> None:
    colleague, stranger = person(installation, tenant), installation.tenant()
    for other in (colleague.http, stranger.http):
        (session,) = other.get("/v1/auth/sessions").json()["data"]
        problem(tenant.http.delete(f"/v1/auth/sessions/{session['id']}"), 404, "session.not_found")
        assert other.get("/v1/auth/sessions").status_code == 200


def test_a_changed_password_ends_every_session_and_answers_a_new_one(http: httpx.Client, tenant: Tenant) -> None:
    here, there = login(http, tenant.email), login(http, tenant.email)
    headers = {"Authorization": f"Bearer {here['access_token']}"}
    body = {"current": PASSWORD, "new": NEW}

    answer = http.post("/v1/auth/password/change", json=body, headers=headers)

    assert answer.status_code == 200
    for session in (here, there):
        signed_out(http, session)
        problem(refresh(http, session["refresh_token"]), 401, "auth.session_ended")
    assert me(http, answer.json()).status_code == 200
    old = http.post("/v1/auth/login", json={"email": tenant.email, "password": PASSWORD})
    problem(old, 401, "auth.invalid_credentials")
    login(http, tenant.email, NEW)


def test_a_password_is_changed_by_those_only_who_know_it(tenant: Tenant) -> None:
    def change(**body: str) -> dict[str, str]:
        return bad_fields(tenant.http.post("/v1/auth/password/change", json=body))

    assert change(current="wrong", new="short") == {"/current": "password.wrong", "/new": "password.too_short"}
    assert change(new=NEW) == {"/current": "field.required"}
    assert tenant.http.get("/v1/auth/sessions").status_code == 200


def test_an_address_is_in_no_table_of_the_log_in_the_clear(installation: Installation, tenant: Tenant) -> None:
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        query = "SELECT metadata FROM store.event WHERE tenant_id = %s"
        stored = [metadata for (metadata,) in connection.execute(query, (tenant.id,)).fetchall()]
    assert len(stored) == 3
    assert all(b'"address":{' in metadata and b"127.0.0.1" not in metadata for metadata in stored)
