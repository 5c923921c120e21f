"""Examples of interactions, as the API document and its tests use them."""

from typing import Any

from api.http.examples import CONTACT

_USER_ID = CONTACT["owner_id"]
_ID = "019b1f4e-9c1d-7a20-8f41-6a1d2c3b4e5f"

NEW_INTERACTION: dict[str, Any] = {
    "type": "call",
    "direction": "inbound",
    "occurred_at": "2026-01-05T09:10:00Z",
    "participants": [{"name": "Ada Lovelace", "address": "ada@engines.example"}],
    "subject": "Punched cards",
    "body": "Asked for a quote for 24,000 cards.",
    "outcome": "interested",
    "duration_seconds": 420,
    "next_action": {"text": "Send the quote", "due_at": "2026-01-07T12:00:00Z"},
}
INTERACTION: dict[str, Any] = NEW_INTERACTION | {
    "id": _ID,
    "contact_id": CONTACT["id"],
    "version": 1,
    "channel": "phone",
    "recorded_at": "2026-01-05T09:30:00Z",
    "company_id": None,
    "lead_id": None,
    "attachments": [],
    "thread_id": None,
    "external_id": None,
    "author_id": _USER_ID,
    "flags": [],
    "missing": [],
    "suggested_contact": None,
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
INCOMPLETE: dict[str, Any] = INTERACTION | {
    "contact_id": None,
    "flags": ["incomplete"],
    "missing": ["contact_id"],
    "suggested_contact": {"name": "Ada Lovelace", "email": "ada@engines.example"},
}
COMPLETING: dict[str, Any] = {
    "occurred_at": "2026-01-05T09:10:00Z",
    "contact": {"name": "Ada Lovelace", "email": "ada@engines.example"},
}
DRY_LOG: dict[str, Any] = {
    "dry_run": True,
    "events": [
        {
            "type": "interaction.logged.v1",
            "data": {"type": "call", "subject": "Punched cards"},
        }
    ],
    "state": INCOMPLETE,
}
BATCH: dict[str, Any] = {"items": [NEW_INTERACTION, {"type": "email", "external_id": "<42@mail.engines.example>"}]}
RESULTS: dict[str, Any] = {
    "results": [{"index": 0, "status": 201, "id": _ID}, {"index": 1, "status": 200, "id": CONTACT["id"]}]
}
ENTRY: dict[str, Any] = {
    "id": _ID,
    "kind": "interaction",
    "type": "call",
    "channel": "phone",
    "occurred_at": "2026-01-05T09:10:00Z",
    "title": "Punched cards",
    "author": {"id": _USER_ID, "name": "Grace Hopper"},
    "outcome": "interested",
    "refs": {"interaction_id": _ID, "contact_id": CONTACT["id"]},
    "position": 7,
}
