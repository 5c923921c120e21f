"""Whether a contact is there for the caller: now, or as of a moment. What is read of one asks this first."""

from functools import partial
from uuid import UUID

from api.http.contacts.reach import require_sight
from api.http.exchange import HttpRequest, principal_of, services_of
from api.http.read_after import caught_up
from commands.identity.access import lacking
from commands.sight import SEEING
from domain import contact
from domain.contact import Contact
from domain.errors import DomainError, GoneError, NotFoundError
from projections.companies import company as company_rows
from projections.contacts import contact as contact_rows
from projections.contacts import queries as contact_queries
from projections.contacts.queries import Stored
from projections.position import Level, Moment

READ_MODELS = tuple(p.PROJECTION.checkpoint for p in (company_rows, contact_rows))
"""What a contact is read from."""


async def contact_now(request: HttpRequest, contact_id: UUID, level: Level | None) -> Stored:
    """A contact as it is now.

    Raises:
        NotFoundError: it is not there, or not for this caller.
        GoneError, MergedError: it was deleted, or merged into another one.
    """
    found = await _stored(request, contact_id, level)
    refusal = None if found is None or found.deleted_at is None else await _gone(request, contact_id)
    # One that is not the caller's to read is missing, in the same time too; and a moment ago it may have become so.
    if (found is None or (found.deleted_at and not refusal)) and (level := await caught_up(request, READ_MODELS)):
        found = await _stored(request, contact_id, level)
    if found is None:
        raise NotFoundError("contact")
    if found.deleted_at is not None:
        raise refusal or GoneError("contact")
    return found


async def contact_then(request: HttpRequest, contact_id: UUID, moment: Moment) -> Contact:
    """A contact folded from its events up to a moment. Raises as `contact_now`."""
    await require_sight(request, contact_id)
    tenant_id, handler = principal_of(request).tenant_id, services_of(request).handler
    found = await handler.state(tenant_id, "contact", contact.evolve, contact_id, up_to=moment.position)
    if found.deleted_at is not None:
        raise await handler.gone(tenant_id, "contact", contact.evolve, found, up_to=moment.position)
    return found


async def require_contact(request: HttpRequest, contact_id: UUID, permission: str = SEEING) -> None:
    """Let nobody do something about a contact that is not there by the log, or not theirs to do it to.

    Raises:
        NotFoundError: it is not there, or not for this caller to read.
        DomainError: permission.missing.
        GoneError, MergedError: it was deleted, or merged into another one.
    """
    caller, handler = principal_of(request), services_of(request).handler
    found = await handler.state(caller.tenant_id, "contact", contact.evolve, contact_id)
    if not caller.reaches(SEEING, found.owner_id):
        raise NotFoundError("contact")
    if not caller.reaches(permission, found.owner_id):
        raise lacking(permission)
    if found.deleted_at is not None:
        raise await handler.gone(caller.tenant_id, "contact", contact.evolve, found)


async def _gone(request: HttpRequest, contact_id: UUID) -> DomainError | None:
    """Why a contact is not there any more, by the log itself; None when it is there again."""
    tenant_id, handler = principal_of(request).tenant_id, services_of(request).handler
    state: Contact = await handler.state(tenant_id, "contact", contact.evolve, contact_id)
    return await handler.gone(tenant_id, "contact", contact.evolve, state) if state.deleted_at else None


async def _stored(request: HttpRequest, contact_id: UUID, level: Level | None) -> Stored | None:
    """The contact, where there is one that the caller may read."""
    caller = principal_of(request)
    query = partial(contact_queries.by_ids, tenant_id=caller.tenant_id, ids=[contact_id])
    rows = await services_of(request).reads.ask(caller.tenant_id, query, at_least=level)
    return rows[0] if rows and caller.reaches(SEEING, rows[0].owner_id) else None
