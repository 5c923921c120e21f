"""Clients that write all the time, repeat under its Idempotency-Key what got no answer, and remember every answer."""

import re
import threading
import time
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid4

import httpx
import psycopg

from tests.acceptance.installation import Installation, Tenant

_PATIENCE_SECONDS = 20.0
_MARK = re.compile(rb"mark-[0-9a-f]{32}")


class Load:
    """Writes from several threads for as long as the block lasts; each write carries a mark of its own."""

    def __init__(self, installation: Installation, *, tenants: int = 3, clients: int = 6) -> None:
        self.installation = installation
        self.tenants = [installation.tenant(f"Tenant {number}") for number in range(tenants)]
        self.acked: dict[str, UUID] = {}
        self.added: dict[UUID, set[str]] = {self.id_of(tenant): set() for tenant in self.tenants}
        self.unknown: dict[str, UUID] = {}
        self.unexpected: list[str] = []
        self.repeats = 0
        self.slowest = 0.0
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(number,)) for number in range(clients)]

    @staticmethod
    def id_of(tenant: Tenant) -> UUID:
        """Its id."""
        return UUID(tenant.id)

    @property
    def ids(self) -> list[UUID]:
        """The tenants' ids."""
        return list(self.added)

    def _client(self, number: int) -> None:
        tenant = self.tenants[number % len(self.tenants)]
        last: str | None = None
        headers = {"Authorization": f"Bearer {tenant.token}"}
        with httpx.Client(base_url=str(self.installation.ready["url"]), timeout=5, headers=headers) as http:
            while not self._over.is_set():
                mark = f"mark-{uuid4().hex}"
                if last and not last.endswith(("0", "1", "2", "3", "4", "5")):
                    self._write(http, tenant, mark, "PATCH", f"/v1/contacts/{last}", {"title": mark})
                    last = None
                else:
                    answer = self._write(http, tenant, mark, "POST", "/v1/contacts", {"name": mark})
                    last = answer["id"] if answer else None

    def _write(
        self, http: httpx.Client, tenant: Tenant, mark: str, method: str, path: str, body: dict[str, Any]
    ) -> dict[str, Any] | None:
        started = time.monotonic()
        while time.monotonic() - started < _PATIENCE_SECONDS:
            try:
                answer = http.request(method, path, json=body, headers={"Idempotency-Key": mark})
            except httpx.TransportError:
                self._pause()
                continue
            if answer.is_success:
                self.slowest = max(self.slowest, time.monotonic() - started)
                self.acked[mark] = self.id_of(tenant)
                found: dict[str, Any] = answer.json()
                self.added[self.id_of(tenant)].add(found["id"])
                return found
            if answer.status_code not in {HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE}:
                self.unexpected.append(answer.text)
                break
            self._pause()
        self.unknown[mark] = self.id_of(tenant)
        return None

    def _pause(self) -> None:
        self.repeats += 1
        time.sleep(0.05)

    def until_acked(self, more: int, seconds: float = 20) -> None:
        """Wait until so many more writes are acknowledged: the load is there, or there again."""
        wanted, deadline = len(self.acked) + more, time.monotonic() + seconds
        while len(self.acked) < wanted:
            assert time.monotonic() < deadline, f"{len(self.acked)} acknowledged, waiting for {wanted}"
            time.sleep(0.02)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def faults(self) -> Sequence[str]:
        """What is wrong with the log, given what was acknowledged: lost, doubled, or under a wrong tenant."""
        seen: Counter[tuple[str, UUID]] = Counter()
        with psycopg.connect(str(self.installation.ready["postgres_admin"])) as connection:
            query = "SELECT tenant_id, data FROM store.event WHERE tenant_id = ANY(%s)"
            for tenant_id, data in connection.execute(query, (self.ids,)):
                seen.update((mark.decode(), tenant_id) for mark in set(_MARK.findall(data)))
        wrong = [f"{key[0]}: acknowledged, {seen[key]} times there" for key in self.acked.items() if seen[key] != 1]
        asked = self.acked | self.unknown
        wrong += [f"{mark} of {t}: {n} times" for (mark, t), n in seen.items() if n > 1 or asked.get(mark) != t]
        return [*wrong, *self.unexpected]

    def __str__(self) -> str:
        return (
            f"{len(self.acked)} acknowledged, {len(self.unknown)} unknown, {self.repeats} repeats,"
            f" slowest {self.slowest:.2f} s"
        )
