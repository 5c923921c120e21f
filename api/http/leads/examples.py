"""Examples of bodies about leads, customers and the pipeline: made-up people."""

from typing import Any

from api.http import examples

_LEAD_ID = "019b1f4e-9e10-7a20-8b30-4c5d6e7f8091"
_CUSTOMER_ID = "0f4a1c9e-6a1b-5c2d-9e3f-4a5b6c7d8e9f"
_OWNER_ID = str(examples.CONTACT["owner_id"])

NEW_LEAD: dict[str, Any] = {
    "title": "Difference engine for the observatory",
    "contact": {"name": "Mary Somerville", "email": "mary@observatory.example"},
    "company": "Royal Observatory",
    "source": "web",
    "value": {"amount": "12500.00", "currency": "EUR"},
    "tags": ["astronomy"],
}
LEAD: dict[str, Any] = {
    "id": _LEAD_ID,
    "version": 1,
    "title": "Difference engine for the observatory",
    "contact_id": examples.CONTACT["id"],
    "company_id": examples.CONTACT["company"]["id"],
    "customer_id": None,
    "owner_id": _OWNER_ID,
    "source": "web",
    "value": {"amount": "12500.00", "currency": "EUR"},
    "status": "new",
    "status_since": "2026-01-05T09:30:00Z",
    "lost_reason": None,
    "score": 0,
    "tags": ["astronomy"],
    "custom": {},
    "external_ids": {},
    "flags": [],
    "occurred_at": "2026-01-05T09:30:00Z",
    "last_activity_at": "2026-01-05T09:30:00Z",
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
_LATER = {"version": 2, "last_activity_at": "2026-01-06T10:00:00Z", "updated_at": "2026-01-06T10:00:00Z"}
MOVES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "qualify": ({"reason": "Has a budget"}, {"status": "qualified"}),
    "nurture": ({"reason": "Wants to wait for spring"}, {"status": "nurturing"}),
    "lose": ({"reason": "Too expensive"}, {"status": "lost", "lost_reason": "Too expensive"}),
    "convert": ({}, {"status": "converted", "customer_id": _CUSTOMER_ID}),
    "reopen": ({"reason": "Asked again"}, {"status": "new"}),
    "undo-convert": ({"reason": "It was another one"}, {"status": "qualified"}),
}
"""Body, and what it changes of the lead, by act."""


def moved(act: str) -> dict[str, Any]:
    """The lead after a move."""
    return LEAD | _LATER | {"status_since": "2026-01-06T10:00:00Z"} | MOVES[act][1]


CHANGED: dict[str, Any] = LEAD | _LATER | {"source": "fair"}
ASSIGNED: dict[str, Any] = LEAD | _LATER | {"owner_id": None}
ENTRY: dict[str, Any] = examples.ENTRY | {
    "action": "lead.qualified",
    "target": {"kind": "lead", "id": _LEAD_ID},
    "changes": [
        {"field": "status", "old": "new", "new": "qualified"},
        {"field": "status_since", "old": "2026-01-05T09:30:00Z", "new": "2026-01-06T10:00:00Z"},
    ],
}
TIMELINE_ENTRY: dict[str, Any] = {
    "id": "019b1f4e-9c1d-5a20-8f41-6a1d2c3b4e61",
    "kind": "lead_moved",
    "occurred_at": "2026-01-06T10:00:00Z",
    "title": "Lead qualified",
    "author": {"id": LEAD["owner_id"], "name": "Grace Hopper"},
    "outcome": "qualified",
    "refs": {"lead_id": _LEAD_ID, "contact_id": LEAD["contact_id"]},
    "position": 9,
}
DRY_REGISTRATION: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "lead.registered.v1", "data": {name: LEAD[name] for name in ("title", "owner_id", "source")}}],
    "state": LEAD,
}
DRY_DELETION: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "lead.deleted.v1", "data": {}}],
    "state": LEAD | _LATER,
}
CUSTOMER: dict[str, Any] = {
    "id": _CUSTOMER_ID,
    "version": 1,
    "name": "Royal Observatory",
    "contact_id": None,
    "company_id": examples.CONTACT["company"]["id"],
    "lead_ids": [_LEAD_ID],
    "since": "2026-01-06T10:00:00Z",
    "created_at": "2026-01-06T10:00:00Z",
    "updated_at": "2026-01-06T10:00:00Z",
}
PIPELINE: dict[str, Any] = {
    "statuses": [
        {
            "status": "new",
            "count": 2,
            "values": [{"amount": "12500.00", "currency": "EUR"}],
            "seconds": {"median": 86400.0, "p90": 172800.0},
        }
    ],
    "conversion": [{"from": "new", "to": "qualified", "entered": 5, "moved": 3, "rate": 0.6}],
    "win_rate": 0.5,
    "as_of": "2026-01-06T10:00:00Z",
}
TREND: dict[str, Any] = {
    "data": [{"period": "2026-01-05", "new": 5, "qualified": 3, "nurturing": 0, "converted": 1, "lost": 1}],
    "next_cursor": None,
}
LEAD_BATCH: dict[str, Any] = {
    "items": [
        {
            "title": "Mill for the observatory",
            "company": "Royal Observatory",
            "occurred_at": "2025-11-03T09:00:00Z",
            "moves": [
                {"act": "qualify", "occurred_at": "2025-11-10T09:00:00Z"},
                {"act": "convert", "occurred_at": "2025-12-01T09:00:00Z"},
            ],
        }
    ]
}
RESULTS: dict[str, Any] = {"results": [{"index": 0, "status": 201, "id": _LEAD_ID}]}
PIPELINE_SVG = '<svg xmlns="http://www.w3.org/2000/svg" id="chart-figures" role="img"><title>Pipeline</title></svg>'
