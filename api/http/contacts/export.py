"""Contacts as a file, over HTTP: all that the caller may read and export, as of one moment."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from litestar import get

from api.http.as_of import moment_of
from api.http.contacts import csv as contact_csv
from api.http.contacts import examples_export
from api.http.contacts import vcard as contact_vcard
from api.http.contacts.reads import FilterQuery, check_seen
from api.http.contacts.there import READ_MODELS
from api.http.exchange import HttpRequest, principal_of, query_of, services_of
from api.http.operation import operation
from api.http.read_after import settled
from api.http.streamed import Streamed
from api.http.telling import HIDING
from api.http.tried import note_filters
from commands.custom_fields.values import live
from commands.decision import AllCustomFields
from commands.identity.access import Principal
from commands.sight import SEEING
from commands.visible import CONTACTS, View, view_of
from domain.custom_field import RecordKind
from projections.contacts import export as contact_export
from projections.contacts import past as contact_past
from projections.contacts.export import Wanted
from projections.contacts.queries import Stored
from projections.ports import Connection
from projections.position import Level, Moment

_EXPORTING = "contacts.export"
_PAST = contact_past.PROJECTION.checkpoint
_TURNS = asyncio.Semaphore(2)
"""Exports of a process read in turns, page by page, so that many of them leave room for everything else."""

Ask = Callable[[Callable[[Connection], Awaitable[Any]]], Awaitable[Any]]
Page = tuple[list[Stored], list[str] | None]


class Format(StrEnum):
    """Kinds of files."""

    CSV = "csv"
    VCARD = "vcard"


class ExportQuery(FilterQuery, forbid_unknown_fields=True):
    """Filters of an export, and the kind of file."""

    format: Format = Format.CSV


@get(
    "/contacts/export",
    **operation(
        summary="Export contacts as CSV or vCard",
        description=(
            "Everything that the filters of the list let through, as of one position of the log (Event-Position), in"
            " the order in which it was added; an import of the CSV gives the same contacts. Sent while it is read:"
            " when something fails on the way the connection breaks off, and what ends cleanly is complete. No cell of"
            f" the CSV begins like a formula: docs/export.md has the rules. {HIDING}"
        ),
        tag="contacts",
        permission=_EXPORTING,
        query=ExportQuery,
        answers={200: None},
        files={"text/csv": examples_export.CSV, "text/vcard": examples_export.VCARD},
        read_after=True,
        scoped=True,
    ),
)
async def export_contacts(request: HttpRequest) -> Streamed:
    """A file, sent while it is read."""
    query: ExportQuery = query_of(request, ExportQuery)
    caller, services = principal_of(request), services_of(request)
    view = view_of(caller, CONTACTS)
    check_seen(view, query)
    moment = await moment_of(request, query.as_of)
    level = await settled(request, (_PAST, *READ_MODELS), at_least=moment.position if moment else 0)
    if moment is None:
        moment = await services.reads.ask(
            caller.tenant_id, partial(contact_export.latest, tenant_id=caller.tenant_id), at_least=level
        )
    level = Level((_PAST,), moment.position)
    wanted = Wanted(tenant_id=caller.tenant_id, filters=query.filters, as_of=moment, owners=_owners(caller))
    ask: Ask = partial(services.reads.ask, caller.tenant_id, at_least=level)
    # Here what is wrong can still be told.
    first = await ask(partial(contact_export.after, wanted=wanted, bound=None))
    begin, write = await _writer(query.format, view, await _custom(request, query.as_of, moment), wanted, ask)
    if not first[0]:
        note_filters(request, query)
    name = "contacts.csv" if query.format is Format.CSV else "contacts.vcf"
    return Streamed(
        _chunks(first, begin, write, lambda bound: ask(partial(contact_export.after, wanted=wanted, bound=bound))),
        media=contact_csv.MEDIA if query.format is Format.CSV else contact_vcard.MEDIA,
        seconds=services.body_seconds,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Event-Position": str(moment.position),
        },
    )


def _owners(caller: Principal) -> Sequence[UUID] | None:
    """Whose contacts the caller may both read and export."""
    readable, exportable = caller.owners(SEEING), caller.owners(_EXPORTING)
    if readable is None or exportable is None:
        return exportable if readable is None else readable
    return sorted(set(readable) & set(exportable))


async def _custom(request: HttpRequest, as_of: datetime | None, moment: Moment) -> list[str]:
    """The keys of the custom fields that there are, or were at a moment of the past."""
    caller = principal_of(request)
    defined = caller.custom if as_of is None else await _custom_then(request, moment)
    return sorted(live(defined.get(RecordKind.CONTACT, {})))


async def _custom_then(request: HttpRequest, moment: Moment) -> AllCustomFields:
    return (await services_of(request).past_access.at(principal_of(request).tenant_id, moment.position)).custom


async def _writer(
    kind: Format, view: View, custom: Sequence[str], wanted: Wanted, ask: Ask
) -> tuple[bytes, Callable[[Sequence[Stored]], bytes]]:
    """How the file begins, and what makes of contacts what goes on with it."""
    if kind is Format.VCARD:
        return b"", partial(contact_vcard.cards, view, custom)
    systems = await ask(partial(contact_export.systems, wanted=wanted))
    columns = contact_csv.columns(view, systems=systems, custom=custom)
    return contact_csv.header(columns), partial(contact_csv.lines, columns)


async def _chunks(
    page: Page,
    begin: bytes,
    write: Callable[[Sequence[Stored]], bytes],
    read: Callable[[list[str]], Awaitable[Page]],
) -> AsyncGenerator[bytes]:
    """The file, a page at a time; while one is written the next one is read."""
    if begin:
        yield begin
    while True:
        rows, bound = page
        if bound is None:
            yield write(rows)
            return
        following = asyncio.create_task(_in_turn(read, bound))
        try:
            yield write(rows)
            page = await following
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def _in_turn(read: Callable[[list[str]], Awaitable[Page]], bound: list[str]) -> Page:
    async with _TURNS:
        return await read(bound)
