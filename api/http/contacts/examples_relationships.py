"""Examples of relationships, as the API document and its tests use them."""

from typing import Any

from api.http.examples import CONTACT

KINDS: dict[str, Any] = {"kind": "manager", "reverse_kind": "report"}
RELATIONSHIP: dict[str, Any] = {
    "id": "2f7d4c1a-0a3b-5c4d-8e5f-6a7b8c9d0e1f",
    "version": 1,
    "contact_id": CONTACT["id"],
    "other_id": "019b1f4e-7d3a-7c11-9f52-3a1c5e0b7a1f",
    "other": {
        "id": "019b1f4e-7d3a-7c11-9f52-3a1c5e0b7a1f",
        "name": {"given": "Grace", "family": "Hopper", "display": "Grace Hopper"},
    },
    "kind": "manager",
    "reverse_kind": "report",
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
DRY_RELATIONSHIP: dict[str, Any] = {
    "dry_run": True,
    "events": [
        {
            "type": "relationship.set.v1",
            "data": {name: RELATIONSHIP[name] for name in ("contact_id", "other_id", "kind", "reverse_kind")},
        }
    ],
    "state": RELATIONSHIP,
}
DRY_END: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "relationship.ended.v1", "data": {}}],
    "state": DRY_RELATIONSHIP["state"] | {"version": 2, "updated_at": "2026-01-05T10:00:00Z"},
}
