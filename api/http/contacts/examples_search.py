"""Examples of searches."""

from typing import Any

from api.http.examples import CONTACT

SEARCH: dict[str, Any] = {
    "q": "lovelase",
    "filter_groups": [
        {
            "filters": [
                {"field": "tags", "operator": "IN", "values": ["customer", "partner"]},
                {"field": "created_at", "operator": "GTE", "value": "2026-01-01T00:00:00Z"},
            ]
        },
        {"filters": [{"field": "company", "operator": "CONTAINS_TOKEN", "value": "engines"}]},
    ],
    "sort": [{"field": "family", "direction": "asc"}],
    "limit": 20,
}
SELECTED: dict[str, Any] = {"data": [CONTACT | {"score": 0.6, "matched": ["name", "company"]}], "next_cursor": None}
