"""What becomes of what is told of interactions: logged, changed, completed. Pure: state and look-ups in, events out.

Nothing that is known is thrown away because something else is not: what is missing is left open, and flagged.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET, structs

from commands import normalise
from commands.decision import Decision, Given
from commands.interactions.input import AttachmentInput, ChangeInteraction, LogInteraction, ParticipantInput
from commands.look import Look, Looked
from commands.normalise import Problems, pointer
from commands.ports import Claim
from domain import contact
from domain.errors import DomainError, FieldError
from domain.interaction import (
    Attachment,
    Channel,
    Direction,
    Interaction,
    InteractionChanged,
    InteractionLogged,
    Participant,
    Type,
    conversation,
)

EXTERNAL_ID = "interaction.external_id"
"""Kind of claim on the id that another system knows an interaction by."""

_REFERENCES = (("contact_id", "contact"), ("company_id", "company"), ("lead_id", "lead"), ("author_id", "user"))
_AS_THEY_ARE = ("type", "contact_id", "company_id", "lead_id", "author_id", "duration_seconds")
_SAYS_NOTHING = frozenset({"external_id", "thread_id", "conversation_id", "author_id", "channel", "direction"})
"""Members that alone are no interaction."""
_CHANNELS: Mapping[Type | None, Channel] = {
    Type.CALL: Channel.PHONE,
    Type.EMAIL: Channel.EMAIL,
    Type.MEETING: Channel.IN_PERSON,
    Type.MESSAGE: Channel.CHAT,
    Type.WEB_VISIT: Channel.WEB,
}
_DIRECTIONS: Mapping[Type | None, Direction] = {
    Type.WEB_VISIT: Direction.INBOUND,
    Type.CALL: Direction.OUTBOUND,
    Type.EMAIL: Direction.OUTBOUND,
    Type.MEETING: Direction.OUTBOUND,
    Type.MESSAGE: Direction.OUTBOUND,
}
MOST_PARTICIPANTS = 200
MOST_ATTACHMENTS = 200
LONGEST_BODY = 100_000
LONGEST_ID = 255
LONGEST_SUBJECT = 500


def lookups(command: LogInteraction | ChangeInteraction) -> list[tuple[str, str]]:
    """What `log` and `change` want to know: whether there is what they refer to."""
    return list(dict.fromkeys((kind, str(found)) for _, kind, found in references(command)))


def looks_at(command: LogInteraction) -> Sequence[Looked]:
    """Whom `company_of` looks at."""
    if command.company_id is not None or not isinstance(command.contact_id, UUID):
        return ()
    return (("contact", contact.evolve, command.contact_id),)


async def company_of(command: LogInteraction, _: Interaction | None, look: Look) -> UUID | None:
    """The company that the contact works for: an interaction is with that too, unless it says with which."""
    for kind, evolve, contact_id in looks_at(command):
        if known := await look.state(kind, evolve, contact_id):
            company_id: UUID | None = known.company_id
            return company_id
    return None


def log(command: LogInteraction, given: Given[Interaction]) -> Decision:
    """An interaction more, as far as it is known.

    Raises:
        InvalidError: with every bad field; or it says nothing at all.
    """
    problems = Problems(given.errors)
    told = {name: value for name, value in structs.asdict(command).items() if value is not None}
    known_as = told.pop("external_id", None)
    if known_as is not None:
        known_as = normalise.filled(known_as, "/external_id", problems, longest=LONGEST_ID)
    values = _values(ChangeInteraction(**told), given, problems)
    if not problems.errors and all(values[name] in (None, ()) for name in values.keys() - _SAYS_NOTHING):
        problems.add("", "interaction.empty", "says nothing; send at least what it was, with whom, or when")
    problems.raise_if_any()
    kind = values.get("type")
    values = {
        "channel": _CHANNELS.get(kind, Channel.OTHER),
        "direction": _DIRECTIONS.get(kind, Direction.INTERNAL),
        "author_id": given.caller,
        "company_id": given.known,
    } | values
    event = InteractionLogged(**values, subject_id=values.get("contact_id"), external_id=known_as)
    return Decision(events=(event,), claims=(claim(given, known_as),) if known_as else ())


def change(command: ChangeInteraction, given: Given[Interaction]) -> Decision:
    """The members that get another value; nothing when none does.

    Raises:
        InvalidError: with every bad field.
    """
    before = given.state
    assert before is not None  # noqa: S101  a use case that does not create always has a state
    problems = Problems(given.errors)
    values = _values(command, given, problems)
    problems.raise_if_any()
    changed = {name: value for name, value in values.items() if value != getattr(before, name)}
    if not changed:
        return Decision()
    subject = changed.get("contact_id", before.contact_id)
    return Decision(events=(InteractionChanged(**changed, subject_id=subject),))


def external_id(text: str) -> str:
    """An external id as it is kept."""
    return normalise.line(text, "", Problems(), longest=LONGEST_ID) or ""


def find(_: None, __: Given[Interaction]) -> Decision:
    """What is there already stays as it is."""
    return Decision()


def claim(given: Given[Interaction], external_id: str) -> Claim:
    """The claim that makes this interaction the one which an external id finds."""
    return Claim(given.tenant_id, EXTERNAL_ID, external_id, given.stream_id)


def _values(patch: ChangeInteraction, given: Given[Interaction], problems: Problems) -> dict[str, Any]:
    """The values that a patch asks for, by name of the event's member."""
    for at, kind, found in references(patch):
        if (kind, str(found)) not in given.found:
            problems.add(at, f"{kind}.not_found", f"is no {kind} of this tenant")
    values = _plain(patch, problems)
    for name, longest in (("subject", LONGEST_SUBJECT), ("outcome", 64), ("thread_id", LONGEST_ID)):
        if (text := getattr(patch, name)) is not UNSET:
            values[name] = normalise.line(text, f"/{name}", problems, longest=longest) if text else None
    if "thread_id" in values:
        values["conversation_id"] = values["thread_id"] and conversation(given.tenant_id, values["thread_id"])
    if patch.body is not UNSET:
        values["body"] = normalise.text(patch.body, "/body", problems, longest=LONGEST_BODY) if patch.body else None
    if patch.participants is not UNSET:
        values["participants"] = _participants(patch.participants or [], problems)
    if patch.attachments is not UNSET:
        values["attachments"] = _attachments(patch.attachments or [], problems)
    if patch.next_action is not UNSET:
        action = patch.next_action
        values["next_action"] = action and normalise.filled(action.text, "/next_action/text", problems, longest=500)
        values["due_at"] = action and normalise.moment(action.due_at, "/next_action/due_at", problems)
    return values


def _plain(patch: ChangeInteraction, problems: Problems) -> dict[str, Any]:
    """The members that are good as they are, if they could be read."""
    values: dict[str, Any] = {name: value for name in _AS_THEY_ARE if (value := getattr(patch, name)) is not UNSET}
    for name, fallback in (("channel", Channel.OTHER), ("direction", Direction.INTERNAL)):
        if (asked := getattr(patch, name)) is not UNSET:
            values[name] = asked or fallback
    if patch.occurred_at is not UNSET:
        at = patch.occurred_at
        values["occurred_at"] = at and normalise.moment(at, "/occurred_at", problems)
    return values


def _participants(asked: Sequence[ParticipantInput | None], problems: Problems) -> tuple[Participant, ...]:
    if len(asked) > MOST_PARTICIPANTS:
        message = f"has {len(asked)} items; at most {MOST_PARTICIPANTS} are allowed"
        problems.add("/participants", "list.too_long", message)
    found = []
    for index, one in enumerate(asked[:MOST_PARTICIPANTS]):
        if one is None:  # could not be read, and is in the problems already
            continue
        at = pointer("/participants", index)
        parts = {
            name: normalise.line(text, f"{at}/{name}", problems, longest=longest)
            for name, longest in (("name", 200), ("address", 320), ("role", 64))
            if (text := getattr(one, name))
        }
        if one.contact_id is None and not any(parts.get(name) for name in ("name", "address")):
            problems.add(at, "participant.empty", "names nobody; send contact_id, name or address")
        found.append(Participant(contact_id=one.contact_id, **parts))
    return tuple(found)


def _attachments(asked: Sequence[AttachmentInput | None], problems: Problems) -> tuple[Attachment, ...]:
    if len(asked) > MOST_ATTACHMENTS:
        problems.add("/attachments", "list.too_long", f"has {len(asked)} items; at most {MOST_ATTACHMENTS} are allowed")
    found = []
    for index, one in enumerate(asked[:MOST_ATTACHMENTS]):
        if one is None:  # could not be read, and is in the problems already
            continue
        at = pointer("/attachments", index)
        parts = {
            name: normalise.line(text, f"{at}/{name}", problems, longest=LONGEST_ID)
            for name in ("name", "media_type")
            if (text := getattr(one, name))
        }
        found.append(Attachment(size=one.size, **parts))
    return tuple(found)


def references(command: LogInteraction | ChangeInteraction) -> Iterator[tuple[str, str, UUID]]:
    """Where a command refers to another record, of which kind that is, and its id."""
    for name, kind in _REFERENCES:
        if isinstance(found := getattr(command, name), UUID):
            yield f"/{name}", kind, found
    people: Sequence[ParticipantInput | None] = command.participants or ()
    for index, one in enumerate(people[:MOST_PARTICIPANTS]):
        if one is not None and isinstance(one.contact_id, UUID):
            yield f"/participants/{index}/contact_id", "contact", one.contact_id


class KnownError(DomainError):
    """Something was logged under this external id before."""

    def __init__(self, external_id: str) -> None:
        super().__init__(
            "interaction.external_id_taken",
            "another interaction has this external id",
            hint="Send another id for another interaction.",
            errors=(FieldError("/external_id", "interaction.external_id_taken", "belongs to another interaction"),),
        )
        self.external_id = external_id


def claim_taken(taken: Claim) -> DomainError | None:
    """The refusal when an external id is another interaction's."""
    return KnownError(taken.value)
