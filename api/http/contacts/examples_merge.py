"""Examples of bodies about merged contacts: made-up people."""

from typing import Any

from api.http.examples import CONTACT

_TWIN_ID = "019b1f4e-9c4f-7e35-a174-5c3e7a2d9c32"

MERGE: dict[str, Any] = {"from": _TWIN_ID, "choose": {"title": "from"}}
UNMERGE: dict[str, Any] = {"from": _TWIN_ID}
SURVIVOR: dict[str, Any] = CONTACT | {"version": 2, "title": "Countess", "updated_at": "2026-01-05T10:00:00Z"}
TWIN: dict[str, Any] = CONTACT | {
    "id": _TWIN_ID,
    "version": 3,
    "emails": [],
    "company": None,
    "title": "Countess",
    "tags": [],
    "updated_at": "2026-01-05T11:00:00Z",
}
UNMERGED: dict[str, Any] = {"into": CONTACT | {"version": 3, "updated_at": "2026-01-05T11:00:00Z"}, "from": TWIN}
