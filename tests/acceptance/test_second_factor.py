"""R1.3, R1.4: signing in with a second factor, and what an attacker makes of it."""

import base64
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from commands.identity import totp
from tests.acceptance.installation import LIFTED, PASSWORD, Installation, Tenant, bad_fields, problem
from tests.acceptance.more import more_apis
from tests.acceptance.people import Person, mails_to, person
from tests.waiting import until

pytestmark = pytest.mark.servers


class Device:
    """A user's authenticator app, whose clock can be set a step back or ahead."""

    def __init__(self, http: httpx.Client) -> None:
        answer = http.post("/v1/auth/totp/enrol")
        assert answer.status_code == 200, answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        self.told: dict[str, Any] = answer.json()
        self.recovery: list[str] = self.told["recovery_codes"]

    def code(self, off: int = 0) -> str:
        """The code of now, or of so many steps later. Never within two seconds of a step's end."""
        if (left := totp.STEP_SECONDS - time.time() % totp.STEP_SECONDS) < 2:
            time.sleep(left)
        step = int(time.time()) // totp.STEP_SECONDS + off
        return totp.code(base64.b32decode(self.told["secret"]), step)


def switched_on(http: httpx.Client) -> Device:
    device = Device(http)
    answer = http.post("/v1/auth/totp/confirm", json={"code": device.code(-1)})
    assert answer.status_code == 204, answer.text
    return device


def sign_in(who: Person, code: str | None = None, password: str = PASSWORD) -> httpx.Response:
    return who.http.post("/v1/auth/login", json={"email": who.email, "password": password, "totp": code})


def refused(answer: httpx.Response) -> None:
    problem(answer, 401, "auth.invalid_credentials")


def kinds(tenant: Tenant) -> list[str]:
    return [event["kind"] for event in tenant.http.get("/v1/security-events").json()["data"]]


@pytest.fixture
def ada(installation: Installation, tenant: Tenant) -> Person:
    return person(installation, tenant)


def test_a_second_factor_is_asked_for_once_it_is_confirmed(ada: Person) -> None:
    device = Device(ada.http)
    assert device.told["secret"] in device.told["otpauth_url"]
    assert sign_in(ada).status_code == 200
    assert ada.http.get("/v1/me").json()["totp_enabled"] is False

    assert ada.http.post("/v1/auth/totp/confirm", json={"code": device.code()}).status_code == 204

    assert ada.http.get("/v1/me").json()["totp_enabled"] is True
    problem(sign_in(ada), 401, "auth.totp_required")
    problem(sign_in(ada, ""), 401, "auth.totp_required")
    assert sign_in(ada, device.code(1)).status_code == 200


def test_a_wrong_password_is_refused_the_same_with_or_without_a_right_code(ada: Person) -> None:
    device = switched_on(ada.http)
    refused(sign_in(ada, password="wrong password"))
    refused(sign_in(ada, device.code(), password="wrong password"))
    wrong = f"{(int(device.code()) + 1) % 10**6:06}"
    for code in (wrong, "x", "1" * 100, device.recovery[0][:-1]):
        refused(sign_in(ada, code))
    # Nothing of that has used up the code.
    assert sign_in(ada, device.code()).status_code == 200


def test_a_code_is_good_once(ada: Person) -> None:
    device = switched_on(ada.http)
    refused(sign_in(ada, device.code(-1)))
    code = device.code()
    with ThreadPoolExecutor(6) as thieves:
        answers = list(thieves.map(lambda _: sign_in(ada, code).status_code, range(6)))
    assert sorted(answers) == [200, 401, 401, 401, 401, 401]


def test_a_code_is_good_once_on_every_process_also_on_one_that_was_started_later(
    installation: Installation, ada: Person
) -> None:
    device = switched_on(ada.http)
    code, recovery = device.code(), device.recovery[0]
    assert sign_in(ada, code).status_code == sign_in(ada, recovery).status_code == 200
    with more_apis(installation, 1, LIFTED) as (url,):
        for spent in (code, recovery):
            body = {"email": ada.email, "password": PASSWORD, "totp": spent}
            refused(httpx.post(f"{url}/v1/auth/login", json=body))


def test_a_recovery_code_stands_in_for_the_device_once(ada: Person, tenant: Tenant) -> None:
    device = switched_on(ada.http)
    first, second = device.recovery[0], device.recovery[1].upper().replace("-", " ")
    with ThreadPoolExecutor(4) as thieves:
        answers = list(thieves.map(lambda _: sign_in(ada, first).status_code, range(4)))
    assert sorted(answers) == [200, 401, 401, 401]
    refused(sign_in(ada, first))
    assert sign_in(ada, second).status_code == 200
    assert kinds(tenant).count("recovery_code_used") == 2


def test_it_is_switched_off_with_a_code_or_a_recovery_code(ada: Person, tenant: Tenant) -> None:
    device = switched_on(ada.http)
    wrong = ada.http.post("/v1/auth/totp/disable", json={"code": device.code(-1)})
    assert bad_fields(wrong) == {"/code": "totp.wrong"}
    assert ada.http.post("/v1/auth/totp/disable", json={"code": device.code()}).status_code == 204
    assert sign_in(ada).status_code == 200
    problem(ada.http.post("/v1/auth/totp/disable", json={"code": device.code(1)}), 409, "auth.totp_missing")

    again = Device(ada.http)
    assert ada.http.post("/v1/auth/totp/confirm", json={"code": again.code(1)}).status_code == 204
    old = ada.http.post("/v1/auth/totp/disable", json={"code": device.recovery[3]})
    assert bad_fields(old) == {"/code": "totp.wrong"}
    assert ada.http.post("/v1/auth/totp/disable", json={"code": again.recovery[3]}).status_code == 204
    assert sign_in(ada).status_code == 200
    assert kinds(tenant) == ["totp_disabled", "totp_enabled"] * 2


def test_who_has_a_session_alone_does_not_replace_a_second_factor(ada: Person) -> None:
    switched_on(ada.http)
    problem(ada.http.post("/v1/auth/totp/enrol"), 409, "auth.totp_enabled")
    problem(ada.http.post("/v1/auth/totp/confirm", json={"code": "123456"}), 409, "auth.totp_enabled")


async def test_guessing_codes_stops_and_asking_without_one_forgives_nothing(ada: Person, tenant: Tenant) -> None:
    device = switched_on(ada.http)
    wrong = f"{(int(device.code()) + 7) % 10**6:06}"
    statuses: list[int] = []
    for _ in range(11):
        if len(statuses) < 10:
            problem(sign_in(ada), 401, "auth.totp_required")
        statuses.append(sign_in(ada, wrong).status_code)
    assert statuses == [401] * 10 + [429]
    problem(ada.http.post("/v1/auth/totp/disable", json={"code": wrong}), 429, "auth.throttled")
    await until(lambda: kinds(tenant).count("second_factor_failed") == 10)


async def test_whose_sign_in_is_changed_gets_a_mail(installation: Installation, ada: Person) -> None:
    def told() -> list[str]:
        return [str(mail.get_payload()).partition("\n")[0] for mail in mails_to(installation, ada.email)]

    device = switched_on(ada.http)
    assert ada.http.post("/v1/auth/totp/disable", json={"code": device.code()}).status_code == 204
    body = {"current": PASSWORD, "new": "a plate of iron wheels"}
    assert ada.http.post("/v1/auth/password/change", json=body).status_code == 200
    await until(lambda: len(told()) == 3)
    assert sorted(told()) == [
        "A second factor was switched on for your account.",
        "The password of your account was changed.",
        "The second factor of your account was switched off.",
    ]


def test_another_password_does_not_switch_it_off(ada: Person) -> None:
    device = switched_on(ada.http)
    body = {"current": PASSWORD, "new": "a plate of iron wheels"}
    assert ada.http.post("/v1/auth/password/change", json=body).status_code == 200
    problem(sign_in(ada, password=body["new"]), 401, "auth.totp_required")
    assert sign_in(ada, device.code(), password=body["new"]).status_code == 200


def test_neither_secret_nor_recovery_codes_can_be_read_anywhere(
    installation: Installation, ada: Person, tenant: Tenant
) -> None:
    device = switched_on(ada.http)
    assert sign_in(ada, device.recovery[0]).status_code == 200
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        query = "SELECT data, metadata FROM store.event WHERE tenant_id = %s"
        stored = b"".join(b"".join(row) for row in connection.execute(query, (tenant.id,)).fetchall())
    told = "".join(tenant.http.get(path).text for path in (f"/v1/audit?target_id={ada.id}", f"/v1/users/{ada.id}"))
    shown = told.encode() + stored
    secrets = [device.told["secret"], *(totp.digest(uuid.UUID(ada.id), code) for code in device.recovery[1:])]
    assert [secret for secret in secrets if secret.encode() in shown] == []
    assert "user.totp_confirmed" in told


def test_an_api_key_has_no_second_factor(tenant: Tenant) -> None:
    key = tenant.http.post("/v1/api-keys", json={"name": "Import", "roles": []}).json()["key"]
    for act in ("enrol", "confirm", "disable"):
        answer = tenant.http.post(
            f"/v1/auth/totp/{act}", json={"code": "1"}, headers={"Authorization": f"Bearer {key}"}
        )
        problem(answer, 403, "auth.user_required")
