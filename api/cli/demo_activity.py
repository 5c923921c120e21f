"""Makes up what passed with the contacts of a demo company in half a year: leads, interactions, notes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from msgspec import Struct

from commands.interactions.input import LogInteraction, NextActionInput, ParticipantInput
from commands.leads.input import DatedMove, MoneyInput, RegisterLead
from domain.interaction import Channel, Direction, Type
from domain.lead_status import Act

DAYS = 180
"""So long before now the first lead came in."""

_TITLES = (
    *("Annual contract", "Pilot order", "Spare parts", "Second site", "Framework agreement", "Replacement of machines"),
    *("Maintenance", "Training days", "Trade fair order", "Extension", "Sample delivery", "Upgrade"),
)
_SOURCES = {"web": 32, "referral": 22, "trade fair": 18, "partner": 14, "cold call": 8, "newsletter": 6}
_LOST = ("price", "chose a competitor", "no budget this year", "no answer", "project was stopped")
_PATHS: dict[tuple[Act, ...], int] = {
    (): 14,
    (Act.QUALIFY,): 14,
    (Act.NURTURE,): 9,
    (Act.QUALIFY, Act.NURTURE): 7,
    (Act.QUALIFY, Act.CONVERT): 20,
    (Act.QUALIFY, Act.NURTURE, Act.QUALIFY, Act.CONVERT): 6,
    (Act.LOSE,): 8,
    (Act.QUALIFY, Act.LOSE): 15,
    (Act.NURTURE, Act.LOSE): 5,
    (Act.LOSE, Act.REOPEN): 2,
}
_KINDS: dict[tuple[Type, Channel], int] = {
    (Type.EMAIL, Channel.EMAIL): 42,
    (Type.CALL, Channel.PHONE): 30,
    (Type.MEETING, Channel.VIDEO): 9,
    (Type.MEETING, Channel.IN_PERSON): 6,
    (Type.MESSAGE, Channel.CHAT): 8,
    (Type.WEB_VISIT, Channel.WEB): 5,
}
_SUBJECTS = (
    *("Question about delivery", "Quote", "Price list", "Next steps", "Introduction", "Order", "Invoice", "Complaint"),
    *("Visit", "Contract draft", "Reminder", "Specification"),
)
_OUTCOMES = {
    Type.CALL: ("reached", "voicemail", "no answer", "call back"),
    Type.EMAIL: ("answered", "no answer", "interested"),
    Type.MEETING: ("held", "held", "moved", "cancelled"),
}
_NEXT = ("Send the quote", "Call again", "Arrange a visit", "Ask for the decision", "Send the contract")
_NOTES = (
    "<p>Prefers calls <strong>before ten</strong>.</p>",
    "<p>Decides together with the head of purchasing.</p>",
    "<p>Wants to see:</p><ul><li>references</li><li>terms of delivery</li></ul>",
    "<p>Budget is fixed in <em>November</em>.</p>",
    "<p>Knows us from the trade fair; was a customer of our competitor.</p>",
)


class Activity(Struct, frozen=True):
    """What passed, about contacts by their numbers: who a note, a lead or an interaction is about, and which lead.

    Of an interaction without a contact, nobody knows with whom it was.
    """

    leads: Sequence[tuple[int, RegisterLead]]
    interactions: Sequence[tuple[int | None, int | None, LogInteraction]]
    notes: Sequence[tuple[int, str]]


def activity(random: Random, contacts: int, until: datetime, currency: str) -> Activity:
    """What passed up to a moment with so many contacts: the same arguments always give the same."""
    leads = [_lead(random, contacts, until, currency) for _ in range(contacts * 6 // 100)]
    known = [_interaction(random, contacts, leads, until) for _ in range(contacts * 39 // 100)]
    unknown = [(None, None, _unknown(random, number, until)) for number in range(contacts // 100)]
    notes = [(random.randrange(contacts), random.choice(_NOTES)) for _ in range(contacts // 100)]
    return Activity(leads, (*known, *unknown), notes)


def _lead(random: Random, contacts: int, until: datetime, currency: str) -> tuple[int, RegisterLead]:
    path = random.choices(list(_PATHS), list(_PATHS.values()))[0]
    # What is still new came in not long ago; the more often somebody moved, the longer ago it began.
    began = at = until - timedelta(days=random.uniform(1, 40) if not path else random.uniform(15, DAYS))
    moves: list[DatedMove] = []
    for act in path:
        at += timedelta(days=random.uniform(1, 5 + (until - began).days / len(path)))
        if at > until - timedelta(hours=1):
            break
        moves.append(DatedMove(act=act, occurred_at=at, reason=random.choice(_LOST) if act is Act.LOSE else None))
    lead = RegisterLead(
        title=random.choice(_TITLES),
        source=random.choices(list(_SOURCES), list(_SOURCES.values()))[0],
        value=MoneyInput(str(round(random.lognormvariate(8.6, 0.9), -2)), currency),
        occurred_at=began,
        moves=moves,
    )
    return random.randrange(contacts), lead


def _interaction(
    random: Random, contacts: int, leads: Sequence[tuple[int, RegisterLead]], until: datetime
) -> tuple[int, int | None, LogInteraction]:
    """With the contact of a lead while it went on, or with any contact at any time."""
    about = random.randrange(len(leads)) if leads and random.randrange(100) < 55 else None  # noqa: PLR2004  percent
    contact, began, ended = random.randrange(contacts), until - timedelta(days=DAYS), until
    if about is not None:
        contact, lead = leads[about]
        began = lead.occurred_at or began
        ended = (lead.moves[-1].occurred_at if lead.moves else None) or until
    kind, channel = random.choices(list(_KINDS), list(_KINDS.values()))[0]
    inbound = kind is Type.WEB_VISIT or random.randrange(100) < 35  # noqa: PLR2004  percent
    is_late = until - began < timedelta(days=60)
    told = LogInteraction(
        type=kind,
        channel=channel,
        direction=Direction.INBOUND if inbound else Direction.OUTBOUND,
        occurred_at=began + (ended - began) * random.random(),
        subject=random.choice(_SUBJECTS),
        outcome=random.choice(outcomes) if (outcomes := _OUTCOMES.get(kind)) else None,
        duration_seconds=random.randrange(2, 60) * 60 if kind in {Type.CALL, Type.MEETING} else None,
        next_action=_next(random, until) if is_late and random.randrange(100) < 20 else None,  # noqa: PLR2004  percent
    )
    return contact, about, told


def _next(random: Random, until: datetime) -> NextActionInput:
    return NextActionInput(text=random.choice(_NEXT), due_at=until + timedelta(days=random.uniform(-5, 30)))


def _unknown(random: Random, number: int, until: datetime) -> LogInteraction:
    """A mail of somebody whom nobody knows."""
    sender = ParticipantInput(name=f"Alex Example {number}", address=f"alex{number}@unknown.example", role="from")
    return LogInteraction(
        type=Type.EMAIL,
        channel=Channel.EMAIL,
        direction=Direction.INBOUND,
        occurred_at=until - timedelta(days=random.uniform(0, 14)),
        subject=random.choice(_SUBJECTS),
        participants=[sender],
    )
