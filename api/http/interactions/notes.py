"""Notes over HTTP: one, as it is or was, and what it said before."""

from functools import partial
from uuid import UUID

from litestar import Router, get
from msgspec import Struct

from api.http.answer import Answer
from api.http.as_of import AsOf, moment_of
from api.http.contacts.there import READ_MODELS as CONTACTS
from api.http.contacts.there import contact_now, contact_then
from api.http.exchange import HttpRequest, etag, path_id, principal_of, query_of, services_of
from api.http.interactions import examples_notes as examples
from api.http.interactions.note_writes import add_note, edit_note, remove_note
from api.http.operation import operation
from api.http.paging import cursor_after, page_asked
from api.http.read_after import caught_up, settled
from api.http.shapes import Cursor, Limit, Page
from commands.sight import SEEING
from domain.errors import GoneError, NotFoundError
from projections.contacts import family as contact_family
from projections.interactions import note, note_queries
from projections.interactions.note import Row
from projections.interactions.note_queries import NoteVersion, NoteView
from projections.ports import Connection
from projections.position import Level, Moment

READ_MODELS = (note.PROJECTION.checkpoint, contact_family.PROJECTION.checkpoint, *CONTACTS)
_ERRORS = ("note.not_found", "note.deleted", "contact.deleted", "contact.merged")
_HIDING = "A note is there for those whom its contact is there for."


class NoteQuery(Struct, forbid_unknown_fields=True):
    """As of which moment."""

    as_of: AsOf | None = None


class VersionsQuery(Struct, forbid_unknown_fields=True):
    """Until which moment, and the page of a note's versions."""

    as_of: AsOf | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/notes/{note_id:str}",
    **operation(
        summary="Read a note",
        description=f"`html` can be shown as it is, `text` is what it says. {_HIDING}",
        tag="notes",
        permission=SEEING,
        query=NoteQuery,
        answers={200: NoteView},
        errors=_ERRORS,
        result=examples.NOTE,
        read_after=True,
        scoped=True,
    ),
)
async def read_note(request: HttpRequest) -> Answer:
    """One note."""
    note_id = path_id(request, "note_id", "note")
    query: NoteQuery = query_of(request, NoteQuery)
    moment = await moment_of(request, query.as_of)
    found = note_queries.view_of_row(await _there(request, note_id, moment))
    return Answer(found, headers={"ETag": etag(found.version)})


@get(
    "/notes/{note_id:str}/edits",
    **operation(
        summary="Every version of a note",
        description=f"What it said, who wrote that and when; the newest first. {_HIDING}",
        tag="notes",
        permission=SEEING,
        query=VersionsQuery,
        answers={200: Page[NoteVersion]},
        errors=(*_ERRORS, "cursor.invalid"),
        result={"data": examples.VERSIONS, "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def read_edits(request: HttpRequest) -> Answer:
    """A page of a note's versions."""
    note_id = path_id(request, "note_id", "note")
    query: VersionsQuery = query_of(request, VersionsQuery)
    tenant_id, scope = principal_of(request).tenant_id, ["note-edits", note_id, query.as_of]
    before, moment = await page_asked(request, query, scope)
    await _there(request, note_id, moment)
    level = await settled(request, READ_MODELS, at_least=moment.position if moment else 0)
    page = partial(note_queries.versions, tenant_id=tenant_id, note_id=note_id, before=before, limit=query.limit)
    rows, bound = await services_of(request).reads.ask(tenant_id, partial(page, as_of=moment), at_least=level)
    return Answer(Page(data=list(rows), next_cursor=cursor_after(request, scope, bound, moment)))


async def _there(request: HttpRequest, note_id: UUID, moment: Moment | None) -> Row:
    """A note whose contact is there for the caller: now, or as of a moment.

    Raises:
        NotFoundError: the note is not there, or its contact is not for this caller.
        GoneError, MergedError: it was removed, or the contact was deleted or merged.
    """
    level = await settled(request, READ_MODELS, at_least=moment.position if moment else 0)
    found = await _stored(request, note_id, moment, level)
    if found is None and (later := await caught_up(request, READ_MODELS)):  # it may have been made a moment ago
        found, level = await _stored(request, note_id, moment, later), later
    if found is None:
        raise NotFoundError("note")
    row, contact_id = found
    try:
        await (contact_then(request, contact_id, moment) if moment else contact_now(request, contact_id, level))
    except NotFoundError:
        raise NotFoundError("note") from None
    if row.until is not None:
        raise GoneError("note")
    return row


async def _stored(
    request: HttpRequest, note_id: UUID, moment: Moment | None, level: Level | None
) -> tuple[Row, UUID] | None:
    """A note, and the contact that it is about by now, or was then."""
    tenant_id = principal_of(request).tenant_id

    async def ask(connection: Connection) -> tuple[Row, UUID] | None:
        row = await note_queries.by_id(connection, tenant_id, note_id, moment)
        if row is None:
            return None
        position = moment.position if moment else None
        survivors = await contact_family.survivors(connection, tenant_id, [row.contact_id], at=position)
        return row, survivors[row.contact_id]

    return await services_of(request).reads.ask(tenant_id, ask, at_least=level)


ROUTER = Router(path="/v1", route_handlers=[add_note, read_note, edit_note, remove_note, read_edits])
