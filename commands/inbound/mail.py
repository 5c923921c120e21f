"""From an e-mail to an interaction: which way it went, with whom, and what it answers. Pure."""

from collections.abc import Iterator

from commands.inbound.email import Email
from commands.inbound.headers import Address
from commands.inbound.people import Known, Told
from commands.interactions.input import AttachmentInput, LogInteraction, ParticipantInput
from commands.interactions.interaction import MOST_PARTICIPANTS
from domain.interaction import Channel, Direction, Type


def people(email: Email) -> Iterator[Address]:
    """Everybody in it."""
    if email.sender:
        yield email.sender
    yield from (*email.to, *email.cc)


def told(email: Email, known: Known) -> Told:
    """The interaction that an e-mail is.

    It went out when a user sent it, and came in otherwise. The other side comes first among those who took part; the
    contact is the first of them who is one, and of what came in nobody but the sender.
    """
    direction = _direction(email, known)
    to = [known.participant(each, "to") for each in email.to]
    cc = [known.participant(each, "cc") for each in email.cc]
    sender = [known.participant(email.sender, "from")] if email.sender else []
    addressed = (*to, *cc)
    if direction is Direction.INBOUND:
        taking_part = [*sender, *addressed]
        contact_id = sender[0].contact_id if sender else None
        author_id = next((user for each in (*email.to, *email.cc) if (user := known.user(each))), None)
    else:
        ours = {each.address for each in (*email.to, *email.cc) if known.user(each)}
        taking_part = sorted(addressed, key=lambda each: each.address in ours) + sender
        contact_id = next((each.contact_id for each in addressed if each.contact_id), None)
        author_id = known.user(email.sender)
    return Told(
        LogInteraction(
            type=Type.EMAIL,
            channel=Channel.EMAIL,
            direction=direction,
            occurred_at=email.sent_at,
            contact_id=contact_id,
            participants=_few(taking_part),
            attachments=[
                AttachmentInput(name=each.name, media_type=each.media_type, size=each.size) for each in email.files
            ],
            subject=email.subject,
            body=email.text,
            external_id=email.known_as,
            thread_id=next(iter(known.threads), email.thread_id),
            author_id=author_id,
        )
    )


def _direction(email: Email, known: Known) -> Direction:
    if known.user(email.sender) is None:
        return Direction.INBOUND
    addressed = (*email.to, *email.cc)
    if addressed and all(known.user(each) for each in addressed):
        return Direction.INTERNAL
    return Direction.OUTBOUND


def _few(taking_part: list[ParticipantInput]) -> list[ParticipantInput] | None:
    return taking_part[:MOST_PARTICIPANTS] or None
