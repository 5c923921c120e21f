"""From a request to its route: what Litestar has found out at start-up, without what it does around every call.

A route that takes the request alone gives an ASGI application, so of Litestar's general call (parameters, response
classes, caches, dependencies, hooks) nothing is needed but the route. Anything else is left to Litestar.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from litestar import Litestar, Request, Response
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send
from litestar.utils import normalize_path

from api.http.gate import admit

ExceptionHandlers = Mapping[type[Exception], Callable[[Request[Any, Any, Any], Any], Response[Any]]]

# Plainer than what Litestar takes for a host: any other is for it to judge.
_HOST = re.compile(rb"[0-9A-Za-z.\-:\[\]]*")


class Dispatch:
    """An ASGI application: the routes of another one, with its gate before each, and problems for what they raise."""

    def __init__(
        self, app: Litestar, exception_handlers: ExceptionHandlers, routes: Iterable[HTTPRouteHandler]
    ) -> None:
        self._app = app
        self._handlers = exception_handlers
        self._find = app.asgi_router.handle_routing
        self._routes: dict[Any, Callable[[Request[Any, Any, Any]], Any]] = {
            route: route.fn for route in routes if list(inspect.signature(route.fn).parameters) == ["request"]
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = self._route(scope)
        if call is None:
            await self._app(scope, receive, send)
            return
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        try:
            await admit(request)
            answer: ASGIApp = await call(request)
            await answer(scope, receive, send)
        except Exception as error:
            if "answered" in scope["state"]:
                raise
            told = next(self._handlers[kind] for kind in type(error).__mro__ if kind in self._handlers)(request, error)
            await told.to_asgi_response(app=None, request=request)(scope, receive, send)

    def _route(self, scope: Scope) -> Callable[[Request[Any, Any, Any]], Any] | None:
        """The route's function, with what routes find in the scope; None where Litestar is to answer."""
        if scope["type"] != ScopeType.HTTP or not _HOST.fullmatch(scope["state"]["headers"].get(b"host", b"")):
            return None
        try:
            _, handler, path, parameters, template = self._find(
                path=normalize_path(scope["path"]), method=scope.get("method")
            )
        except HTTPException:
            return None
        call = self._routes.get(handler)
        if call:
            scope["app"] = scope["litestar_app"] = self._app
            scope["path"], scope["path_params"], scope["path_template"] = path, parameters, template
            scope["route_handler"] = handler
        return call
