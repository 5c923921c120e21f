"""Examples of bodies about scoring."""

from typing import Any

_WEB = "019b1f4e-a001-7a20-8b30-4c5d6e7f8091"
_MAIL = "019b1f4e-a002-7a20-8b30-4c5d6e7f8091"

PUT_RULES: dict[str, Any] = {
    "rules": [
        {
            "label": "Came by the web site",
            "when": {"kind": "field", "field": "source", "operator": "EQ", "value": "web"},
            "points": 10,
        },
        {
            "label": "Wrote to us",
            "when": {"kind": "interaction", "type": "email", "direction": "inbound"},
            "points": 5,
            "decay_days": 30,
        },
    ]
}
RULES: dict[str, Any] = {
    "id": "7d5ad1a6-95f7-5f0e-9f0c-0d2b5d1f5a11",
    "version": 1,
    "rules": [{"id": key} | rule for key, rule in zip((_WEB, _MAIL), PUT_RULES["rules"], strict=True)],
    "recalculating": False,
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
DRY_RULES: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "scoring.rules_set.v1", "data": {"rules": RULES["rules"]}}],
    "state": RULES,
    "trial": {
        "leads": 3,
        "more": False,
        "changed": 2,
        "before": [{"from": 0, "to": 9, "leads": 3}],
        "after": [{"from": 0, "to": 9, "leads": 1}, {"from": 10, "to": 19, "leads": 2}],
        "sample": [{"id": "019b1f4e-9e10-7a20-8b30-4c5d6e7f8091", "before": 0, "after": 14}],
    },
}
CONTRIBUTION: dict[str, Any] = {
    "value": 0.82,
    "confidence": 0.6,
    "explanation": "Like eleven leads of the last year, nine of which were won.",
}
_SAID: dict[str, Any] = {"name": "win_model", **CONTRIBUTION, "at": "2026-01-06T10:00:00Z"}
SCORE: dict[str, Any] = {
    "score": 14,
    "scored_on": "2026-01-12",
    "recalculating": False,
    "parts": [
        {
            "rule_id": _WEB,
            "label": "Came by the web site",
            "points": 10,
            "position": 17,
            "at": "2026-01-05T09:30:00Z",
        },
        {"rule_id": _MAIL, "label": "Wrote to us", "points": 4, "position": 21, "at": "2026-01-06T08:15:00Z"},
    ],
    "external": [_SAID],
}
CONTRIBUTED: dict[str, Any] = {
    "id": "0b1f0a55-3f4e-5d53-8c1a-6f1c8a8f2f10",
    "version": 1,
    "lead_id": "019b1f4e-9e10-7a20-8b30-4c5d6e7f8091",
    **_SAID,
}
