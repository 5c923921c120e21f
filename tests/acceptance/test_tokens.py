"""R1.2, R7.1: tokens that a standard client verifies with the JWKS alone, and that nobody else can make."""

import base64
import json
import time
import uuid
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from commands.identity.access import Claims
from tests.acceptance.installation import Installation, Tenant, problem

pytestmark = pytest.mark.servers


def decoded(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def claims_of(tenant: Tenant) -> Claims:
    """What the tenant's own token says."""
    said = decoded(tenant.token)
    return Claims(uuid.UUID(said["tid"]), uuid.UUID(said["sub"]), uuid.UUID(said["sid"]), said["epoch"])


def asking(tenant: Tenant, authorization: str | bytes) -> httpx.Response:
    value = authorization if isinstance(authorization, bytes) else authorization.encode("latin-1")
    return tenant.http.get("/v1/contacts", headers=[(b"Authorization", value)])


def refused(tenant: Tenant, token: str, code: str = "auth.token_invalid") -> None:
    answer = asking(tenant, f"Bearer {token}")
    problem(answer, 401, code)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def part(data: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


def test_a_standard_client_verifies_a_token_with_the_jwks_alone(installation: Installation, tenant: Tenant) -> None:
    client = jwt.PyJWKClient(f"{installation.ready['url']}/.well-known/jwks.json")

    key = client.get_signing_key_from_jwt(tenant.token)
    claims = jwt.decode(tenant.token, key, algorithms=["EdDSA"], issuer="rapport", options={"require": ["exp", "iat"]})

    assert claims["sub"] == tenant.user_id
    assert claims["exp"] - claims["iat"] == 86_400
    assert jwt.get_unverified_header(tenant.token)["kid"] == key.key_id


def test_the_jwks_holds_public_keys_only(tenant: Tenant) -> None:
    answer = tenant.http.get("/.well-known/jwks.json", headers={"Authorization": ""})
    assert answer.status_code == 200
    assert answer.json()["keys"]
    for key in answer.json()["keys"]:
        assert set(key) == {"kty", "crv", "alg", "use", "kid", "x"}
        assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")


def test_a_token_holds_no_personal_data(tenant: Tenant) -> None:
    claims = decoded(tenant.token)
    assert claims.keys() == {"iss", "sub", "tid", "sid", "epoch", "iat", "exp"}
    assert claims["tid"] == tenant.id


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic YTpi", "Token x", "\xff"])
def test_no_token_at_all(tenant: Tenant, authorization: str) -> None:
    problem(asking(tenant, authorization), 401, "auth.token_missing")


def test_an_expired_token_is_refused_and_told_so(installation: Installation, tenant: Tenant) -> None:
    said = claims_of(tenant)
    good, _ = installation.tokens(60).issue(said)
    assert asking(tenant, f"Bearer {good}").status_code == 200

    refused(tenant, installation.tokens(-1).issue(said)[0], "auth.token_expired")


def test_a_token_that_was_good_is_refused_once_it_has_expired(installation: Installation, tenant: Tenant) -> None:
    said = claims_of(tenant)
    token, _ = installation.tokens(2).issue(said)
    assert asking(tenant, f"Bearer {token}").status_code == 200
    time.sleep(2.1)
    refused(tenant, token, "auth.token_expired")


def test_a_token_changed_anywhere_is_refused(tenant: Tenant) -> None:
    header, payload, signature = tenant.token.split(".")
    claims = decoded(tenant.token)
    for changed in (
        {"tid": str(uuid.uuid4())},
        {"sid": str(uuid.uuid4())},
        {"epoch": 1},
        {"exp": claims["exp"] + 9},
        {"sub": "x"},
    ):
        refused(tenant, f"{header}.{part(claims | changed)}.{signature}")
    refused(tenant, f"{header}.{payload}.{'A' * len(signature)}")
    refused(tenant, f"{header}.{payload}.")
    refused(tenant, f"{header}.{payload}")
    refused(tenant, f"{part({'alg': 'EdDSA', 'kid': 'other'})}.{payload}.{signature}")


def test_a_token_without_a_signature_is_refused(tenant: Tenant) -> None:
    claims = decoded(tenant.token)
    kid = jwt.get_unverified_header(tenant.token)["kid"]
    for algorithm in ("none", "None", "NONE", ""):
        refused(tenant, f"{part({'alg': algorithm, 'kid': kid, 'typ': 'JWT'})}.{part(claims)}.")


def test_a_token_signed_with_another_key_is_refused(installation: Installation, tenant: Tenant) -> None:
    claims = decoded(tenant.token)
    kid = jwt.get_unverified_header(tenant.token)["kid"]
    own = Ed25519PrivateKey.generate()
    for headers in ({"kid": kid}, {"kid": "mine"}, {}):
        refused(tenant, jwt.encode(claims, own, "EdDSA", headers=headers))
    # The public key as the secret of a symmetric signature: the classic confusion of algorithms.
    public = installation.signing_keys().signer(time.time()).public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    refused(tenant, jwt.encode(claims, public, "HS256", headers={"kid": kid}))


def test_a_token_of_another_issuer_or_without_its_claims_is_refused(installation: Installation, tenant: Tenant) -> None:
    key, claims = installation.signing_keys().signer(time.time()), decoded(tenant.token)

    def signed(**changed: Any) -> str:
        kept = {name: value for name, value in (claims | changed).items() if value is not None}
        return jwt.encode(kept, key.private, "EdDSA", headers={"kid": key.kid})

    assert asking(tenant, f"Bearer {signed()}").status_code == 200
    for changed in (
        {"iss": "somebody"},
        {"iss": None},
        {"exp": None},
        {"tid": None},
        {"tid": "x"},
        {"sid": None},
        {"epoch": None},
    ):
        refused(tenant, signed(**changed))


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        "....",
        "\u00e9.\u00e9.\u00e9",
        "e30.e30.e30",
        "x" * 20_000,
        part({"alg": "EdDSA", "kid": []}) + ".e30.x",
    ],
)
def test_any_nonsense_is_an_invalid_token(tenant: Tenant, token: str) -> None:
    refused(tenant, token)


def test_a_token_in_the_query_or_a_cookie_counts_for_nothing(tenant: Tenant) -> None:
    headers = {"Authorization": "", "Cookie": f"access_token={tenant.token}"}
    answer = tenant.http.get("/v1/contacts", params={"access_token": tenant.token}, headers=headers)
    problem(answer, 401, "auth.token_missing")
