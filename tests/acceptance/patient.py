"""HTTP as a client does it that knows the API: it reads what was written, and asks again when that is not there yet."""

import time
from typing import Any

import httpx
import jwt

from tests.waiting import PATIENCE

_BEHIND = b'"code":"read_after.timeout"'
_written: dict[str, str] = {}
"""How far each tenant's log is, as far as its clients were told."""


class PatientTransport(httpx.HTTPTransport):
    """Reads after the last write that any client of the tenant was told of, where nothing else is asked for; and asks
    again where the answer was `read_after.timeout`: it changed nothing, and how soon read models follow on a busy host
    is not what these tests are about."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        tenant = _tenant_of(request)
        if request.method == "GET" and tenant in _written:
            request.headers.setdefault("Read-After", _written[tenant])
        answer = self._sent(request)
        if request.method != "GET" and tenant and (position := answer.headers.get("Event-Position")):
            _written[tenant] = max(position, _written.get(tenant, "0"), key=int)
        return answer

    def _sent(self, request: httpx.Request) -> httpx.Response:
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


def _tenant_of(request: httpx.Request) -> str | None:
    """By the access token, if it is one."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        return str(jwt.decode(token, options={"verify_signature": False})["tid"])
    except (jwt.DecodeError, KeyError):
        return None


def patient(url: str, **options: Any) -> httpx.Client:
    """A client of an API, with what httpx.Client takes. It speaks plain HTTP: one that knows whom to trust with TLS has
    read the certificates of all authorities, which takes longer than ten requests."""
    return httpx.Client(base_url=url, timeout=PATIENCE, transport=PatientTransport(verify=False), **options)
