"""Examples of bodies, as the API document and its tests use them: made-up people."""

from typing import Any

_TOKEN = "eyJhbGciOiJFZERTQSIsImtpZCI6IlF4N2YifQ.eyJzdWIiOiIwMTliMWYifQ.c2lnbmF0dXJl"  # noqa: S105
_CONTACT_ID = "019b1f4e-7d3a-7c11-9f52-3a1c5e0b7a10"
_USER_ID = "019b1f4e-1a2b-7e01-8c3d-0a9b8c7d6e5f"

SIGN_UP: dict[str, Any] = {
    "tenant_name": "Analytical Engines Ltd",
    "name": "Grace Hopper",
    "email": "grace@engines.example",
    "password": "correct horse battery staple",
}
LOGIN: dict[str, Any] = {"email": "grace@engines.example", "password": "correct horse battery staple"}
TOKENS: dict[str, Any] = {"access_token": _TOKEN, "token_type": "Bearer", "expires_in": 86400}
SIGNED_UP: dict[str, Any] = TOKENS | {"tenant_id": "019b1f4e-0000-7000-8000-00000000000a", "user_id": _USER_ID}
JWKS: dict[str, Any] = {
    "keys": [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "alg": "EdDSA",
            "use": "sig",
            "kid": "Qx7f3kPz0aBc1dEf",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }
    ]
}
NEW_CONTACT: dict[str, Any] = {
    "name": "Ada Lovelace",
    "email": "ada@engines.example",
    "phone": "+44 20 7946 0018",
    "company": "Analytical Engines Ltd",
    "tags": ["mathematics"],
}
CONTACT: dict[str, Any] = {
    "id": _CONTACT_ID,
    "version": 1,
    "name": {"given": "Ada", "family": "Lovelace", "display": "Ada Lovelace"},
    "emails": [{"value": "ada@engines.example", "kind": "work", "primary": True}],
    "phones": [{"value": "+442079460018", "kind": "work", "primary": True}],
    "company": {"id": "019b1f4e-7d3a-7c11-9f52-3a1c5e0b7a11", "name": "Analytical Engines Ltd"},
    "title": None,
    "tags": ["mathematics"],
    "owner_id": _USER_ID,
    "custom": {},
    "external_ids": {},
    "lifecycle": "lead",
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
ENTRY: dict[str, Any] = {
    "position": 7,
    "at": "2026-01-05T10:00:00Z",
    "actor": {"kind": "user", "id": _USER_ID, "name": "Grace Hopper"},
    "action": "contact.changed",
    "target": {"kind": "contact", "id": _CONTACT_ID},
    "changes": [{"field": "title", "old": None, "new": "Countess"}],
    "address": None,
    "correlation_id": "5f0c9a52c1d74c0e",
}
DRY_REGISTRATION: dict[str, Any] = {
    "dry_run": True,
    "events": [
        {
            "type": "contact.registered.v1",
            "data": {name: CONTACT[name] for name in ("name", "emails", "phones", "tags", "owner_id")},
        }
    ],
    "state": CONTACT,
}
DRY_DELETION: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "contact.deleted.v1", "data": {}}],
    "state": CONTACT | {"version": 2, "updated_at": "2026-01-05T10:00:00Z"},
}
READY: dict[str, Any] = {
    "status": "ok",
    "components": {
        "postgres": {"status": "ok"},
        "nats": {"status": "ok"},
        "valkey": {"status": "ok"},
        "search": {"status": "ok", "backend": "opensearch"},
    },
}
NOT_READY: dict[str, Any] = READY | {
    "status": "unavailable",
    "components": READY["components"] | {"postgres": {"status": "unavailable"}},
}
