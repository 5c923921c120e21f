"""A note: what somebody wrote about a contact, as rich text, every version of which is kept."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from domain.event import Event
from domain.personal import Personal


class NoteAdded(Event, topic="note.added.v1", data_class="note"):
    """Somebody wrote a note. `subject_id` is the contact, whose data the words are; `mentions` are users."""

    subject_id: UUID
    contact_id: UUID
    author_id: UUID | None = None
    html: Personal[str] = ""
    mentions: tuple[UUID, ...] = ()


class NoteEdited(Event, topic="note.edited.v1", data_class="note"):
    """A note says something else now. `author_id` is who changed it, `newly_mentioned` whom it did not name before."""

    subject_id: UUID
    author_id: UUID | None = None
    html: Personal[str] = ""
    mentions: tuple[UUID, ...] = ()
    newly_mentioned: tuple[UUID, ...] = ()


class NoteRemoved(Event, topic="note.removed.v1"):
    """A note is not to be seen any more."""


class Note(Struct, frozen=True, kw_only=True):
    """State of a note; `version` counts the stream's events, `edits` those that changed it.

    `author_id` is who wrote it first, `editor_id` who said what it says now. `html` is clean: see rich_text.py.
    """

    id: UUID
    version: int
    contact_id: UUID
    author_id: UUID | None = None
    editor_id: UUID | None = None
    html: str = ""
    mentions: tuple[UUID, ...] = ()
    edits: int = 0
    edited_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


EVENTS = (NoteAdded, NoteEdited, NoteRemoved)


def evolve(note: Note | None, event: Event, *, stream_id: UUID, at: datetime) -> Note:
    """Apply one event, recorded at `at`.

    Raises:
        TypeError: the event is none of a note's, or comes where it can't.
    """
    match note, event:
        case None, NoteAdded(contact_id=contact_id, author_id=author_id, html=html, mentions=mentions):
            return Note(
                id=stream_id,
                version=1,
                contact_id=contact_id,
                author_id=author_id,
                editor_id=author_id,
                html=html,
                mentions=mentions,
                created_at=at,
                updated_at=at,
            )
        case Note(version=version, edits=edits), NoteEdited(author_id=editor_id, html=html, mentions=mentions):
            now = {"html": html, "mentions": mentions, "editor_id": editor_id, "edits": edits + 1, "edited_at": at}
            return structs.replace(note, version=version + 1, updated_at=at, **now)
        case Note(version=version), NoteRemoved():
            return structs.replace(note, version=version + 1, updated_at=at, deleted_at=at)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit the state of this note")
