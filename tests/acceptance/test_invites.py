"""R1.1, R1.4: invitations and forgotten passwords, by mail."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.acceptance.installation import PASSWORD, Installation, Tenant, bad_fields, problem
from tests.acceptance.people import login, mails_to, person
from tests.waiting import until

pytestmark = pytest.mark.servers

NEW = "a plate of iron wheels"


def somebody() -> str:
    return f"new-{uuid.uuid4().hex[:12]}@engines.example"


def token_in(mail: Message) -> str:
    (token,) = re.findall(r"^rl_\S+$", str(mail.get_payload()), re.MULTILINE)
    return str(token)


def invited(installation: Installation, tenant: Tenant, *roles: str) -> tuple[dict[str, object], str]:
    """The user to be, and the token of the mail."""
    address = somebody()
    answer = tenant.http.post("/v1/invites", json={"email": address, "roles": roles})
    assert answer.status_code == 201, answer.text
    (mail,) = mails_to(installation, address)
    token = token_in(mail)
    assert token not in answer.text
    return answer.json(), token


def accept(http: httpx.Client, token: str, **members: str) -> httpx.Response:
    return http.post("/v1/auth/invites/accept", json={"token": token, "name": "Ada", "password": NEW} | members)


def expire(installation: Installation, user_id: str) -> None:
    """Mails that were sent to a user are out of date: of the log, only a superuser can change that."""
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        connection.execute(
            """UPDATE store.event SET data = regexp_replace(convert_from(data, 'UTF8'), '"expires_at":"[0-9]{4}',
                      '"expires_at":"2020')::bytea WHERE stream_id = %s""",
            (user_id,),
        )


def test_somebody_invited_joins_with_a_name_and_a_password_of_their_own(
    installation: Installation, tenant: Tenant
) -> None:
    to_be, token = invited(installation, tenant, "marketing")
    assert (to_be["status"], to_be["roles"], to_be["name"]) == ("invited", ["marketing"], "")

    answer = accept(tenant.http, token)

    joined = answer.json()
    assert answer.status_code == 201
    assert (joined["tenant_id"], joined["user_id"]) == (tenant.id, to_be["id"])
    headers = {"Authorization": f"Bearer {joined['access_token']}"}
    me = tenant.http.get("/v1/me", headers=headers).json()
    assert (me["name"], me["status"], me["email"]) == ("Ada", "active", to_be["email"])
    assert tenant.http.get("/v1/contacts", headers=headers).status_code == 200
    login(tenant.http, str(to_be["email"]), NEW)


def test_an_invitation_is_good_once(installation: Installation, tenant: Tenant) -> None:
    _, token = invited(installation, tenant)
    assert accept(tenant.http, token).status_code == 201
    assert bad_fields(accept(tenant.http, token)) == {"/token": "token.spent"}


def test_an_invitation_is_good_for_a_while(installation: Installation, tenant: Tenant) -> None:
    to_be, token = invited(installation, tenant)
    expire(installation, str(to_be["id"]))
    assert bad_fields(accept(tenant.http, token)) == {"/token": "token.spent"}


def test_what_is_no_token_is_refused_with_all_else_that_is_wrong(tenant: Tenant) -> None:
    for token in ("", "rl_", "rl_" + "A" * 86, "x" * 1000, "rl_\u00e9"):
        assert bad_fields(accept(tenant.http, token, name=" ", password="short")) == {
            "/token": "token.spent",
            "/name": "field.blank",
            "/password": "password.too_short",
        }
    assert bad_fields(tenant.http.post("/v1/auth/invites/accept", json={"name": "x", "password": NEW})) == {
        "/token": "field.required"
    }


def test_a_token_of_an_invitation_is_not_in_the_log(installation: Installation, tenant: Tenant) -> None:
    to_be, token = invited(installation, tenant)
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        rows = connection.execute("SELECT data FROM store.event WHERE stream_id = %s", (to_be["id"],)).fetchall()
    assert rows
    assert all(token[-40:].encode() not in data for (data,) in rows)


def test_nobody_invites_into_roles_that_they_do_not_hold_or_who_is_there_already(
    installation: Installation, tenant: Tenant
) -> None:
    taken = tenant.http.post("/v1/invites", json={"email": tenant.email, "roles": []})
    problem(taken, 409, "user.email_taken")
    bad = tenant.http.post("/v1/invites", json={"email": "nobody", "roles": ["pilot"]})
    assert bad_fields(bad) == {"/email": "email.invalid", "/roles/0": "role.not_found"}
    ada = person(installation, tenant, ["manager"])
    problem(ada.http.post("/v1/invites", json={"email": somebody(), "roles": []}), 403, "permission.missing")


def test_somebody_who_was_invited_can_be_suspended_and_does_not_join_then(
    installation: Installation, tenant: Tenant
) -> None:
    to_be, token = invited(installation, tenant, "admin")
    problem(tenant.http.put(f"/v1/users/{tenant.user_id}/roles", json={"roles": []}), 409, "user.last_admin")
    assert tenant.http.post(f"/v1/users/{to_be['id']}/suspend").json()["status"] == "suspended"
    assert bad_fields(accept(tenant.http, token)) == {"/token": "token.spent"}
    assert tenant.http.post(f"/v1/users/{to_be['id']}/restore").json()["status"] == "invited"
    assert accept(tenant.http, token).status_code == 201


def test_the_list_shows_who_was_invited(installation: Installation, tenant: Tenant) -> None:
    to_be, _ = invited(installation, tenant)
    tenant.position = int(tenant.http.patch("/v1/me", json={"title": "x"}).headers["Event-Position"])
    listed = {user["id"]: user["status"] for user in tenant.get("/v1/users").json()["data"]}
    assert listed == {tenant.user_id: "active", to_be["id"]: "invited"}


async def test_a_forgotten_password_is_replaced_with_the_token_of_the_mail(
    installation: Installation, tenant: Tenant
) -> None:
    ada = person(installation, tenant)
    asked = tenant.http.post("/v1/auth/password/forgot", json={"email": ada.email.upper()})
    assert (asked.status_code, asked.content) == (202, b"")
    await until(lambda: len(mails_to(installation, ada.email)) == 1)
    body = {"token": token_in(mails_to(installation, ada.email)[0]), "password": NEW}

    assert tenant.http.post("/v1/auth/password/reset", json=body).status_code == 204

    problem(ada.http.get("/v1/me"), 401, "auth.session_ended")
    login(tenant.http, ada.email, NEW)
    assert bad_fields(tenant.http.post("/v1/auth/password/reset", json=body)) == {"/token": "token.spent"}
    old = tenant.http.post("/v1/auth/login", json={"email": ada.email, "password": PASSWORD})
    problem(old, 401, "auth.invalid_credentials")


async def test_a_token_used_by_two_at_once_is_good_for_one(installation: Installation, tenant: Tenant) -> None:
    ada = person(installation, tenant)
    tenant.http.post("/v1/auth/password/forgot", json={"email": ada.email})
    await until(lambda: len(mails_to(installation, ada.email)) == 1)
    body = {"token": token_in(mails_to(installation, ada.email)[0]), "password": NEW}
    _, invitation = invited(installation, tenant)
    with ThreadPoolExecutor(6) as two:
        resets = two.map(lambda _: tenant.http.post("/v1/auth/password/reset", json=body).status_code, range(3))
        joins = two.map(lambda _: accept(tenant.http, invitation).status_code, range(3))
        assert sorted(resets) == [204, 422, 422]
        assert sorted(joins) == [201, 422, 422]


async def test_nobody_learns_who_is_there_by_asking_for_a_password(installation: Installation, tenant: Tenant) -> None:
    nobody, ada = somebody(), person(installation, tenant)
    answers = [tenant.http.post("/v1/auth/password/forgot", json={"email": one}) for one in (nobody, ada.email, "x")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"")}
    await until(lambda: len(mails_to(installation, ada.email)) == 1)
    assert mails_to(installation, nobody) == []


async def test_asking_again_and_again_fills_nobodys_mailbox(installation: Installation, tenant: Tenant) -> None:
    ada = person(installation, tenant)
    for _ in range(6):
        assert tenant.http.post("/v1/auth/password/forgot", json={"email": ada.email}).status_code == 202
    await until(lambda: len(mails_to(installation, ada.email)) >= 3)
    assert len(mails_to(installation, ada.email)) == 3


def test_mails_are_for_the_owner_of_the_folder_only(installation: Installation, tenant: Tenant) -> None:
    invited(installation, tenant)
    folder = Path(installation.ready["mail_folder"])
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())
