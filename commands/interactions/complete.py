"""An interaction is completed: what was missing is told, and whom it was with may become a contact with it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET, structs

from commands.contacts import contact
from commands.decision import Decision, Given
from commands.interactions import interaction
from commands.interactions.input import CompleteInteraction, ParticipantInput
from commands.leads.values import below
from commands.look import Look
from commands.normalise import Problems
from commands.ports import Claim, StreamEvents
from domain import contact as contacts
from domain.contact import Contact
from domain.errors import DomainError, FieldError, InvalidError
from domain.interaction import Interaction, suggested


def lookups(command: CompleteInteraction) -> list[tuple[str, str]]:
    """What deciding wants to know: what it refers to, and what the contact that comes with it does."""
    return interaction.lookups(command) + (contact.lookups(command.contact) if command.contact else [])


async def contact_of(command: CompleteInteraction, _: Interaction | None, look: Look) -> Contact | None:
    """The contact that is named, where there is such a one."""
    named = command.contact_id
    return await look.state("contact", contacts.evolve, named) if isinstance(named, UUID) else None


def complete(command: CompleteInteraction, given: Given[Interaction]) -> Decision:
    """The members that get another value, and the contact if that is new; nothing when there is nothing new.

    Raises:
        InvalidError: with every bad field.
    """
    before = given.state
    assert before is not None  # noqa: S101  a use case that does not create always has a state
    made, problems = Decision(), Problems(given.errors)
    known: Contact | None = given.known
    if command.contact is not None and isinstance(command.contact_id, UUID):
        problems.add("/contact", "field.ambiguous", "send contact or contact_id, not both")
    elif command.contact is not None and before.contact_id is not None:
        message = "is known already; to say that it was with another, send contact_id"
        problems.add("/contact", "interaction.contact_known", message)
    elif command.contact is not None:
        made, known = _made(command, given, problems)
    told = _told(command, before, known, problems)
    found = dict(given.found) | ({("contact", str(known.id)): known.id} if known and made.events else {})
    if known and known.company_id:
        found["company", str(known.company_id)] = known.company_id
    decision = interaction.change(told, structs.replace(given, errors=tuple(problems.errors), found=found))
    if not made.events or known is None:
        return decision
    before_it = (*made.before, StreamEvents(known.id, 0, made.events))
    return structs.replace(decision, before=before_it, claims=made.claims, expects=made.expects)


def _made(
    command: CompleteInteraction, given: Given[Interaction], problems: Problems
) -> tuple[Decision, Contact | None]:
    """The new contact, and what makes it."""
    assert command.contact is not None  # noqa: S101  it is asked only where there is one
    about: Given[Contact] = Given(
        tenant_id=given.tenant_id, stream_id=given.new_id(), state=None, now=given.now, new_id=given.new_id,
        caller=given.caller, found=given.found, custom=given.custom,
    )  # fmt: skip
    try:
        decided = contact.register(command.contact, about)
    except InvalidError as error:
        problems.errors += below("/contact", error.errors)
        return Decision(), None
    made = None
    for event in decided.events:
        made = contacts.evolve(made, event, stream_id=about.stream_id, at=given.now)
    return decided, made


def _told(
    command: CompleteInteraction, before: Interaction, known: Contact | None, problems: Problems
) -> CompleteInteraction:
    """What is told with what follows from whom it was with: that contact's company, and its place among them all."""
    if known is None or problems.errors:
        return command
    more: dict[str, Any] = {"contact_id": known.id}
    if command.company_id is UNSET and before.company_id is None and known.company_id:
        more["company_id"] = known.company_id
    if command.participants is UNSET and (people := _with(before, known)):
        more["participants"] = people
    return structs.replace(command, **more)


def _with(before: Interaction, known: Contact) -> Sequence[ParticipantInput]:
    """Those who took part, with the one who is this contact now; none where nobody is."""
    who = suggested(before)
    if who is None or who.email.lower() not in {email.value.lower() for email in known.emails}:
        return ()
    people = [ParticipantInput(**structs.asdict(each)) for each in before.participants]
    for each in people:
        if each.address == who.email and each.contact_id is None:
            each.contact_id = known.id
    return people


def claim_taken(taken: Claim) -> DomainError | None:
    """The refusal when a unique value of the new contact is another's; None when trying again finds it."""
    if (refusal := contact.claim_taken(taken)) is None:
        return None
    errors: list[FieldError] = below("/contact", tuple(refusal.errors))
    return DomainError(refusal.code, refusal.detail, hint=refusal.hint, errors=errors)
