"""R2.4, N-S2: tenants as the platform's operator has them, and a suspension that holds from the next request on."""

import json
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from tests.acceptance.command_line import Ran, rapport
from tests.acceptance.installation import LIFTED, PASSWORD, Installation, Tenant, problem
from tests.acceptance.more import more_apis
from tests.acceptance.patient import patient
from tests.acceptance.people import person
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers


class Operator:
    """The command line of whoever runs the installation."""

    def __init__(self, capsys: pytest.CaptureFixture[str], installation: Installation) -> None:
        self._rapport = partial(rapport, capsys, installation)

    def __call__(self, *words: object) -> Ran:
        return self._rapport("tenant", *words)

    def show(self, tenant: str) -> dict[str, Any]:
        ran = self("show", tenant, "--json")
        assert ran.code == 0, ran.error
        found: dict[str, Any] = json.loads(ran.out)
        return found


@pytest.fixture
def operator(capsys: pytest.CaptureFixture[str], installation: Installation) -> Operator:
    return Operator(capsys, installation)


def login(tenant: Tenant, password: str = PASSWORD) -> httpx.Response:
    return httpx.post(
        f"{tenant.http.base_url}/v1/auth/login", json={"email": tenant.email, "password": password}, timeout=PATIENCE
    )


def test_nobody_of_a_suspended_tenant_gets_in_and_all_go_on_when_it_is_restored(
    installation: Installation, tenant: Tenant, operator: Operator
) -> None:
    signed_in = login(tenant).json()
    key = tenant.http.post("/v1/api-keys", json={"name": "Import", "roles": ["admin"]}).json()["key"]
    with_key = {"Authorization": f"Bearer {key}"}
    asks: list[Callable[[], httpx.Response]] = [
        lambda: tenant.http.get("/v1/me"),
        lambda: tenant.http.get("/v1/contacts", headers=with_key),
        lambda: tenant.http.post("/v1/contacts", json={"name": "Ada"}),
        lambda: login(tenant),
        lambda: tenant.http.post("/v1/auth/refresh", json={"refresh_token": signed_in["refresh_token"]}),
    ]
    with more_apis(installation, 1, LIFTED) as (elsewhere,):
        there = patient(elsewhere, headers=dict(tenant.http.headers))
        installation.clients.append(there)
        assert there.get("/v1/me").status_code == 200

        assert operator("suspend", tenant.id).out == "The tenant is suspended.\n"

        asks.append(lambda: there.get("/v1/me"))
        for ask in asks:
            problem(ask(), 403, "tenant.suspended")
        problem(login(tenant, "wrong password"), 401, "auth.invalid_credentials")
        assert operator.show(tenant.id)["status"] == "suspended"
        assert operator("suspend", tenant.email).out == "The tenant is suspended already.\n"

        assert operator("restore", tenant.id).out == "The tenant is active.\n"

        for ask in asks:
            assert ask().is_success
        there.close()


def test_a_suspension_is_of_one_tenant_and_in_its_audit_trail(
    installation: Installation, tenant: Tenant, operator: Operator
) -> None:
    other = installation.tenant("Bombe Works")
    operator("suspend", tenant.id)
    assert other.http.get("/v1/me").status_code == 200
    operator("restore", tenant.id)
    entries = tenant.http.get("/v1/audit", params={"target_id": tenant.id}).json()["data"]
    assert [(each["action"], each["actor"]["kind"]) for each in entries[:2]] == [
        ("tenant.restored", "system"),
        ("tenant.suspended", "system"),
    ]
    assert entries[1]["changes"] == [{"field": "suspended", "old": False, "new": True}]


def test_tenants_are_listed_and_shown_without_anybodys_data(
    installation: Installation, tenant: Tenant, operator: Operator
) -> None:
    person(installation, tenant, ["sales"])
    tenant.add({"name": "Ada Lovelace"})
    ran = operator("list", "--json")
    listed = {each["id"]: each for each in json.loads(ran.out)}
    assert listed[tenant.id]["name"] == "Analytical Engines Ltd"
    assert listed[tenant.id]["status"] == "active"
    assert "00000000-0000-7000-8000-000000000000" not in listed

    shown = operator.show(tenant.email)
    assert shown == listed[tenant.id] | {
        "users": 2, "users_suspended": 0, "admins": 1, "api_keys": 0, "teams": 0, "events": shown["events"]
    }  # fmt: skip
    for said in (ran.out, operator("show", tenant.id).out, operator("list").out):
        assert "Lovelace" not in said
        assert "@" not in said


def test_users_are_told_by_id_role_and_status_and_found_by_their_email(
    capsys: pytest.CaptureFixture[str], installation: Installation, tenant: Tenant
) -> None:
    ada = person(installation, tenant, ["sales"])
    assert tenant.http.post(f"/v1/users/{ada.id}/suspend").status_code == 200
    tenant.http.post("/v1/api-keys", json={"name": "Import", "roles": []})
    admin = {"id": tenant.user_id, "tenant_id": tenant.id, "status": "active", "roles": ["admin"], "api_keys": 1}
    sales = {"id": ada.id, "tenant_id": tenant.id, "status": "suspended", "roles": ["sales"], "api_keys": 0}

    ran = rapport(capsys, installation, "user", "list", tenant.id, "--json")
    assert json.loads(ran.out) == [admin, sales]
    assert json.loads(rapport(capsys, installation, "user", "show", ada.email.upper(), "--json").out) == sales
    for words in (("list", tenant.id), ("show", tenant.email)):
        assert "@" not in rapport(capsys, installation, "user", *words).out
    for words in (("list", str(uuid.uuid4())), ("show", "nobody@engines.example")):
        ran = rapport(capsys, installation, "user", *words)
        assert (ran.code, ran.out) == (1, "")


@pytest.mark.parametrize("words", [["show"], ["suspend"], ["restore"]])
@pytest.mark.parametrize(
    "nobody", [str(uuid.uuid4()), "nobody@engines.example", "00000000-0000-7000-8000-000000000000"]
)
def test_what_is_no_tenant_is_refused_in_a_sentence(operator: Operator, words: list[str], nobody: str) -> None:
    ran = operator(*words, nobody)
    assert ran.code == 1
    assert "no tenant" in ran.error or "neither" in ran.error
    assert "Traceback" not in ran.error
