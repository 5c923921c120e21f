"""What becomes of what is asked of notes: added, edited, removed. Pure: state and look-ups in, events out."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from commands.decision import Decision, Given
from commands.interactions.rich_text import Written
from commands.normalise import Problems
from domain.errors import FieldError, InvalidError
from domain.note import Note, NoteAdded, NoteEdited, NoteRemoved

MOST_MENTIONS = 50


class NewNote(Struct, forbid_unknown_fields=True, kw_only=True):
    """A note as it comes in: rich text, of which what is not allowed is taken away."""

    html: str


class ChangeNote(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch (RFC 7396)."""

    html: str | UnsetType = UNSET


class AddNote(Struct, frozen=True):
    """A note about a contact; no text where it could not be read."""

    contact_id: UUID
    written: Written | None


class EditNote(Struct, frozen=True):
    """What a note is to say from now on; None for what it says."""

    written: Written | None


class RemoveNote(Struct, frozen=True):
    """That a note is not to be seen any more."""


class UnknownMentionsError(InvalidError):
    """A note names those who are no users of this tenant; `named` are their ids."""

    def __init__(self, errors: Sequence[FieldError], named: Sequence[UUID]) -> None:
        super().__init__(errors)
        self.named = tuple(named)


def lookups(command: AddNote | EditNote) -> list[tuple[str, str]]:
    """What `add` and `edit` want to know: whether there are the users that are named."""
    ids = list(_ids(command.written)) if command.written else []
    return [("user", str(each)) for each in ids if each] if len(ids) <= MOST_MENTIONS else []


def add(command: AddNote, given: Given[Note]) -> Decision:
    """A note, its author being who asks.

    Raises:
        InvalidError: its text can't be read, or names somebody who is no user.
    """
    problems = Problems(given.errors)
    mentions = _mentions(command.written, given, problems)
    problems.raise_if_any()
    html = command.written.html if command.written else ""
    contact_id = command.contact_id
    event = NoteAdded(
        subject_id=contact_id, contact_id=contact_id, author_id=given.caller, html=html, mentions=mentions
    )
    return Decision(events=(event,))


def edit(command: EditNote, given: Given[Note]) -> Decision:
    """Another text; nothing when it is the same.

    Raises:
        InvalidError: as `add`.
    """
    note = given.state
    assert note is not None  # noqa: S101  a use case that does not create always has a state
    problems = Problems(given.errors)
    mentions = _mentions(command.written, given, problems)
    problems.raise_if_any()
    if command.written is None or command.written.html == note.html:
        return Decision()
    event = NoteEdited(
        subject_id=note.contact_id,
        author_id=given.caller,
        html=command.written.html,
        mentions=mentions,
        newly_mentioned=tuple(each for each in mentions if each not in note.mentions),
    )
    return Decision(events=(event,))


def remove(_: RemoveNote, __: Given[Note]) -> Decision:
    """Gone."""
    return Decision(events=(NoteRemoved(),))


def _mentions(written: Written | None, given: Given[Note], problems: Problems) -> tuple[UUID, ...]:
    """The users that a text names. Raises UnknownMentionsError."""
    if written is None:
        return ()
    if len(written.mentions) > MOST_MENTIONS:
        message = f"names {len(written.mentions)} users; at most {MOST_MENTIONS} are allowed"
        problems.add("/html", "list.too_long", message)
        return ()
    ids = list(_ids(written))
    for text, found in zip(written.mentions, ids, strict=True):
        if found is None:
            problems.add("/html", "type.uuid", f"names {text[:64]!r} in data-mention, which is no id of a user")
    known = dict.fromkeys(each for each in ids if each)
    if unknown := [each for each in known if ("user", str(each)) not in given.found]:
        for each in unknown:
            problems.add("/html", "user.not_found", f"names {each}, who is no user of this tenant")
        raise UnknownMentionsError(problems.errors, unknown)
    return tuple(known)


def _ids(written: Written) -> Iterator[UUID | None]:
    """The ids that stand in a text where users are named; None for what is none."""
    for text in written.mentions:
        try:
            found = UUID(text)
        except ValueError:
            yield None
        else:
            yield found if str(found) == text.lower() else None
