"""What the lines about interactions in golden_events.jsonl are read as today."""

from datetime import UTC, datetime
from uuid import UUID

from domain.event import Event
from domain.interaction import (
    Attachment,
    Channel,
    Direction,
    InteractionChanged,
    InteractionLogged,
    Participant,
    Type,
)


def _id(number: int) -> UUID:
    return UUID(f"019b0000-0000-7000-8000-0000000000{number:02d}")


_AT = datetime(2026, 1, 5, 9, 10, tzinfo=UTC)

INTERACTIONS: dict[str, Event] = {
    "an interaction of which little is known": InteractionLogged(subject="Somebody rang"),
    "an interaction with everything": InteractionLogged(
        subject_id=_id(3),
        type=Type.CALL,
        channel=Channel.PHONE,
        direction=Direction.INBOUND,
        occurred_at=_AT,
        contact_id=_id(3),
        company_id=_id(4),
        lead_id=_id(5),
        author_id=_id(2),
        outcome="interested",
        duration_seconds=420,
        due_at=_AT,
        participants=(
            Participant(contact_id=_id(3), role="host"),
            Participant(name="Charles", address="c@engines.example"),
        ),
        subject="Cards",
        body="Two\nlines",
        next_action="Send the quote",
        external_id="<1@mail.example>",
    ),
    "an interaction that is told otherwise": InteractionChanged(
        subject_id=_id(3),
        type=Type.EMAIL,
        channel=Channel.EMAIL,
        direction=Direction.OUTBOUND,
        occurred_at=_AT,
        contact_id=_id(3),
        company_id=None,
        lead_id=None,
        author_id=_id(2),
        outcome=None,
        duration_seconds=None,
        due_at=None,
        participants=(),
        subject=None,
        body="Other",
        next_action=None,
    ),
}

INBOUND: dict[str, Event] = {
    "an interaction that came in": InteractionLogged(
        subject_id=_id(3),
        type=Type.EMAIL,
        channel=Channel.EMAIL,
        direction=Direction.INBOUND,
        contact_id=_id(3),
        revision=0,
        attachments=(Attachment(name="quote.pdf", media_type="application/pdf", size=1234),),
        thread_id="0f2d3c4b",
        external_id="<1@mail.example>",
    ),
    "an interaction that a calendar tells otherwise": InteractionChanged(
        subject_id=_id(3), revision=2, attachments=(), thread_id=None
    ),
}

CONVERSATIONS: dict[str, Event] = {
    "an interaction of a conversation": InteractionLogged(
        type=Type.EMAIL, direction=Direction.INBOUND, conversation_id=_id(7), thread_id="0f2d3c4b"
    ),
    "an interaction that belongs to another conversation": InteractionChanged(
        conversation_id=_id(8), thread_id="1f2d3c4b"
    ),
}
