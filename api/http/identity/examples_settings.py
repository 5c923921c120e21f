"""Examples of settings, as the API document and its tests use them."""

from typing import Any

CHANGE: dict[str, Any] = {"timezone": "Europe/Berlin", "inactivity_days": 14}
SETTINGS: dict[str, Any] = {
    "id": "3c1f6c2e-5d0b-5a55-9d5e-8a4b7f1c2d3e",
    "version": 1,
    "timezone": "Europe/Berlin",
    "currency": "EUR",
    "inactivity_days": 14,
    "digest_hour": 7,
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
