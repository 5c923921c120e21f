"""Examples of notifications, as the API document and its tests use them."""

from typing import Any

from api.http.examples import CONTACT

NOTIFICATION: dict[str, Any] = {
    "id": "5b0c1e7a-93f4-5d1c-a3a5-2f6a1b0c9d8e",
    "kind": "lead_inactive",
    "at": "2026-02-05T06:00:00Z",
    "actor_id": None,
    "lead_id": CONTACT["id"],
    "contact_id": None,
    "note_id": None,
    "read_at": None,
}
NOTIFICATIONS: dict[str, Any] = {"data": [NOTIFICATION], "next_cursor": None, "unread": 1}
READ: dict[str, Any] = NOTIFICATION | {"read_at": "2026-02-05T09:00:00Z"}
USUAL: dict[str, Any] = {"app": True, "mail": "instant"}
PUT_PREFERENCES: dict[str, Any] = {"kinds": {"lead_assigned": {"mail": "digest"}}, "digest_hour": 8}
PREFERENCES: dict[str, Any] = {
    "id": "0d2f6a5e-1c3b-5e7f-9a8b-7c6d5e4f3a2b",
    "version": 1,
    "kinds": {"lead_inactive": USUAL, "lead_assigned": USUAL | {"mail": "digest"}, "mention": USUAL},
    "digest_hour": 8,
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
