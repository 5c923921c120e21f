"""What the lines about notes in golden_events.jsonl are read as today."""

from uuid import UUID

from domain.event import Event
from domain.note import NoteAdded, NoteEdited, NoteRemoved


def _id(number: int) -> UUID:
    return UUID(f"019b0000-0000-7000-8000-0000000000{number:02d}")


NOTES: dict[str, Event] = {
    "a note": NoteAdded(
        subject_id=_id(3), contact_id=_id(3), author_id=_id(2), html="<p>Wants cards</p>", mentions=(_id(7),)
    ),
    "a note that says something else": NoteEdited(
        subject_id=_id(3),
        author_id=_id(2),
        html="<p>Wants more</p>",
        mentions=(_id(7), _id(8)),
        newly_mentioned=(_id(8),),
    ),
    "a note removed": NoteRemoved(),
}
