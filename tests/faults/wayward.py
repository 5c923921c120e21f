"""An HTTP proxy in front of OpenSearch that says what a store in trouble says."""

import http.client
import json
import random
import threading
from collections import Counter
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

Mood = Literal["", "busy", "partial", "gone"]
"""`busy`: 429 to everything; `partial`: takes some documents of each bulk; `gone`: hangs up."""

_REJECTED = {"type": "rejected_execution_exception", "reason": "too much to do"}


class Wayward:
    """The proxy; `mood` says how it answers from now on."""

    def __init__(self, url: str, rng: random.Random) -> None:
        parts = urlsplit(url)
        self.target = (parts.hostname or "127.0.0.1", parts.port or 0)
        self.rng = rng
        self.mood: Mood = ""
        self.counts: Counter[str] = Counter()

        class Handler(_Handler):
            proxy = self

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    proxy: Wayward
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        mood = self.proxy.mood
        if mood:
            self.proxy.counts[mood] += 1
        if mood == "gone":
            self.close_connection = True
            return
        if mood == "busy":
            self._say(HTTPStatus.TOO_MANY_REQUESTS, json.dumps({"error": _REJECTED, "status": 429}).encode())
            return
        is_bulk = self.path.partition("?")[0].endswith("/_bulk")
        refused: list[Any] = []
        if mood == "partial" and is_bulk:
            body, refused = self._some(body)
        status, answer = self._forward(body) if body or not is_bulk else (HTTPStatus.OK, b'{"took":1,"items":[]}')
        if refused and status == HTTPStatus.OK:
            found = json.loads(answer)
            answer = json.dumps(found | {"errors": True, "items": [*found["items"], *refused]}).encode()
        self._say(status, answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815  names that the library calls

    def _some(self, body: bytes) -> tuple[bytes, list[Any]]:
        """The lines of about half of the documents, and answers of refusal for the others."""
        lines = body.strip(b"\n").split(b"\n")
        kept, refused = b"", []
        for head, document in zip(lines[::2], lines[1::2], strict=True):
            if self.proxy.rng.random() < 0.5:
                kept += head + b"\n" + document + b"\n"
            else:
                refused.append({"index": {"_id": json.loads(head)["index"]["_id"], "status": 429, "error": _REJECTED}})
        return kept, refused

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(*self.proxy.target, timeout=30)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "content-length"}
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            self.close_connection = True
            return HTTPStatus.BAD_GATEWAY, b"{}"
        finally:
            connection.close()

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            with suppress(OSError):  # who has asked may have turned to somebody else
                self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing to the terminal."""
