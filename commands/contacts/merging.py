"""How a merge, and its opposite, come to know the other contact: looked up anew for every try."""

from collections.abc import Callable, Sequence
from uuid import UUID

from commands.contacts.merge import Merge, MergeContact, Unmerge, UnmergeContact
from commands.handle import Handler, Read
from commands.ports import EventStore
from commands.visible import View
from domain import contact
from domain.contact import Contact
from domain.errors import FieldError, NotFoundError

Admit = Callable[[Contact], None]
"""Refuses a contact that the caller may not merge (DomainError), or not even see (NotFoundError)."""

_MISSING = FieldError("/from", "contact.not_found", "is no contact of this tenant")
_ITSELF = FieldError("/from", "contact.merge_itself", "is the contact itself; name another one")


class Merging:
    """Looks up the other contact for a request about the contact `into_id`.

    `body` is what was asked for, as far as it could be read, `errors` what was wrong with the rest.
    """

    def __init__(self, handler: Handler, tenant_id: UUID, into_id: UUID, admit: Admit) -> None:
        self._handler = handler
        self._tenant_id = tenant_id
        self._into_id = into_id
        self._admit = admit

    async def merge(
        self, body: MergeContact, view: View, errors: Sequence[FieldError] = ()
    ) -> tuple[Merge, Sequence[FieldError]]:
        """The command to merge; `view` tells what the caller may write.

        Raises:
            DomainError: the other one is gone (contact.deleted, contact.merged), or not for this caller to merge.
        """
        other, wrong = await self.other(body.from_id)
        if other and other.deleted_at is not None:
            gone = await self._handler.gone(self._tenant_id, "contact", contact.evolve, other)
            gone.errors = (FieldError("/from", gone.code, "is not there any more"),)
            raise gone
        return Merge(other, body.choose or {}, view), (*errors, *wrong)

    async def unmerge(
        self, body: UnmergeContact, store: EventStore, errors: Sequence[FieldError] = ()
    ) -> tuple[Unmerge, Sequence[FieldError]]:
        """The command to unmerge.

        Raises:
            DomainError: the other one is not for this caller to merge.
        """
        other, wrong = await self.other(body.from_id)
        stream = await store.load(self._tenant_id, self._into_id)
        return Unmerge(other, stream), (*errors, *wrong)

    async def other(self, from_id: UUID | None) -> tuple[Contact | None, Sequence[FieldError]]:
        """The other contact, gone or not, or why there is none."""
        if from_id is None:
            return None, ()
        if from_id == self._into_id:
            return None, (_ITSELF,)
        try:
            found = await self._handler.state(self._tenant_id, "contact", contact.evolve, from_id)
            self._admit(found)
        except NotFoundError:
            return None, (_MISSING,)
        return found, ()


async def family_in_log(handler: Handler, tenant_id: UUID, contact_id: UUID) -> list[UUID]:
    """The ids that a contact goes by, its own first, by the log itself: for what is decided by them.

    Raises:
        NotFoundError: this tenant has no such contact.
    """
    found = [contact_id]
    for each in found:  # grows while it is gone through
        state = await handler.state(tenant_id, "contact", contact.evolve, each)
        found += state.merged_from
    return found


def merging(handler: Handler, tenant_id: UUID, into_id: UUID, body: MergeContact) -> Read[Merge]:
    """What the system itself merges by, which may merge everything: for `handle` with MERGE_CONTACT."""

    def everything(_: Contact) -> None:
        return None

    return lambda: Merging(handler, tenant_id, into_id, everything).merge(body, View({}))
