"""From a calendar's event to an interaction, or to what changes of the one that is there. Pure."""

from collections.abc import Iterator

from commands.inbound.calendar import Meeting
from commands.inbound.headers import Address
from commands.inbound.people import Known, Told, key
from commands.interactions.input import LogInteraction
from commands.interactions.interaction import MOST_PARTICIPANTS
from commands.normalise import is_told_of
from domain.interaction import Channel, Direction, Interaction, Type

CANCELLED = "cancelled"


def people(meeting: Meeting) -> Iterator[Address]:
    """Everybody in it."""
    if meeting.organizer:
        yield meeting.organizer
    yield from meeting.attendees


def told(meeting: Meeting, known: Known) -> Told:
    """The interaction that an event is; the contact is the first who is one, whoever asked for it first."""
    organizer = [known.participant(meeting.organizer, "organizer")] if meeting.organizer else []
    attendees = [known.participant(each, "attendee") for each in meeting.attendees]
    both = [*organizer, *attendees][:MOST_PARTICIPANTS]
    starts_at = meeting.starts_at
    members = LogInteraction(
        type=Type.MEETING,
        channel=Channel.VIDEO if meeting.is_video else Channel.IN_PERSON,
        direction=_direction(meeting, known),
        occurred_at=starts_at if starts_at and is_told_of(starts_at) else None,
        contact_id=next((each.contact_id for each in both if each.contact_id), None),
        participants=both or None,
        subject=meeting.summary,
        body=meeting.text,
        outcome=CANCELLED if meeting.is_cancelled else meeting.answer,
        duration_seconds=meeting.seconds,
        thread_id=meeting.series,
        external_id=meeting.known_as,
        author_id=next((user for each in people(meeting) if (user := known.user(each))), None),
    )
    return Told(members, meeting.revision)


def told_of(meeting: Meeting, known: Known, before: Interaction) -> Told | None:
    """What an event says otherwise of the interaction that it is; None when it says nothing.

    A cancellation and a reply say nothing else, whatever stands in them; a reply is that of somebody who takes part.
    """
    if meeting.revision < (before.revision or 0):
        return None
    if meeting.is_plain and meeting.revision == before.revision and meeting.starts_at != before.occurred_at:
        return None  # that time of the series was moved
    if meeting.is_reply:
        asked = {key(each.address) for each in before.participants if each.address}
        is_asked = bool(meeting.attendees) and key(meeting.attendees[0].address) in asked
        takes_part = is_asked and before.outcome != CANCELLED and meeting.answer
        return Told(LogInteraction(outcome=meeting.answer)) if takes_part else None
    if meeting.is_cancelled:
        return Told(LogInteraction(outcome=CANCELLED), meeting.revision)
    return told(meeting, known)


def _direction(meeting: Meeting, known: Known) -> Direction:
    everybody = list(people(meeting))
    if all(known.user(each) for each in everybody):
        return Direction.INTERNAL
    if meeting.organizer and known.user(meeting.organizer) is None:
        return Direction.INBOUND
    return Direction.OUTBOUND
