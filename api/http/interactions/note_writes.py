"""Notes over HTTP: add, edit, remove."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from litestar import delete, patch, post
from msgspec import structs

from api.http.answer import Answer
from api.http.contacts.there import require_contact
from api.http.exchange import (
    JSON,
    PATCH,
    HttpRequest,
    WriteQuery,
    path_id,
    principal_of,
    services_of,
)
from api.http.interactions import examples_notes as examples
from api.http.operation import operation
from api.http.reading import Readable
from api.http.shapes import DryRun
from api.http.telling import events_told
from api.http.writing import NoBody, carry_out, written_answer
from commands.handle import UseCase
from commands.identity.access import lacking
from commands.interactions.note import AddNote, ChangeNote, EditNote, NewNote, RemoveNote
from commands.interactions.rich_text import Written, written
from commands.normalise import Problems
from commands.registry import ADD_NOTE, EDIT_NOTE, REMOVE_NOTE
from domain import contact
from domain.errors import FieldError, NotFoundError
from domain.note import Note
from projections.interactions.note_queries import NoteView, view

WRITING = "interactions.write"
_HTML = (
    "`html` is rich text: paragraphs, headings, lists, tables, quotes, code, emphasis, and links to http, https and"
    ' mailto. Everything else is taken away. `<span data-mention="USER-ID">` names a user.'
)
_CONTACT_ERRORS = ("contact.deleted", "contact.merged")
_NOTE_ERRORS = ("note.not_found", "note.deleted", *_CONTACT_ERRORS)


@post(
    "/contacts/{contact_id:str}/notes",
    **operation(
        summary="Write a note about a contact",
        description=f"{_HTML} Who writes it is its author.",
        tag="notes",
        permission=WRITING,
        body=NewNote,
        query=WriteQuery,
        answers={201: NoteView, 200: DryRun},
        errors=("contact.not_found", *_CONTACT_ERRORS),
        example=examples.NEW_NOTE,
        result=examples.NOTE,
        results={200: examples.DRY_ADD},
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def add_note(request: HttpRequest) -> Answer:
    """A note more."""
    contact_id = path_id(request, "contact_id", "contact")

    async def admit(_: Note | None) -> None:
        await require_contact(request, contact_id)

    async def understand(readable: Readable[NewNote]) -> tuple[AddNote, Sequence[FieldError]]:
        text, errors = await _understood(readable)
        return AddNote(contact_id, text), errors

    case = structs.replace(ADD_NOTE, admit=admit)
    dry, outcome = await carry_out(request, case, NewNote, JSON, understand)
    return _answer(request, outcome, dry=dry)


@patch(
    "/notes/{note_id:str}",
    **operation(
        summary="Edit a note",
        description=f"A merge patch (RFC 7396); what it said before stays among its edits. {_HTML}",
        tag="notes",
        permission=WRITING,
        body=ChangeNote,
        media=PATCH,
        query=WriteQuery,
        answers={200: (NoteView, DryRun)},
        errors=_NOTE_ERRORS,
        example=examples.CHANGE,
        result=examples.EDITED,
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def edit_note(request: HttpRequest) -> Answer:
    """Another text."""

    async def understand(readable: Readable[ChangeNote]) -> tuple[EditNote, Sequence[FieldError]]:
        text, errors = await _understood(readable)
        return EditNote(text), errors

    note_id = path_id(request, "note_id", "note")
    dry, outcome = await carry_out(
        request, _within_reach(request, EDIT_NOTE), ChangeNote, PATCH, understand, stream_id=note_id
    )
    return _answer(request, outcome, dry=dry)


@delete(
    "/notes/{note_id:str}",
    status_code=200,  # as DELETE of a contact
    **operation(
        summary="Remove a note",
        tag="notes",
        permission=WRITING,
        query=WriteQuery,
        answers={204: None, 200: DryRun},
        errors=(*_NOTE_ERRORS, "body.too_large"),
        results={200: examples.DRY_REMOVE},
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def remove_note(request: HttpRequest) -> Answer:
    """Gone."""

    async def understand(readable: Readable[NoBody]) -> tuple[RemoveNote, Sequence[FieldError]]:
        return RemoveNote(), readable.errors

    note_id = path_id(request, "note_id", "note")
    dry, outcome = await carry_out(
        request, _within_reach(request, REMOVE_NOTE), NoBody, JSON, understand, stream_id=note_id
    )
    return _answer(request, outcome, dry=dry)


def _within_reach(request: HttpRequest, case: UseCase[Any, Note]) -> UseCase[Any, Note]:
    """The same use case for this caller: a note is missing where its contact is, and another's may be refused."""
    return structs.replace(case, admit=partial(_admit, request))


async def _admit(request: HttpRequest, note: Note) -> None:
    caller = principal_of(request)
    try:
        await require_contact(request, await _survivor(request, note.contact_id))
    except NotFoundError:
        raise NotFoundError("note") from None
    if not caller.reaches(WRITING, note.author_id):
        raise lacking(WRITING)


async def _survivor(request: HttpRequest, contact_id: UUID) -> UUID:
    """What a contact is by now, by the log itself."""
    tenant_id, handler = principal_of(request).tenant_id, services_of(request).handler
    while (state := await handler.state(tenant_id, "contact", contact.evolve, contact_id)).merged_into:
        contact_id = state.merged_into
    return contact_id


async def _understood(readable: Readable[Any]) -> tuple[Written | None, Sequence[FieldError]]:
    """The text of a body, cleaned beside the other requests: the worst takes a third of a second."""
    problems = Problems(readable.errors)
    html = readable.value.html
    if not isinstance(html, str):  # could not be read, or is not there
        return None, readable.errors
    found = await asyncio.to_thread(written, html, "/html", problems)
    return found, tuple(problems.errors)


def _answer(request: HttpRequest, outcome: Any, *, dry: bool) -> Answer:
    told, location = events_told(principal_of(request)), f"/v1/notes/{outcome.stream_id}"
    return written_answer(outcome, view(outcome.state), dry=dry, location=location, told=told)
