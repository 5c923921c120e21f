"""N-S2, R6.3: what docs/security.md says is shown by tests that are there, and what it says of all routes holds."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from api.http import app, openapi
from api.http.gate import served

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "security.md").read_text()
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
FETCHED = re.compile(r"(^|_)(url|uri|href|link|webhook|callback|endpoint|host)s?(_|$)")


@cache
def functions_of(file: str) -> frozenset[str]:
    """The functions of a file of tests."""
    tree = ast.parse((ROOT / "tests" / file).read_text())
    return frozenset(each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


def rows() -> Iterator[list[str]]:
    """The cells of every row of the lists."""
    for line in TEXT.splitlines():
        if line.startswith("| ") and not line.startswith("| item "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall(TEXT)
    assert len(named) > 80
    assert [f"{file}::{name}" for file, name in named if name not in functions_of(file)] == []


def test_every_item_is_shown_by_a_test() -> None:
    found = list(rows())
    assert len(found) > 30
    assert [row[0] for row in found if len(row) != 3 or not NAMED.findall(row[2])] == []


def test_the_whole_top_ten_is_there_in_order() -> None:
    assert [row[0].split()[0] for row in rows() if row[0].startswith("API")] == [f"API{n}" for n in range(1, 11)]


def test_no_route_is_missing_in_the_document() -> None:
    made = litestar()
    there = {
        (route.path_format, method.lower())
        for route in made.routes
        for handler in getattr(route, "route_handlers", ())
        if isinstance(handler, HTTPRouteHandler) and not handler.fn.__module__.startswith("litestar.")
        for method in handler.http_methods
    }
    paths: Mapping[str, Mapping[str, Any]] = openapi.document(list(app.operations(made)))["paths"]
    assert {(path, method) for path, methods in paths.items() for method in methods} == there


def test_nothing_that_the_api_takes_is_an_address_to_fetch() -> None:
    document = openapi.document(list(app.operations(litestar())))
    taken = [*parameters(document), *members(document)]
    assert {"email", "owner_id", "cursor"} <= set(taken)
    assert [name for name in taken if FETCHED.search(name)] == []


def litestar() -> Litestar:
    """The routes, served by nobody."""
    return Litestar(route_handlers=list(app.ROUTERS), before_request=served, openapi_config=None)


def parameters(document: Mapping[str, Any]) -> Iterator[str]:
    """The name of every parameter."""
    for methods in document["paths"].values():
        for operation in methods.values():
            yield from (each["name"] for each in operation.get("parameters", ()))


def members(document: Mapping[str, Any]) -> Iterator[str]:
    """The name of every member of every body, and of what stands in it."""
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    contents = [content for each in operations for content in each.get("requestBody", {}).get("content", {}).values()]
    waiting, seen = [content["schema"] for content in contents], set[str]()
    while waiting:
        schema = waiting.pop()
        if reference := schema.get("$ref"):
            if reference in seen:
                continue
            seen.add(reference)
            schema = document["components"]["schemas"][reference.rpartition("/")[2]]
        yield from schema.get("properties", {})
        waiting += [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
        waiting += [schema["items"]] if "items" in schema else []
