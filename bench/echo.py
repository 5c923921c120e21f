"""The reference of bench.command and bench.gate: Litestar on Granian, answering a POST with what it got, and hello."""

import socket
from typing import Any

import uvloop
from litestar import Litestar, get, post

from api.http.serve import serve
from infra.lean import collect_seldom


@post("/echo")
async def echo(data: dict[str, Any]) -> dict[str, Any]:
    """The body."""
    return data


@get("/hello")
async def hello() -> dict[str, str]:
    """A greeting."""
    return {"hello": "world"}


def main() -> None:
    """Serve on a free port, which is printed first."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    print(f"http://127.0.0.1:{port}", flush=True)
    app = Litestar([echo, hello], openapi_config=None, logging_config=None)
    collect_seldom()
    uvloop.run(serve(app, host="127.0.0.1", port=port, idle_seconds=60))


if __name__ == "__main__":
    main()
