"""R2.2, R7.5, invariant 8: a route that does not say who may use it does not start; the document tells what it says."""

from typing import Any, cast

import pytest
from litestar import HttpMethod, route
from msgspec import Struct

from api.http import app
from api.http.app import UndeclaredPermissionError, UnservableError
from api.http.contacts import routes as contacts
from api.http.exchange import HttpRequest
from api.http.operation import PUBLIC, operation
from api.http.services import Services


class Nothing(Struct):
    """An answer."""


def build_with(*handlers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "ROUTERS", (contacts.ROUTER, *handlers))
    app.build(cast("Services", None))


def declared(permission: str) -> dict[str, Any]:
    return operation(summary="x", tag="x", permission=permission, answers={200: Nothing})


@pytest.mark.parametrize("method", list(HttpMethod))
def test_a_route_without_a_permission_does_not_start(method: HttpMethod, monkeypatch: pytest.MonkeyPatch) -> None:
    @route("/naked", http_method=[method], status_code=200)
    async def naked() -> None: ...

    with pytest.raises(UndeclaredPermissionError, match="/naked"):
        build_with(naked, monkeypatch=monkeypatch)


@pytest.mark.parametrize("opt", [{"operation": None}, {"operation": "contacts.read"}])
def test_something_else_in_place_of_a_permission_does_not_start(
    opt: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    @route("/naked", http_method=["GET"], opt=opt)
    async def naked() -> None: ...

    with pytest.raises(UndeclaredPermissionError, match="/naked"):
        build_with(naked, monkeypatch=monkeypatch)


def test_a_permission_that_is_not_in_the_table_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    @route("/odd", http_method=["GET"], **declared("contacts.raed"))
    async def odd() -> None: ...

    with pytest.raises(UndeclaredPermissionError, match=r"contacts\.raed"):
        build_with(odd, monkeypatch=monkeypatch)


def test_a_route_that_would_go_round_the_gate_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async def let_in(_: object) -> None: ...

    @route("/round", http_method=["GET"], before_request=let_in, **declared("contacts.read"))
    async def round_it() -> None: ...

    with pytest.raises(UndeclaredPermissionError, match="/round"):
        build_with(round_it, monkeypatch=monkeypatch)


def test_a_public_route_says_so_and_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    @route("/open", http_method=["GET"], **declared(PUBLIC))
    async def opened(request: HttpRequest) -> None: ...

    build_with(opened, monkeypatch=monkeypatch)


def test_a_route_that_the_gate_could_not_call_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    @route("/odd", http_method=["GET"], **declared(PUBLIC))
    async def odd() -> None: ...

    with pytest.raises(UnservableError, match="/odd"):
        build_with(odd, monkeypatch=monkeypatch)
