"""Examples of duplicates and matching rules, as the API document and its tests use them."""

from typing import Any

from api.http.examples import CONTACT

OTHER_ID = "019b1f4e-7d3a-7c11-9f52-3a1c5e0b7a1f"
DUPLICATE: dict[str, Any] = {
    "id": "7b0f2d4a-5c39-5a0e-9f1d-2f4b8a7d3e61",
    "contact_ids": [CONTACT["id"], OTHER_ID],
    "score": 0.9871,
    "decision": "merge",
    "reasons": [
        {"field": "name.given", "agreement": "exact", "weight": 7.06},
        {"field": "name.family", "agreement": "close", "weight": 5.2},
        {"field": "email", "agreement": "exact", "weight": 16.14},
        {"field": "phone", "agreement": "different", "weight": -3.06},
    ],
}
DISMISSED: dict[str, Any] = {
    "id": DUPLICATE["id"],
    "version": 1,
    "contact_ids": DUPLICATE["contact_ids"],
    "dismissed_at": "2026-01-05T09:30:00Z",
}
DRY_DISMISSED: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "duplicates.dismissed.v1", "data": {"contact_ids": DUPLICATE["contact_ids"]}}],
    "state": DISMISSED,
}
PUT_RULES: dict[str, Any] = {
    "keys": ["name", "email", "phone"],
    "suggest_at": 0.5,
    "merge_at": 0.96,
    "auto_merge": False,
}
RULES: dict[str, Any] = {
    "id": "5f3c7d1e-59d5-5b0a-9c0e-2f4b8a7d3e61",
    "version": 1,
    **PUT_RULES,
    "scored": False,
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
DRY_RULES: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "matching_rules.set.v1", "data": PUT_RULES}],
    "state": RULES,
}
