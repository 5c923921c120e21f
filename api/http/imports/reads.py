"""Imports over HTTP: lists, one, its progress as it goes, and what was wrong with its rows."""

import asyncio
from functools import partial
from typing import Any

import msgspec
from litestar import get
from litestar.types import Receive, Scope, Send
from msgspec import Struct

from api.http.answer import Answer
from api.http.exchange import HttpRequest, NoQuery, etag, path_id, principal_of, query_of, services_of
from api.http.imports import examples
from api.http.imports.reach import import_of
from api.http.imports.views import ImportView, view
from api.http.operation import operation
from api.http.read_after import settled
from api.http.shapes import Cursor, Limit, Page
from commands.imports.errors import header, lines, unpacked
from commands.imports.portion import PERMISSION
from commands.imports.ports import ERRORS, UNDO
from domain.errors import DomainError
from domain.imports import Import, Status
from projections import imports as rows
from projections.imports import LATEST

_LOOK_SECONDS = 0.5
_ALIVE_SECONDS = 15.0
_LONGEST_SECONDS = 300.0
"""After so long the stream ends, and the client comes again with a token that is looked at again."""
_GOING = frozenset({Status.RUNNING, Status.UNDOING})


class ListQuery(Struct, forbid_unknown_fields=True):
    """A page of imports."""

    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/imports",
    **operation(
        summary="List imports, the latest first",
        tag="imports",
        permission=PERMISSION,
        query=ListQuery,
        answers={200: Page[ImportView]},
        errors=("cursor.invalid",),
        result={"data": [examples.IMPORT], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def list_imports(request: HttpRequest) -> Answer:
    """A page of imports."""
    query: ListQuery = query_of(request, ListQuery)
    caller, services = principal_of(request), services_of(request)
    after: Any = LATEST
    if query.cursor is not None:
        after = services.cursors.read(query.cursor, caller.tenant_id, ["imports"])
    level = await settled(request, (rows.PROJECTION.checkpoint,))
    ask = partial(rows.page, tenant_id=caller.tenant_id, after=tuple(after), limit=query.limit)
    found, bound = await services.reads.ask(
        caller.tenant_id, partial(ask, owners=caller.owners(PERMISSION)), at_least=level
    )
    next_cursor = services.cursors.make(caller.tenant_id, ["imports"], bound) if bound else None
    return Answer(Page(data=[view(state) for state in found], next_cursor=next_cursor))


@get(
    "/imports/{import_id:str}",
    **operation(
        summary="Read an import",
        tag="imports",
        permission=PERMISSION,
        query=NoQuery,
        answers={200: ImportView},
        errors=("import.not_found",),
        result=examples.IMPORT,
        read_after=True,
        scoped=True,
    ),
)
async def read_import(request: HttpRequest) -> Answer:
    """One import, as it stands in the log."""
    query_of(request, NoQuery)
    await settled(request, ())
    state = await import_of(request, path_id(request, "import_id", "import"))
    return Answer(view(state), headers={"ETag": etag(state.version)})


@get(
    "/imports/{import_id:str}/progress",
    **operation(
        summary="Follow an import as it goes on",
        description=(
            "Server-sent events (text/event-stream): an event `progress` whenever it has got on, and an end when it is"
            " over. A stream ends after five minutes too; EventSource comes again by itself."
        ),
        tag="imports",
        permission=PERMISSION,
        query=NoQuery,
        answers={200: None},
        errors=("import.not_found",),
        read_after=True,
        scoped=True,
    ),
)
async def follow(request: HttpRequest) -> "Following":
    """Its progress, as it goes."""
    query_of(request, NoQuery)
    await settled(request, ())
    state = await import_of(request, path_id(request, "import_id", "import"))
    return Following(request, state)


@get(
    "/imports/{import_id:str}/errors",
    **operation(
        summary="Read what was wrong with the rows of an import",
        description=(
            "text/csv with the columns row, column, code, message, hint and value; the header of the file is row 1."
            " What an undo has left as it is comes at the end, as row 0."
        ),
        tag="imports",
        permission=PERMISSION,
        query=NoQuery,
        answers={200: None},
        errors=("import.not_found", "import.file_gone"),
        read_after=True,
        scoped=True,
    ),
)
async def read_errors(request: HttpRequest) -> "ErrorFile":
    """A file of errors."""
    query_of(request, NoQuery)
    await settled(request, ())
    state = await import_of(request, path_id(request, "import_id", "import"))
    parts, tenant_id = services_of(request).imports.parts, principal_of(request).tenant_id
    numbers = [(ERRORS, n) for n in await parts.numbers(tenant_id, state.id, ERRORS) if n < state.portion]
    numbers += [(UNDO, n) for n in await parts.numbers(tenant_id, state.id, UNDO) if n < state.version]
    if (state.counts.failed or state.undone.refused) and not numbers:
        raise DomainError("import.file_gone", "what was wrong was kept for seven days and is deleted")
    return ErrorFile(request, state, numbers)


class Following:
    """An ASGI application that tells of an import until it is over."""

    def __init__(self, request: HttpRequest, state: Import) -> None:
        self._request = request
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  as ASGI calls it
        """Send events, and now and then a comment so that nobody takes the line for dead."""
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            await self._tell(send, gone)
        finally:
            gone.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, send: Send, gone: "asyncio.Future[None]") -> None:
        clock = asyncio.get_running_loop().time
        started = said = clock()
        state, told = self._state, 0
        while not gone.done() and clock() - started < _LONGEST_SECONDS:
            if state.version != told:
                told, said = state.version, clock()
                await send({"type": "http.response.body", "body": _event(state), "more_body": True})
            if state.status not in _GOING:
                return
            if clock() - said > _ALIVE_SECONDS:
                said = clock()
                await send({"type": "http.response.body", "body": b": still there\n\n", "more_body": True})
            await asyncio.wait({gone}, timeout=_LOOK_SECONDS)
            state = await import_of(self._request, state.id)


class ErrorFile:
    """An ASGI application that sends errors part by part."""

    def __init__(self, request: HttpRequest, state: Import, numbers: list[tuple[str, int]]) -> None:
        self._request = request
        self._state = state
        self._numbers = numbers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  as ASGI calls it
        """Send them."""
        name = f'attachment; filename="import-{self._state.id}-errors.csv"'.encode()
        headers = [(b"content-type", b"text/csv; charset=utf-8"), (b"content-disposition", name)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": header().encode(), "more_body": True})
        parts, tenant_id = services_of(self._request).imports.parts, principal_of(self._request).tenant_id
        for kind, number in self._numbers:
            data = await parts.get(tenant_id, self._state.id, kind, number)
            if data is not None:
                text = lines(unpacked(data)).encode()
                await send({"type": "http.response.body", "body": text, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(state: Import) -> bytes:
    shown = view(state)
    data = {
        "status": shown.status,
        "progress": shown.progress,
        "counts": shown.counts,
        "undone": shown.undone,
        "failure": shown.failure,
    }
    return b"id: %d\nevent: progress\nretry: 1000\ndata: %s\n\n" % (shown.version, msgspec.json.encode(data))
