"""Whose contacts a caller may change: a permission may be good for one's own, or one's teams', only."""

from typing import Any

from msgspec import structs

from commands.access import Principal, lacking
from commands.decision import Decision, Given
from commands.handle import UseCase
from domain.access import Scope
from domain.contact import Contact, ContactChanged, ContactRegistered
from domain.errors import NotFoundError


def within_reach(case: UseCase[Any, Contact], caller: Principal, permission: str) -> UseCase[Any, Contact]:
    """The same use case for a caller who may not do it to every contact.

    A contact that the caller can't read either is missing, another is refused; and none is made, or given away, to
    where it would be out of reach.
    """
    if caller.grants.get(permission) is Scope.ALL:
        return case

    def admit(contact: Contact) -> None:
        if not caller.reaches(permission, contact.owner_id):
            raise lacking(permission) if caller.reaches("contacts.read", contact.owner_id) else NotFoundError("contact")

    def decide(command: Any, given: Given[Contact]) -> Decision:
        decision = case.decide(command, given)
        for event in decision.events:
            owned = isinstance(event, ContactRegistered) or (
                isinstance(event, ContactChanged) and "owner_id" in event.changes()
            )
            if owned and not caller.reaches(permission, event.owner_id):  # type: ignore[attr-defined]
                raise lacking(permission)
        return decision

    return structs.replace(case, admit=admit, decide=decide)
