"""Whether a contact is there for the caller: now, or as of a moment. What is read of one asks this first."""

from functools import partial
from uuid import UUID

from api.http.contact_reach import require_sight
from api.http.exchange import HttpRequest, principal_of, services_of
from api.http.read_after import caught_up
from commands.access import lacking
from commands.sight import SEEING
from domain import contact
from domain.contact import Contact
from domain.errors import GoneError, NotFoundError
from projections import company as company_rows
from projections import contact as contact_rows
from projections import contact_queries
from projections.contact_queries import Stored
from projections.position import Level, Moment

READ_MODELS = tuple(p.PROJECTION.checkpoint for p in (company_rows, contact_rows))
"""What a contact is read from."""


async def contact_now(request: HttpRequest, contact_id: UUID, level: Level | None) -> Stored:
    """A contact as it is now.

    Raises:
        NotFoundError: it is not there, or not for this caller.
        GoneError: it was deleted.
    """
    found = await _stored(request, contact_id, level)
    # One that is not the caller's to read is missing, in the same time too; and a moment ago it may have become so.
    if found is None and (level := await caught_up(request, READ_MODELS)):
        found = await _stored(request, contact_id, level)
    if found is None:
        raise NotFoundError("contact")
    if found.deleted_at is not None:
        raise GoneError("contact")
    return found


async def contact_then(request: HttpRequest, contact_id: UUID, moment: Moment) -> Contact:
    """A contact folded from its events up to a moment. Raises as `contact_now`."""
    await require_sight(request, contact_id)
    found = await services_of(request).handler.state(
        principal_of(request).tenant_id, "contact", contact.evolve, contact_id, up_to=moment.position
    )
    if found.deleted_at is not None:
        raise GoneError("contact")
    return found


async def require_contact(request: HttpRequest, contact_id: UUID, permission: str = SEEING) -> None:
    """Let nobody do something about a contact that is not there by the log, or not theirs to do it to.

    Raises:
        NotFoundError: it is not there, or not for this caller to read.
        DomainError: permission.missing.
        GoneError: it was deleted.
    """
    caller = principal_of(request)
    found = await services_of(request).handler.state(caller.tenant_id, "contact", contact.evolve, contact_id)
    if not caller.reaches(SEEING, found.owner_id):
        raise NotFoundError("contact")
    if not caller.reaches(permission, found.owner_id):
        raise lacking(permission)
    if found.deleted_at is not None:
        raise GoneError("contact")


async def _stored(request: HttpRequest, contact_id: UUID, level: Level | None) -> Stored | None:
    """The contact, where there is one that the caller may read."""
    caller = principal_of(request)
    query = partial(contact_queries.by_ids, tenant_id=caller.tenant_id, ids=[contact_id])
    rows = await services_of(request).reads.ask(caller.tenant_id, query, at_least=level)
    return rows[0] if rows and caller.reaches(SEEING, rows[0].owner_id) else None
