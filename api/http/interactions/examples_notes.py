"""Examples of notes, as the API document and its tests use them."""

from typing import Any

from api.http.examples import CONTACT

_USER_ID = CONTACT["owner_id"]
_HTML = "<p>Wants <strong>24,000</strong> cards.</p><ul><li>by March</li></ul>"
_TEXT = "Wants 24,000 cards.\n- by March"

NEW_NOTE: dict[str, Any] = {"html": _HTML}
NOTE: dict[str, Any] = {
    "id": "019b1f4e-ad2e-7b31-9a52-7b2e3d4c5f60",
    "version": 1,
    "contact_id": CONTACT["id"],
    "html": _HTML,
    "text": _TEXT,
    "author_id": _USER_ID,
    "mentions": [],
    "edits": 0,
    "edited_at": None,
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
EDITED: dict[str, Any] = NOTE | {
    "version": 2,
    "html": "<p>Wants 48,000 cards.</p>",
    "text": "Wants 48,000 cards.",
    "edits": 1,
    "edited_at": "2026-01-05T10:15:00Z",
    "updated_at": "2026-01-05T10:15:00Z",
}
CHANGE: dict[str, Any] = {"html": EDITED["html"]}
VERSIONS: list[dict[str, Any]] = [
    {name: each[name] for name in ("version", "html", "text", "author_id")} | {"at": each["updated_at"]}
    for each in (EDITED, NOTE)
]
DRY_ADD: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "note.added.v1", "data": {"contact_id": CONTACT["id"], "html": _HTML}}],
    "state": NOTE,
}
DRY_EDIT: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "note.edited.v1", "data": {"subject_id": CONTACT["id"], "html": EDITED["html"]}}],
    "state": EDITED,
}
DRY_REMOVE: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "note.removed.v1", "data": {}}],
    "state": NOTE,
}
