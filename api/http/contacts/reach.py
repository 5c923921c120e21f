"""Whose contacts a caller may see and change: a permission may be good for one's own, or one's teams', only."""

from typing import Any
from uuid import UUID

from msgspec import structs

from api.http.exchange import HttpRequest
from api.http.reach import admission, givable, require_reach
from commands.contacts.contact import ADDRESSED_BY, NOTHING_LEFT, is_addressed
from commands.decision import Decision, Given
from commands.handle import UseCase
from commands.identity.access import Principal, lacking
from commands.sight import SEEING
from commands.visible import View
from domain import contact
from domain.contact import Contact, ContactChanged, ContactRegistered, ContactSeparated
from domain.errors import InvalidError


def within_reach(case: UseCase[Any, Contact], caller: Principal, permission: str) -> UseCase[Any, Contact]:
    """The same use case for a caller who may not do it to every contact.

    A contact that the caller can't read is missing, another is refused; and none is made, or given away, to where it
    would be out of reach.
    """
    if caller.may(permission) and caller.may(SEEING):
        return case

    def decide(command: Any, given: Given[Contact]) -> Decision:
        decision = case.decide(command, given)
        for event in decision.events:
            owned = isinstance(event, ContactRegistered) or (
                isinstance(event, ContactChanged | ContactSeparated) and "owner_id" in event.changes()
            )
            if owned and not caller.reaches(permission, event.owner_id):  # type: ignore[attr-defined]
                raise lacking(permission)
        return decision

    admit = admission("contact", lambda found: found.owner_id, caller, SEEING, permission)
    return structs.replace(case, admit=admit, decide=decide)


def within_sight(case: UseCase[Any, Contact], view: View) -> UseCase[Any, Contact]:
    """The same use case for a caller who may not see every way to address a contact, or not write every custom field.

    One of the ways that the caller sees must stay, as if there were no others: else clearing them all would tell
    whether there are. Of custom fields only those are required that the caller can give.
    """
    if view.is_free:
        return case
    case = _asking_only(case, view)
    seen = [field for field in ADDRESSED_BY if not view.hides(field)]
    if len(seen) == len(ADDRESSED_BY):
        return case

    def decide(command: Any, given: Given[Contact]) -> Decision:
        decision = case.decide(command, given)
        for event in decision.events:
            if isinstance(event, ContactChanged) and given.state and event.changes().keys() & set(seen):
                after = structs.replace(given.state, **event.changes())
                if not any(is_addressed(after, field) for field in seen):
                    raise InvalidError([NOTHING_LEFT])
        return decision

    return structs.replace(case, decide=decide)


def _asking_only(case: UseCase[Any, Contact], view: View) -> UseCase[Any, Contact]:
    def decide(command: Any, given: Given[Contact]) -> Decision:
        return case.decide(command, structs.replace(given, custom=givable(view, given.custom)))

    return structs.replace(case, decide=decide)


async def require_sight(request: HttpRequest, contact_id: UUID) -> None:
    """Let nobody look into the past of a contact that they can't read now. Raises NotFoundError."""
    await require_reach(request, "contact", contact.evolve, SEEING, contact_id)
