"""Examples of what comes from outside, as the API document and its tests use them."""

from typing import Any

from api.http.interactions.examples import INCOMPLETE

EMAIL = """\
From: Ada Lovelace <ada@engines.example>
To: Grace Hopper <grace@rapport.example>
Subject: Punched cards
Date: Mon, 05 Jan 2026 09:10:00 +0000
Message-ID: <42@mail.engines.example>
Content-Type: text/plain; charset=utf-8

Can you send a quote for 24,000 cards?
"""
OF_EMAIL: dict[str, Any] = INCOMPLETE | {
    "type": "email",
    "channel": "email",
    "direction": "inbound",
    "participants": [
        {"name": "Ada Lovelace", "address": "ada@engines.example", "role": "from"},
        {"name": "Grace Hopper", "address": "grace@rapport.example", "role": "to"},
    ],
    "body": "Can you send a quote for 24,000 cards?",
    "outcome": None,
    "duration_seconds": None,
    "next_action": None,
    "thread_id": "0f2d3c4b5a69788796a5b4c3d2e1f00f",
    "external_id": "<42@mail.engines.example>",
}
DRY_EMAIL: dict[str, Any] = {
    "dry_run": True,
    "events": [{"type": "interaction.logged.v1", "data": {"type": "email", "subject": "Punched cards"}}],
    "state": OF_EMAIL,
}
CALENDAR = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Engines//Calendar//EN
METHOD:REQUEST
BEGIN:VEVENT
UID:7f3c@engines.example
SEQUENCE:0
DTSTAMP:20260102T080000Z
DTSTART;TZID=Europe/London:20260105T101000
DURATION:PT45M
SUMMARY:Punched cards
LOCATION:Dorset Street
ORGANIZER;CN=Ada Lovelace:mailto:ada@engines.example
ATTENDEE;CN=Grace Hopper:mailto:grace@rapport.example
END:VEVENT
END:VCALENDAR
"""
OF_CALENDAR: dict[str, Any] = {"results": [{"index": 0, "status": 201, "id": OF_EMAIL["id"]}]}
