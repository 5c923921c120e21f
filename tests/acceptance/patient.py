"""HTTP as a client does it that knows the API: it asks again when read models are behind."""

import time
from typing import Any

import httpx

from tests.waiting import PATIENCE

_BEHIND = b'"code":"read_after.timeout"'


class PatientTransport(httpx.HTTPTransport):
    """Sends a request again that was answered with `read_after.timeout`: it changed nothing, and how soon read models
    follow on a busy machine is not what these tests are about."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = super().handle_request(request)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                return answer
            body = answer.read()
            answer.close()
            if _BEHIND not in body:
                headers = [pair for pair in answer.headers.raw if pair[0].lower() != b"content-encoding"]
                return httpx.Response(answer.status_code, headers=headers, content=body)


def patient(url: str, **options: Any) -> httpx.Client:
    """A client of an API, with what httpx.Client takes."""
    return httpx.Client(base_url=url, timeout=PATIENCE, transport=PatientTransport(), **options)
