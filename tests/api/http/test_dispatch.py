"""R7.4: routes are called without Litestar's own way to them, and answer as they did."""

from typing import Any

import pytest
from litestar import Litestar, get
from litestar.exceptions import HTTPException
from litestar.types import Message

from api.http import problems
from api.http.answer import Answer
from api.http.app import handlers
from api.http.dispatch import Dispatch
from api.http.exchange import HttpRequest
from api.http.gate import admit
from api.http.operation import PUBLIC, operation
from domain.errors import DomainError

PROBLEMS: dict[Any, Any] = {
    DomainError: problems.refused,
    HTTPException: problems.by_framework,
    Exception: problems.unexpected,
}


def public() -> dict[str, Any]:
    return operation(summary="x", tag="x", permission=PUBLIC, answers={200: None})


@get("/health/one/{name:str}", **public())
async def one(request: HttpRequest) -> Answer:
    return Answer({"name": request.path_params["name"], "route": request.scope["path_template"]})


@get("/health/refused", **public())
async def refused(request: HttpRequest) -> Answer:
    raise DomainError("precondition.version", request.method)


@get("/health/faulty", **public())
async def faulty(request: HttpRequest) -> Answer:
    raise ZeroDivisionError(request.method)


@get("/health/alone", **public())
async def alone() -> Answer:
    return Answer({"left": "to Litestar"})


class Broken(Answer):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError


@get("/health/broken", **public())
async def broken(request: HttpRequest) -> Answer:
    return Broken(request.method)


async def asked(path: str, method: str = "GET", host: bytes = b"here:80") -> tuple[int, bytes]:
    """Status and body of the answer."""
    app = Litestar(
        [one, refused, faulty, alone, broken],
        before_request=admit,
        exception_handlers=PROBLEMS,
        openapi_config=None,
        logging_config=None,
    )
    app.state.methods = {path: ["GET"]}
    headers, sent = [(b"host", host)], list[Message]()
    state: dict[str, Any] = {"correlation_id": "c", "traceparent": None, "headers": dict(headers), "services": None}
    scope: Any = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
    scope |= {"state": state, "client": None, "root_path": "", "scheme": "http", "server": None}

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.start":
            state["answered"] = message["status"]

    await Dispatch(app, PROBLEMS, handlers(app))(scope, receive, send)
    start: Any = sent[0]
    return start["status"], b"".join(message.get("body", b"") for message in sent)  # type: ignore[misc]


async def test_a_route_finds_its_parameters_and_its_template() -> None:
    status, body = await asked("/health//one/ada/")
    assert (status, body) == (200, b'{"name":"ada","route":"/health/one/{name}"}')


@pytest.mark.parametrize(
    ("path", "method", "status", "code"),
    [
        ("/health/refused", "GET", 412, b"precondition.version"),
        ("/health/faulty", "GET", 500, b"server.error"),
        ("/health/nowhere", "GET", 404, b"route.not_found"),
        ("/health/alone", "POST", 405, b"method.not_allowed"),
        ("/health/refused", "OPTIONS", 405, b"method.not_allowed"),
    ],
)
async def test_whatever_goes_wrong_is_a_problem(path: str, method: str, status: int, code: bytes) -> None:
    answer, body = await asked(path, method)
    assert answer == status
    assert b'"code":"' + code in body


async def test_a_host_that_is_none_is_refused() -> None:
    assert (await asked("/health/one/ada", host=b"a/b"))[0] == 400


async def test_a_route_that_takes_something_else_is_called_all_the_same() -> None:
    assert await asked("/health/alone") == (200, b'{"left":"to Litestar"}')


async def test_what_breaks_off_after_its_beginning_is_not_answered_twice() -> None:
    with pytest.raises(ZeroDivisionError):
        await asked("/health/broken")
