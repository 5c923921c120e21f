"""The lines that people are shown to paste into a shell, run in one."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest

from api.cli import demo
from commands.contacts.input import RegisterContact

TENANT = demo.tenants(contacts=10)[0]


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("python3")), reason="the lines are for a shell with curl"
)
def test_the_curl_lines_sign_in_add_a_contact_and_find_it() -> None:
    with fake_api() as (url, seen):
        script = "\n".join(demo.curl_lines(url, TENANT))
        done = subprocess.run(["sh", "-eu", "-c", script], capture_output=True, text=True, timeout=30, check=True)
    login, made, found = seen
    assert msgspec.json.decode(login["body"]) == {"email": TENANT.admin_email, "password": TENANT.password}
    assert made["Authorization"] == found["Authorization"] == "Bearer a.b-c_d"
    command = msgspec.json.decode(made["body"], type=RegisterContact)
    assert command.name == "Wilhelmina Oosterhuis"
    assert found["Read-After"] == "3001"
    assert found["path"] == "/v1/contacts/search?limit=1&q=wilhelmna%20osterhuis"
    assert msgspec.json.decode(done.stdout) == {"data": ["é"]}
    assert "é" in done.stdout


@contextmanager
def fake_api() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Answers as the API does, and notes what it was asked."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            seen.append({**self.headers, "path": self.path, "body": body})
            self.send_response(200)
            self.send_header("event-position", "3001")
            self.end_headers()
            tokens = b'{"access_token":"a.b-c_d","token_type":"Bearer","expires_in":86400}'
            self.wfile.write(tokens if self.path.endswith("/login") else '{"data":["é"]}'.encode())

        do_GET = do_POST = answer  # noqa: N815  the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
