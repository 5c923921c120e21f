"""Examples of companies' bodies, as the API document and its tests use them."""

from typing import Any

from api.http.examples import ENTRY

_COMPANY_ID = "019b1f4e-7d3a-7c11-9f52-3a1c5e0b7a11"

NEW_COMPANY: dict[str, Any] = {
    "name": "Analytical Engines Ltd",
    "domain": "https://www.engines.example/",
    "industry": "Machinery",
    "size": "11-50",
    "external_ids": {"erp": "4711"},
}
COMPANY: dict[str, Any] = {
    "id": _COMPANY_ID,
    "version": 1,
    "name": "Analytical Engines Ltd",
    "domain": "engines.example",
    "industry": "Machinery",
    "size": "11-50",
    "parent_id": None,
    "custom": {},
    "external_ids": {"erp": "4711"},
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
COMPANY_PATCH: dict[str, Any] = {"industry": "Computing", "size": 64}
COMPANY_CHANGED: dict[str, Any] = COMPANY | COMPANY_PATCH | {"version": 2}
COMPANY_RESTORED: dict[str, Any] = COMPANY | {"version": 3}
COMPANY_ENTRY: dict[str, Any] = ENTRY | {
    "action": "company.changed",
    "target": {"kind": "company", "id": _COMPANY_ID},
    "changes": [{"field": "industry", "old": "Machinery", "new": "Computing"}],
}
DRY_COMPANY: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "company.registered.v1", "data": {"name": "Analytical Engines Ltd"}}],
    "state": COMPANY,
}
DRY_COMPANY_DELETION: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "company.deleted.v1", "data": {}}],
    "state": COMPANY | {"version": 2},
}
