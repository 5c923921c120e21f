"""Who is in what comes from outside, and what of it the caller may write."""

from collections.abc import Sequence

from msgspec import structs, to_builtins

from api.http.exchange import HttpRequest, principal_of, services_of
from api.http.interactions.writes import WRITING
from commands.identity.access import Principal
from commands.inbound import people as inbound
from commands.inbound.headers import Address
from commands.inbound.people import Known, Told
from commands.sight import SEEING
from commands.visible import CONTACTS, INTERACTIONS, view_of
from domain.contact import Contact
from domain.errors import InvalidError


async def who(request: HttpRequest, people: Sequence[Address]) -> Known:
    """Who has the addresses of people, of those contacts that the caller may find by their addresses."""
    caller, services = principal_of(request), services_of(request)
    hidden = view_of(caller, CONTACTS).hides("emails")

    def sees(contact: Contact) -> bool:
        return not hidden and caller.reaches(SEEING, contact.owner_id)

    return await inbound.known(services.inbound.directory, services.handler, caller.tenant_id, people, sees)


def writable(caller: Principal, told: Told) -> Told:
    """What is told, where the caller may write all of it; their own, where they may not log for whose it is.

    Raises:
        InvalidError: it has members that the caller's roles let nobody write.
    """
    view = view_of(caller, INTERACTIONS)
    members = to_builtins(told.members)
    refused = () if view.is_free else view.writable({name: v for name, v in members.items() if v is not None})[1]
    if refused:
        raise InvalidError(refused)
    if told.members.author_id is None or caller.reaches(WRITING, told.members.author_id):
        return told
    return structs.replace(told, members=structs.replace(told.members, author_id=caller.user_id))
