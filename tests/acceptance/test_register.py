"""R1.1, R1.3, N-U2: signing up and signing in."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.acceptance.installation import PASSWORD, Installation, Tenant, bad_fields, problem
from tests.acceptance.patient import patient

pytestmark = pytest.mark.servers


@pytest.fixture
def http(installation: Installation) -> Any:
    """Somebody who is not signed in."""
    with patient(str(installation.ready["url"])) as client:
        yield client


def sign_up(**members: Any) -> dict[str, Any]:
    email = f"admin-{uuid.uuid4().hex[:12]}@engines.example"
    return {"tenant_name": "Engines", "name": "Grace Hopper", "email": email, "password": PASSWORD} | members


def login(http: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    return http.post("/v1/auth/login", json={"email": email, "password": password})


def test_a_sign_up_signs_in(http: httpx.Client) -> None:
    answer = http.post("/v1/auth/register", json=sign_up())
    made = answer.json()

    assert answer.status_code == 201
    assert made["token_type"] == "Bearer"
    assert made["expires_in"] == 86_400
    assert uuid.UUID(made["tenant_id"]) != uuid.UUID(made["user_id"])
    assert int(answer.headers["Event-Position"]) == 3
    assert answer.headers["Cache-Control"] == "no-store"
    listed = http.get("/v1/contacts", headers={"Authorization": f"Bearer {made['access_token']}"})
    assert listed.json() == {"data": [], "next_cursor": None}


def test_a_login_answers_a_token_that_works(http: httpx.Client, tenant: Tenant) -> None:
    answer = login(http, f" {tenant.email.upper()} ")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    token = answer.json()["access_token"]
    assert http.get("/v1/contacts", headers={"Authorization": f"bearer {token}"}).status_code == 200


def test_an_email_belongs_to_one_user_of_the_installation_whatever_its_case(http: httpx.Client) -> None:
    body = sign_up()
    assert http.post("/v1/auth/register", json=body).status_code == 201
    for email in (body["email"], body["email"].upper(), f" {body['email']} "):
        (error,) = problem(http.post("/v1/auth/register", json=body | {"email": email}), 409, "user.email_taken")[
            "errors"
        ]
        assert error["pointer"] == "/email"


def test_an_international_email_signs_in_in_either_spelling(http: httpx.Client) -> None:
    local = f"g{uuid.uuid4().hex[:8]}"
    body = sign_up(email=f"{local}@xn--bcher-kva.example")
    assert http.post("/v1/auth/register", json=body).status_code == 201
    assert login(http, f"{local}@b\u00fccher.example").status_code == 200
    assert login(http, body["email"]).status_code == 200


def test_of_many_at_once_one_gets_the_email(http: httpx.Client) -> None:
    body = sign_up()
    with ThreadPoolExecutor(4) as people:
        statuses = [a.status_code for a in people.map(lambda _: http.post("/v1/auth/register", json=body), range(4))]
    assert sorted(statuses) == [201, 409, 409, 409]


@pytest.mark.parametrize("length", [71, 72, 73, 80, 1024])
def test_every_byte_of_a_password_counts(http: httpx.Client, length: int) -> None:
    body = sign_up(password="p" * length)
    assert http.post("/v1/auth/register", json=body).status_code == 201

    assert login(http, body["email"], body["password"]).status_code == 200
    for wrong in ("p" * (length - 1) + "q", "p" * (length - 1), "p" * (length + 1)):
        problem(login(http, body["email"], wrong), 401, "auth.invalid_credentials")


def test_a_long_password_differing_in_byte_80_does_not_sign_in(http: httpx.Client) -> None:
    body = sign_up(password="\u00e9" * 60)
    assert http.post("/v1/auth/register", json=body).status_code == 201
    problem(login(http, body["email"], "\u00e9" * 39 + "\u00e8" + "\u00e9" * 20), 401, "auth.invalid_credentials")
    assert login(http, body["email"], body["password"]).status_code == 200


@pytest.mark.parametrize(
    "password", ["ten chars\x00 then nothing", "  spaces count  ", "\U0001f600" * 10, "p\u0301" * 8]
)
def test_passwords_are_taken_as_they_are(http: httpx.Client, password: str) -> None:
    body = sign_up(password=password)
    assert http.post("/v1/auth/register", json=body).status_code == 201
    assert login(http, body["email"], password).status_code == 200
    problem(
        login(http, body["email"], password.split("\x00", maxsplit=1)[0].strip()[:9]), 401, "auth.invalid_credentials"
    )


def test_every_bad_field_of_a_sign_up_is_named_at_once(http: httpx.Client) -> None:
    body = {"tenant_name": " ", "name": "G\x00", "email": "nobody", "password": "short", "roles": ["admin"]}
    assert bad_fields(http.post("/v1/auth/register", json=body)) == {
        "/tenant_name": "field.blank",
        "/name": "text.control_character",
        "/email": "email.invalid",
        "/password": "password.too_short",
        "/roles": "field.unknown",
    }
    assert bad_fields(http.post("/v1/auth/register", json={"name": 5})) == {
        "/tenant_name": "field.required",
        "/name": "type.wrong",
        "/email": "field.required",
        "/password": "field.required",
    }
    assert bad_fields(http.post("/v1/auth/login", json={"email": 1})) == {
        "/email": "type.wrong",
        "/password": "field.required",
    }


def test_every_refused_login_is_the_same_to_the_byte(http: httpx.Client, tenant: Tenant) -> None:
    attempts = [
        (tenant.email, "wrong password"),
        (f"nobody-{uuid.uuid4().hex}@engines.example", PASSWORD),
        (f"not an address {uuid.uuid4().hex}", PASSWORD),
        ("", ""),
        ("\x00", "\x00"),
        (tenant.email, "x" * 100_000),
    ]
    answers = [login(http, *attempt) for attempt in attempts]
    for answer in answers:
        problem(answer, 401, "auth.invalid_credentials")
        assert answer.headers["WWW-Authenticate"]
    assert len({a.content.replace(a.headers["X-Correlation-Id"].encode(), b"") for a in answers}) == 1
