"""Examples of what is done to contacts besides changing their fields, as the API document and its tests use them."""

from typing import Any

from api.http.examples import CONTACT

TAGS: dict[str, Any] = {"add": ["vip"], "remove": ["prospect"]}
TAGGED: dict[str, Any] = CONTACT | {"version": 2, "tags": ["mathematics", "vip"], "updated_at": "2026-01-05T10:00:00Z"}
RESTORED: dict[str, Any] = CONTACT | {"version": 3, "updated_at": "2026-01-05T11:00:00Z"}
ALL_TAGS: dict[str, Any] = {
    "data": [{"tag": "vip", "count": 12}, {"tag": "Vendor", "count": 3}],
    "next_cursor": None,
}
