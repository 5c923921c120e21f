"""R1.2, N-S1: signing keys and master keys are changed while two API processes serve."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from infra.keys.turns import LEAD_SECONDS
from tests.acceptance.command_line import ran
from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.people import login
from tests.acceptance.test_up import rapport

pytestmark = pytest.mark.servers


@pytest.fixture
def second(urls: list[str]) -> str:
    """Another API process of the same installation; its URL."""
    return urls[1]


def keys(installation: Installation, *words: str) -> Any:
    """What `rapport keys ... --json` says."""
    done = ran(installation.data, "keys", *words, "--json")
    assert done.code == 0, done.error
    return json.loads(done.out.splitlines()[-1])


def passed(installation: Installation, seconds: int) -> None:
    """So much time, for the keys."""
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        connection.execute(
            """UPDATE ops.signing_key SET signs_from = signs_from - make_interval(secs => %(s)s),
                      retires_at = retires_at - make_interval(secs => %(s)s)""",
            {"s": seconds},
        )


def me(url: str, token: str) -> httpx.Response:
    return httpx.get(f"{url}/v1/me", headers={"Authorization": f"Bearer {token}"})


def published(url: str) -> list[str]:
    return [key["kid"] for key in httpx.get(f"{url}/.well-known/jwks.json").json()["keys"]]


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def test_a_rotation_signs_nobody_out_on_any_process(installation: Installation, tenant: Tenant, second: str) -> None:
    first, old = str(installation.ready["url"]), tenant.token
    kid = keys(installation, "rotate")["kid"]
    assert [(key["kid"], key["state"]) for key in keys(installation, "list")][-2:] == [
        (kid_of(old), "signs"),
        (kid, "published"),
    ]
    passed(installation, LEAD_SECONDS)

    # A token of the new key is good also where that is not known yet; and once it is known, that signs.
    said = jwt.decode(old, options={"verify_signature": False})
    key = installation.signing_keys().signer(time.time())
    assert key.kid == kid
    made = jwt.encode(said, key.private, "EdDSA", headers={"kid": kid})
    assert me(first, made).status_code == me(second, made).status_code == 200
    new = login(tenant.http, tenant.email)["access_token"]
    assert kid_of(new) == kid
    for url in (first, second):
        assert me(url, old).status_code == me(url, new).status_code == 200
        assert {kid_of(old), kid} <= set(published(url))
        client = jwt.PyJWKClient(f"{url}/.well-known/jwks.json")
        for token in (old, new):
            assert jwt.decode(token, client.get_signing_key_from_jwt(token), ["EdDSA"], issuer="rapport")["tid"]


def test_a_stolen_key_is_good_for_nothing_once_another_one_was_made_at_once(
    installation: Installation, tenant: Tenant, second: str
) -> None:
    refresh = login(tenant.http, tenant.email)["refresh_token"]
    kid = keys(installation, "rotate", "--at-once")["kid"]
    said = jwt.decode(tenant.token, options={"verify_signature": False})
    made = jwt.encode(said, installation.signing_keys().signer(time.time()).private, "EdDSA", headers={"kid": kid})
    for url in (str(installation.ready["url"]), second):
        assert me(url, made).status_code == 200
        problem(me(url, tenant.token), 401, "auth.token_invalid")
        assert published(url) == [kid]
    answer = tenant.http.post("/v1/auth/refresh", json={"refresh_token": refresh})
    assert kid_of(answer.json()["access_token"]) == kid


def test_what_is_wrapped_with_the_current_master_key_stays_so(installation: Installation) -> None:
    assert keys(installation, "rewrap") == {"rewrapped": 0}


def test_people_see_which_key_signs_and_are_told_where_there_is_nothing_to_see(
    installation: Installation, tmp_path: Path
) -> None:
    (signing,) = [key["kid"] for key in keys(installation, "list") if key["state"] == "signs"]
    shown = rapport("keys", "list", RAPPORT_DATA=str(installation.data))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert [signing in line for line in shown.stdout.splitlines() if "signs" in line and "from" not in line] == [True]
    nowhere = ran(tmp_path, "keys", "rotate")
    assert nowhere.code == 1
    assert "RAPPORT_POSTGRES_DSN" in nowhere.error
