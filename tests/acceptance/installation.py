"""A real installation, started by the command as a user would, and a client that speaks to it over HTTP."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil

from infra.keys.ring import KeyRing
from infra.keys.signing import SigningKeys, load_signing_keys
from infra.keys.tokens import AccessTokens
from infra.postgres import open_pool
from infra.secret import secret_in
from tests.acceptance.patient import patient
from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery staple"
LIFTED = {f"RAPPORT_RATE_LIMIT_{name}": "1000000/60" for name in ("AUTH", "ADDRESS", "USER", "TENANT")}
"""Rate limits that count, as ever, and let all of a test's requests through, which come from one address."""

TESTING = {"RAPPORT_TESTING": "1", "RAPPORT_BCRYPT_COST": "4"}
"""Passwords of made-up people, which cost little to hash."""


class Installation:
    """`rapport up --json` in a data folder of its own; ends with the block."""

    def __init__(self, data: Path, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self.data = data
        self._options = options
        self._environment = {**os.environ, **TESTING, **LIFTED, **(environment or {})}
        self.process: subprocess.Popen[bytes]
        self.ready: dict[str, Any] = {}
        self.clients: list[httpx.Client] = []

    def start(self) -> Self:
        """Start, and wait for the line that says it is ready."""
        errors = self.data.parent / f"{self.data.name}.err"
        with errors.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "bootstrap",
                    "up",
                    "--data",
                    str(self.data),
                    "--port",
                    "0",
                    "--json",
                    *self._options,
                ],
                cwd=ROOT,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"did not start: {errors.read_text()}"
        self.ready = json.loads(line)
        return self

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        if self.process.stdout:
            self.process.stdout.close()
        return code

    def signing_keys(self) -> SigningKeys:
        """The keys that it signs tokens with: for tokens that it would not give."""

        async def load() -> SigningKeys:
            pool = await open_pool(str(self.ready["postgres_admin"]), name="tests", size=1)
            try:
                return await load_signing_keys(pool, secret_in(self.data))
            finally:
                await pool.close()

        with ThreadPoolExecutor(1) as elsewhere:  # this thread may have a loop of its own
            return elsewhere.submit(asyncio.run, load()).result()

    def tokens(self, ttl: int) -> AccessTokens:
        """Tokens that are signed like its own, and live so many seconds."""
        keys = self.signing_keys()

        async def same() -> SigningKeys:
            return keys

        return AccessTokens(KeyRing(keys, same), ttl)

    def log_lines(self, role: str) -> list[dict[str, Any]]:
        """What a role has logged."""
        lines = (self.data / "logs" / f"{role}.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def kill_role(self, name: str) -> int:
        """SIGKILL a role; returns the process id that it had."""
        pid = self.role_pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def role_pid(self, name: str) -> int:
        """The process of a role."""
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it ended, or is a zombie, since it was listed
                if name in child.cmdline()[-2:]:
                    return child.pid
        raise LookupError(name)

    def wait_for_role(self, name: str, *, other_than: int, seconds: float = PATIENCE) -> int:
        """Wait until a role runs again under another process id."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if (pid := self.role_pid(name)) != other_than:
                    return pid
            except (LookupError, psutil.Error):
                pass
            time.sleep(0.05)
        raise TimeoutError(name)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            self.stop()
        if self.process.stdout:
            self.process.stdout.close()

    def tenant(self, name: str = "Analytical Engines Ltd") -> "Tenant":
        """A new tenant, signed in as its admin."""
        made = Tenant(str(self.ready["url"]), name)
        self.clients.append(made.http)
        return made


class Tenant:
    """A tenant and its admin, speaking HTTP."""

    def __init__(self, url: str, name: str) -> None:
        self.email = f"admin-{uuid.uuid4().hex[:12]}@engines.example"
        self.http = patient(url)
        body = {"tenant_name": name, "name": "Grace Hopper", "email": self.email, "password": PASSWORD}
        answer = self.http.post("/v1/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["tenant_id"]
        self.user_id = answer.json()["user_id"]
        self.token = answer.json()["access_token"]
        self.position = int(answer.headers["Event-Position"])
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    def add(self, body: Mapping[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        """Add a contact that must be accepted."""
        answer = self.http.post("/v1/contacts", json=body or {"name": "Ada Lovelace"}, headers=headers)
        assert answer.status_code == 201, answer.text
        self.position = int(answer.headers["Event-Position"])
        made: dict[str, Any] = answer.json()
        return made

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        """Read something that includes this tenant's last write."""
        return self.http.get(path, params=parameters, headers={"Read-After": str(self.position)})

    def search(self, text: str, **parameters: Any) -> httpx.Response:
        """Search, including this tenant's last write."""
        return self.get("/v1/contacts/search", q=text, **parameters)

    def pages(self, path: str, **parameters: Any) -> Iterable[list[dict[str, Any]]]:
        """Every page of a list."""
        cursor = None
        while True:
            answer = self.get(path, **parameters, **({"cursor": cursor} if cursor else {}))
            assert answer.status_code == 200, answer.text
            yield answer.json()["data"]
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                return


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem details of a refusal, which must be this one in the one shape (RFC 9457)."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["type"] == f"urn:rapport:problem:{code}"
    assert found["title"]
    assert found["detail"]
    assert found["correlation_id"] == answer.headers["X-Correlation-Id"]
    return found


def bad_fields(answer: httpx.Response) -> dict[str, str]:
    """Pointer to code of the bad fields of a refused body."""
    errors = problem(answer, 422, "validation.failed")["errors"]
    assert all(error["message"] for error in errors)
    return {error["pointer"]: error["code"] for error in errors}
