"""The pipeline as it changes, over HTTP: server-sent events."""

import asyncio
from functools import partial
from uuid import UUID

import msgspec
from litestar import get
from litestar.types import Receive, Scope, Send
from msgspec import Struct

from api.http.exchange import HttpRequest, principal_of, query_of, services_of
from api.http.gate import still_admitted
from api.http.operation import operation
from api.http.pipeline.routes import DEFINITION, READ_MODELS, From, To, asked, told
from api.http.read_after import settled
from commands.identity.access import Principal
from domain.errors import DomainError
from projections.pipeline import queries as pipeline_queries
from projections.position import Level

_LOOK_SECONDS = 0.25
_ASK_SECONDS = 5.0
"""So often it is asked how far the figures are, where nobody tells: the broker may be away."""
_ALIVE_SECONDS = 15.0
_LONGEST_SECONDS = 300.0


class StreamQuery(Struct, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """Which leads, and of which period."""

    since: From | None = None
    until: To | None = None
    owner_id: UUID | None = None
    source: str | None = None


@get(
    "/pipeline/stream",
    **operation(
        summary="Follow the pipeline as it changes",
        description=(
            f"{DEFINITION} Server-sent events (text/event-stream): an event `pipeline` with what /v1/pipeline has,"
            " at once and whenever something has changed; `id` is the position that it includes. A stream ends when the"
            " caller may not read it any more, and after five minutes; EventSource comes again by itself."
        ),
        tag="leads",
        permission="leads.read",
        query=StreamQuery,
        answers={200: None},
        read_after=True,
        scoped=True,
    ),
)
async def stream_pipeline(request: HttpRequest) -> "Watching":
    """The figures, again and again."""
    query: StreamQuery = query_of(request, StreamQuery)
    asked(principal_of(request), query)
    return Watching(request, query, await settled(request, READ_MODELS))


class Watching:
    """An ASGI application that tells of the pipeline until somebody goes."""

    def __init__(self, request: HttpRequest, query: StreamQuery, level: Level | None) -> None:
        self._request = request
        self._query = query
        self._level = level

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
        except DomainError:
            pass  # the caller may not read it any more; asking again tells why
        finally:
            gone.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, send: Send, gone: "asyncio.Future[None]") -> None:
        clock = asyncio.get_running_loop().time
        started = said = looked = clock()
        position = -1
        while not gone.done() and clock() - started < _LONGEST_SECONDS:
            caller = principal_of(self._request)
            known = await self._known(caller, ask=position < 0 or clock() - looked > _ASK_SECONDS)
            looked = clock() if clock() - looked > _ASK_SECONDS else looked
            if known > position or clock() - said > _ALIVE_SECONDS:
                caller = await still_admitted(self._request)
                body = await self._event(caller, known) if known > position else b": still there\n\n"
                position, said = known, clock()
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await asyncio.wait({gone}, timeout=_LOOK_SECONDS)

    async def _known(self, caller: Principal, *, ask: bool) -> int:
        """The position that the figures are known to include."""
        progress = services_of(self._request).progress
        known = progress.known(caller.tenant_id, READ_MODELS)
        if ask:
            await progress.reached(caller.tenant_id, READ_MODELS, known + 1, 0)
        return progress.known(caller.tenant_id, READ_MODELS)

    async def _event(self, caller: Principal, position: int) -> bytes:
        services = services_of(self._request)
        look = partial(pipeline_queries.pipeline, tenant_id=caller.tenant_id, asked=asked(caller, self._query))
        found = await services.reads.ask(
            caller.tenant_id, partial(look, at=services.clock()), at_least=Level(READ_MODELS, position)
        )
        return b"id: %d\nevent: pipeline\ndata: %b\n\n" % (position, msgspec.json.encode(told(caller, found)))


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
