"""One client of the load: writes one thing after the other, and does not let go of one before it has an answer."""

import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx

from tests.acceptance.installation import Tenant
from tests.faults.chance import chance
from tests.faults.journal import Acked, Asked, Journal, Refused

_PATIENCE_SECONDS = 25.0
_PAUSE_SECONDS = 0.05
_TIMEOUT_SECONDS = 5.0
_TRY_AGAIN = frozenset({"idempotency.in_progress", "command.contention"})
_FIRMS = 4
_CONTACTS = "/v1/contacts"
_CHOICES = {
    "add": 40,
    "add at a company": 10,
    "add under an external id": 5,
    "add nobody": 3,
    "change": 20,
    "change what all change": 8,
    "change what has changed": 5,
    "delete": 4,
    "ask again": 5,
}


class _Write(NamedTuple):
    """What a client wants; `refusal` is the code that it has to be refused with, or may be."""

    method: str
    path: str
    body: dict[str, Any] | None
    headers: Mapping[str, str] = {}
    refusal: str | None = None
    maybe: bool = False


class Client:
    """Writes to one tenant. Every write carries a mark of its own: as its Idempotency-Key, as its correlation id, and
    in the data."""

    def __init__(self, url: str, tenant: Tenant, journal: Journal, seed: str) -> None:
        self.tenant = tenant
        self.shared: UUID | None = None
        """A contact that others change, too."""
        self.acked = 0
        self.repeats = 0
        self.slowest = 0.0
        self._journal = journal
        self._random = chance(seed)
        self._own: list[UUID] = []
        self._acknowledged: tuple[str, _Write] | None = None
        self.writing = threading.Lock()
        """Held by whoever wants it not to write."""
        headers = {"Authorization": f"Bearer {tenant.token}"}
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS, headers=headers)

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def run(self, ended: threading.Event) -> None:
        """Write until it is over."""
        while not ended.is_set():
            with self.writing:
                self._something()

    def forget(self) -> None:
        """What it has written may be there no more."""
        self._own.clear()
        self._acknowledged = None

    def _something(self) -> None:
        what = self._random.choices(list(_CHOICES), list(_CHOICES.values()))[0]
        if what == "ask again":
            self._ask_again()
        elif what.startswith("add") or not self._own:
            if made := self.write(what if what.startswith("add") else "add"):
                self._own.append(made)
        else:
            self.write(what)

    def write(self, what: str) -> UUID | None:
        """Write something, and again until there is an answer; the id of what it is about when it is acknowledged."""
        mark = f"mark-{uuid4().hex}"
        return self._written(what, mark, self._write(what, mark))

    def change(self, contact: UUID) -> UUID | None:
        """Change a contact of a person who may have been erased."""
        mark = f"mark-{uuid4().hex}"
        write = _Write("PATCH", f"{_CONTACTS}/{contact}", {"title": mark}, refusal="contact.deleted", maybe=True)
        return self._written("change who may be erased", mark, write)

    def _written(self, what: str, mark: str, write: _Write) -> UUID | None:
        self._journal.note(Asked(mark, UUID(self.tenant.id), what, write.refusal, write.maybe))
        started = time.monotonic()
        while time.monotonic() - started < _PATIENCE_SECONDS:
            answer = self._send(mark, write)
            if answer is None:
                self.repeats += 1
                time.sleep(_PAUSE_SECONDS)
                continue
            if stream := self._noted(mark, write, answer):
                self.acked += 1
                self.slowest = max(self.slowest, time.monotonic() - started)
                self._acknowledged = mark, write
            return stream
        return None

    def _ask_again(self) -> None:
        """What was acknowledged gets the same answer again."""
        if self._acknowledged and (answer := self._send(*self._acknowledged)):
            self._noted(*self._acknowledged, answer)

    def _write(self, what: str, mark: str) -> _Write:
        if what.startswith("add"):
            more: dict[str, dict[str, Any]] = {
                "add at a company": {"company": f"Firm {self._random.randrange(_FIRMS)}"},
                "add under an external id": {"external_ids": {"crm": mark}},
                "add nobody": {"name": 7},
            }
            refusal = "validation.failed" if what == "add nobody" else None
            return _Write("POST", _CONTACTS, {"name": mark} | more.get(what, {}), refusal=refusal)
        if what == "change what all change":
            return _Write("PATCH", f"{_CONTACTS}/{self.shared}", {"title": mark})
        number = self._random.randrange(len(self._own))
        path = f"{_CONTACTS}/{self._own[number]}"
        if what == "delete":
            del self._own[number]
            return _Write("DELETE", path, None)
        if what == "change what has changed":
            return _Write("PATCH", path, {"title": mark}, {"If-Match": '"1000000"'}, "precondition.version")
        return _Write("PATCH", path, {"title": mark})

    def _send(self, mark: str, write: _Write) -> httpx.Response | None:
        """The answer; None where there is none, or one that asks to try again."""
        headers = {"Idempotency-Key": mark, "X-Correlation-Id": mark, **write.headers}
        try:
            answer = self._http.request(write.method, write.path, json=write.body, headers=headers)
        except httpx.TransportError:
            return None
        again = answer.status_code == httpx.codes.SERVICE_UNAVAILABLE or _code(answer) in _TRY_AGAIN
        return None if again else answer

    def _noted(self, mark: str, write: _Write, answer: httpx.Response) -> UUID | None:
        """Note an answer; the id of what was written."""
        if not answer.is_success:
            self._journal.note(Refused(mark, _code(answer)))
            return None
        stream = UUID(answer.json()["id"] if answer.content else write.path.rpartition("/")[2])
        self._journal.note(Acked(mark, int(answer.headers["Event-Position"]), stream))
        return stream


def _code(answer: httpx.Response) -> str:
    """The code of a refusal."""
    if answer.is_success:
        return ""
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}: {answer.text[:200]}"
