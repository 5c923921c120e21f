"""Examples of bodies, as the API document and its tests use them: made-up people."""

from typing import Any

_TOKEN = "eyJhbGciOiJFZERTQSIsImtpZCI6IlF4N2YifQ.eyJzdWIiOiIwMTliMWYifQ.c2lnbmF0dXJl"  # noqa: S105
_REFRESH = "rr_AZsfTgAAcACAAAAAAAAACgGbH04aLHACqxQtPj4vYGEAAAABc2lnbmF0dXJl"
_CONTACT_ID = "019b1f4e-7d3a-7c11-9f52-3a1c5e0b7a10"
_USER_ID = "019b1f4e-1a2b-7e01-8c3d-0a9b8c7d6e5f"

SIGN_UP: dict[str, Any] = {
    "tenant_name": "Analytical Engines Ltd",
    "name": "Grace Hopper",
    "email": "grace@engines.example",
    "password": "correct horse battery staple",
}
LOGIN: dict[str, Any] = {"email": "grace@engines.example", "password": "correct horse battery staple"}
TOKENS: dict[str, Any] = {
    "access_token": _TOKEN,
    "refresh_token": _REFRESH,
    "token_type": "Bearer",
    "expires_in": 86400,
}
REFRESH: dict[str, Any] = {"refresh_token": _REFRESH}
ENROLMENT: dict[str, Any] = {
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "otpauth_url": (
        "otpauth://totp/Rapport:grace@engines.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
        "&issuer=Rapport&algorithm=SHA1&digits=6&period=30"
    ),
    "recovery_codes": ["mfrg-gzdf-mztw-q2lk", "nbsw-y3dp-eb3w-64tm"],
}
TOTP_CODE: dict[str, Any] = {"code": "287082"}
LOGOUT: dict[str, Any] = {"everywhere": False}
PASSWORD_CHANGE: dict[str, Any] = {"current": "correct horse battery staple", "new": "a better horse battery staple"}
SESSION: dict[str, Any] = {
    "id": "019b1f4e-5c6d-7f02-ab14-2d3e3e2f6061",
    "created_at": "2026-01-05T09:00:00Z",
    "last_used_at": "2026-01-05T09:30:00Z",
    "expires_at": "2026-02-04T09:30:00Z",
    "client": "curl/8.11.0",
    "address": "192.0.2.7",
    "current": True,
}
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
NEW_USER: dict[str, Any] = {
    "name": "Ada Byron",
    "email": "ada.byron@engines.example",
    "password": "a plate of iron wheels",
    "roles": ["sales"],
}
PROFILE: dict[str, Any] = {"title": "Head of Sales", "phone": "+44 20 7946 0018", "timezone": "Europe/London"}
ROLES_GIVEN: dict[str, Any] = {"roles": ["sales", "marketing"]}
USER: dict[str, Any] = {
    "id": _USER_ID,
    "version": 1,
    "name": "Ada Byron",
    "email": "ada.byron@engines.example",
    "roles": ["sales"],
    "status": "active",
    "teams": [],
    "title": None,
    "phone": None,
    "timezone": None,
    "locale": None,
    "last_login_at": None,
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
ME: dict[str, Any] = USER | {"totp_enabled": False}
DRY_USER: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "user.registered.v1", "data": {"name": "Ada Byron", "email": "ada.byron@engines.example"}}],
    "state": USER,
}
EXPLANATION: dict[str, Any] = {
    "permissions": [
        {"permission": "contacts.read", "scope": "all", "from": ["sales"]},
        {"permission": "reports.read", "scope": None, "from": ["sales"]},
    ],
    "field_rules": [],
}
MY_PERMISSIONS: dict[str, Any] = {
    "permissions": ["contacts.read:all", "reports.read"],
    "roles": ["interns"],
    "field_rules": [{"resource": "contacts", "field": "phones", "access": "hidden"}],
}
PERMISSIONS: dict[str, Any] = {
    "data": [
        {"permission": "contacts.read", "description": "See contacts, companies and their history", "scoped": True}
    ],
    "next_cursor": None,
}
NEW_ROLE: dict[str, Any] = {"name": "Auditors", "permissions": ["audit.read", "contacts.read:all"]}
ROLE: dict[str, Any] = {
    "id": "019b1f4e-9a8b-7c0d-8e1f-2a3b4c5d6e7f",
    "version": 1,
    "key": "auditors",
    "name": "Auditors",
    "built_in": False,
    "permissions": ["audit.read", "contacts.read:all"],
    "field_rules": [],
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
DRY_ROLE: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "role.defined.v1", "data": NEW_ROLE | {"key": "auditors"}}],
    "state": ROLE,
}
DRY_ROLE_DELETION: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "role.deleted.v1", "data": {}}],
    "state": ROLE | {"version": 2},
}
TEAM: dict[str, Any] = {
    "id": "019b1f4e-9a8b-7c0d-8e1f-2a3b4c5d6e80",
    "version": 1,
    "name": "North",
    "user_ids": [],
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
DRY_TEAM: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "team.founded.v1", "data": {"name": "North"}}],
    "state": TEAM,
}
_LINK = "rl_AZsfTgAAcACAAAAAAAAACgGbH04aLHACqxQtPj4vYGFzZWNyZXQtb2YtdGhpcnR5LXR3by1ieXRlcy1sZW4"
INVITE: dict[str, Any] = {"email": "charles@engines.example", "roles": ["sales"]}
INVITED: dict[str, Any] = USER | INVITE | {"name": "", "status": "invited"}
DRY_INVITE: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "user.invited.v1", "data": INVITE}],
    "state": INVITED,
}
ACCEPTANCE: dict[str, Any] = {"token": _LINK, "name": "Charles Babbage", "password": "a plate of iron wheels"}
FORGOT: dict[str, Any] = {"email": "grace@engines.example"}
RESET: dict[str, Any] = {"token": _LINK, "password": "a plate of iron wheels"}
API_KEY_TEXT = "rk_AZsfTpqLfA2OHyo7TF1uggGbH04AAHAAgAAAAAAAAAp0aGlydHktdHdvIG1hZGUtdXAgYnl0ZXMgb2Ygc2VjcmV0bWFkZXVwXzg"
NEW_API_KEY: dict[str, Any] = {"name": "Nightly import", "roles": ["sales"], "expires_at": "2099-01-01T00:00:00Z"}
API_KEY: dict[str, Any] = {
    "id": "019b1f4e-9a8b-7c0d-8e1f-2a3b4c5d6e82",
    "version": 1,
    "name": "Nightly import",
    "roles": ["sales"],
    "user_id": _USER_ID,
    "prefix": API_KEY_TEXT[:15],
    "expires_at": "2099-01-01T00:00:00Z",
    "last_used_at": None,
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
DRY_API_KEY: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "api_key.issued.v1", "data": NEW_API_KEY | {"user_id": _USER_ID, "prefix": API_KEY["prefix"]}}],
    "state": API_KEY,
}
DRY_REVOCATION: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "api_key.revoked.v1", "data": {}}],
    "state": API_KEY | {"version": 2},
}
AUDIT_ENTRY: dict[str, Any] = ENTRY | {"address": "192.0.2.7"}
SECURITY_EVENT: dict[str, Any] = {
    "position": 9,
    "at": "2026-01-05T10:00:00Z",
    "kind": "sign_in_failed",
    "severity": "low",
    "actor": None,
    "address": "192.0.2.66",
    "detail": "somebody gave a wrong password for this user",
    "user": {"id": _USER_ID, "name": "Grace Hopper"},
    "correlation_id": "5f0c9a52c1d74c0e",
}
SIGHT: dict[str, Any] = {"user_id": _USER_ID, "permission": "contacts.read", "scope": "all", "from": ["sales"]}
