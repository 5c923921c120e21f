"""N-C1: a log says what went wrong and where, and nothing of the data that it went wrong with."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SECRET = "Xanthippe"

_START = f"""
import asyncio, logging
from infra.logs import configure
configure("info", "api")
SECRET = "{SECRET}"
"""
_REQUEST = """
import httpx
from litestar import Request, get
from api.http import app
from api.http.operation import PUBLIC, operation

@get("/health/fault/{name:str}", **operation(summary="x", tag="x", permission=PUBLIC, answers={200: None}))
async def fault(request: Request) -> None:
    name = request.path_params["name"]
    try:
        raise ValueError(f"bad {name}")
    except ValueError as error:
        raise RuntimeError(f"could not do {name}") from error

async def main():
    app.ROUTERS = (fault,)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app.build(None)), base_url="http://tests") as client:
        assert (await client.get(f"/health/fault/{SECRET}")).status_code == 500

asyncio.run(main())
"""
_LIBRARY = """
logging.getLogger("pool").warning("error connecting in %r: %s", "pool", ValueError(SECRET))

async def fail():
    raise ExceptionGroup(SECRET, [KeyError(SECRET)])

async def main():
    asyncio.ensure_future(fail())
    await asyncio.sleep(0)

asyncio.run(main())
"""


def logged(program: str) -> list[dict[str, Any]]:
    """The log of a process, in which the secret must not be."""
    command = [sys.executable, "-c", _START + program]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stderr
    assert SECRET not in text
    return [json.loads(line) for line in text.splitlines()]


def test_an_unexpected_exception_is_logged_by_kind_and_place_without_its_message() -> None:
    (fault,) = [line for line in logged(_REQUEST) if line["event"] == "request.failed"]
    assert [each["kind"] for each in fault["exception"]] == ["RuntimeError", "ValueError"]
    assert all(each["frames"][-1].endswith(" fault") for each in fault["exception"])
    assert fault["route"] == "/health/fault/{name}"


def test_what_libraries_log_of_exceptions_is_their_kind() -> None:
    pool, task = logged(_LIBRARY)
    assert pool["message"] == "error connecting in 'pool': ValueError"
    assert task["message"] == "Task exception was never retrieved"
    assert [each["kind"] for each in task["exception"]] == ["ExceptionGroup", "KeyError"]


def calls_of_loggers() -> Iterator[tuple[str, ast.Call]]:
    for layer in ("api", "commands", "infra", "projections"):
        for file in sorted((ROOT / layer).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("_log."):
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", node


def test_no_line_is_logged_with_the_text_of_an_exception() -> None:
    calls = list(calls_of_loggers())
    assert len(calls) > 20
    for place, call in calls:
        for part in ast.walk(call):
            quoted = part.func if isinstance(part, ast.Call) else None
            assert not (isinstance(quoted, ast.Name) and quoted.id in {"repr", "str"} and "error" in ast.unparse(part))
            assert not isinstance(part, ast.JoinedStr), f"{place}: give values as members of their own"
